package topology

import (
	"fmt"
	"slices"
	"time"
)

// Guarantee is what a topology promises about each tuple of its spouts.
type Guarantee uint8

// The guarantees.
const (
	// AtMostOnce: a tuple may be lost when a process dies. Nothing is tracked,
	// and tracking costs nothing.
	AtMostOnce Guarantee = iota
	// AtLeastOnce: tuples that a spout emits by EmitID are tracked until every
	// bolt that they, or tuples anchored to them, reach has acked. What is lost is
	// emitted again by a spout that is a Replayer, and told to one that is an Acker.
	AtLeastOnce

	guarantees
)

// String returns "at-most-once" or "at-least-once".
func (g Guarantee) String() string {
	switch g {
	case AtMostOnce:
		return "at-most-once"
	case AtLeastOnce:
		return "at-least-once"
	default:
		return fmt.Sprintf("guarantee(%d)", uint8(g))
	}
}

// ParseGuarantee returns the guarantee of that name.
func ParseGuarantee(name string) (Guarantee, error) {
	for g := range guarantees {
		if g.String() == name {
			return g, nil
		}
	}
	return 0, fmt.Errorf("topology: no guarantee %q: use %v or %v", name, AtMostOnce, AtLeastOnce)
}

// Defaults and bounds of Delivery.
const (
	DefaultMessageTimeout = 30 * time.Second
	MinMessageTimeout     = 10 * time.Millisecond
	MaxMessageTimeout     = time.Hour
	DefaultMaxPending     = 1 << 16
	MaxMaxPending         = 1 << 24
	DefaultMaxRetries     = 3
	MaxMaxRetries         = 100
)

// Delivery is how a topology's tuples are tracked.
type Delivery struct {
	Guarantee Guarantee
	// MessageTimeout is how long a tuple may take to be acked everywhere until
	// it counts as lost. Time during which its spout is held back by a slow
	// consumer does not count. Shorter finds losses sooner that nobody told of,
	// and takes slow tuples for lost ones, which are then handled twice.
	MessageTimeout time.Duration
	// MaxPending is the most tuples of a spout task that are tracked at a time,
	// those that wait to be replayed included. Emit waits when there are as many.
	// Each takes 24 bytes. More is needed the longer tuples take.
	MaxPending int
	// MaxRetries is how often a tuple that a bolt fails, or that times out, is
	// replayed before it is given up. What was lost with a process or a link is
	// replayed without counting.
	MaxRetries int
}

// Tracked reports whether tuples are tracked.
func (d Delivery) Tracked() bool { return d.Guarantee >= AtLeastOnce }

func (d Delivery) withDefaults() Delivery {
	if !d.Tracked() {
		return Delivery{}
	}
	if d.MessageTimeout == 0 {
		d.MessageTimeout = DefaultMessageTimeout
	}
	if d.MaxPending == 0 {
		d.MaxPending = DefaultMaxPending
	}
	switch {
	case d.MaxRetries == 0:
		d.MaxRetries = DefaultMaxRetries
	case d.MaxRetries < 0:
		d.MaxRetries = 0
	}
	return d
}

// Deliver sets the delivery guarantee of the whole topology. The default is
// AtMostOnce. Zero fields mean the defaults above; a negative MaxRetries means
// that nothing that failed is replayed.
func (b *Builder) Deliver(d Delivery) *Builder {
	b.delivery = d
	return b
}

// delivery checks the settings, and the streams that they make the engine write to.
func (v *validation) delivery(d Delivery, components []Component) {
	for i := range components {
		c := &components[i]
		for _, s := range c.Streams {
			letters := d.Tracked() && c.Kind == KindSpout && s.Name == DeadLetterStream
			if letters && !slices.Equal(s.Fields, deadLetterFields) {
				v.fault("stream %s/%s has fields %q: declare it by DeadLetters", c.Name, s.Name, s.Fields)
			}
		}
	}
	if d.Guarantee >= guarantees {
		v.fault("%v is unknown: use AtMostOnce or AtLeastOnce", d.Guarantee)
	}
	if d.MessageTimeout != 0 && (d.MessageTimeout < MinMessageTimeout || d.MessageTimeout > MaxMessageTimeout) {
		v.fault("MessageTimeout is %v, allowed are %v to %v", d.MessageTimeout, MinMessageTimeout, MaxMessageTimeout)
	}
	if d.MaxPending < 0 || d.MaxPending > MaxMaxPending {
		v.fault("MaxPending is %d, allowed are 1 to %d", d.MaxPending, MaxMaxPending)
	}
	if d.MaxRetries > MaxMaxRetries {
		v.fault("MaxRetries is %d, allowed are up to %d", d.MaxRetries, MaxMaxRetries)
	}
}

// DeadLetterStream is the stream of tuples that a spout has given up.
const DeadLetterStream = "dead-letters"

// Fields of the dead-letter stream, in order.
const (
	DeadLetterID        = iota // int: what the tuple was emitted with
	DeadLetterTries            // int: how often it was emitted
	DeadLetterComponent        // string: that failed it, empty after a timeout
	DeadLetterTask             // int: that failed it, 0 after a timeout
	DeadLetterCause            // string
	DeadLetterStack            // string: of a panic, else empty
	DeadLetterPayload          // bytes: the tuple that failed, as Tuple.Raw, or its first 32 KiB
)

var deadLetterFields = []string{"id", "tries", "component", "task", "cause", "stack", "payload"}

// DeadLetters declares the dead-letter stream of a spout, for bolts to subscribe
// to as "spout/dead-letters". A letter is tracked, and emitted again like a tuple
// of a Replayer, also where the spout is none. Without it tuples that are given up are counted,
// logged, and told to Acker.Fail only.
func DeadLetters() Option {
	return OutputStream(DeadLetterStream, deadLetterFields...)
}
