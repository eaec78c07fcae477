package topology

import (
	"fmt"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/router"
)

// DefaultStream is the name of the stream that Output declares and Emit writes to.
const DefaultStream = "default"

// Kind tells spouts and bolts apart.
type Kind uint8

// The kinds of components.
const (
	KindSpout Kind = iota
	KindBolt
)

// String returns "spout" or "bolt".
func (k Kind) String() string {
	if k == KindSpout {
		return "spout"
	}
	return "bolt"
}

// CustomFunc chooses the tasks that a tuple goes to: it appends some of tasks
// to dst, none to drop the tuple for this consumer, and returns it. A task that
// it names twice gets two copies. It runs in the emitting task and must not keep
// t, tasks or dst, nor change tasks. The Source of t names the stream and its
// fields only.
type CustomFunc func(t *Tuple, tasks, dst []uint32) []uint32

// Stream is an output stream that a component declares.
type Stream struct {
	Name   string
	Fields []string // names, in order
	Log    string   // that its tuples are appended to; empty if it is not durable
}

// Input is a bolt's subscription to a stream.
type Input struct {
	Component string
	Stream    string
	Grouping  router.Grouping
	Fields    []string   // of the key, for fields grouping
	Custom    CustomFunc // for custom grouping
}

// Component is a spout or bolt with its declarations.
type Component struct {
	Name        string
	Kind        Kind
	Parallelism int
	Streams     []Stream
	Inputs      []Input
	TickEvery   time.Duration
	ManualAck   bool // of a bolt: it acks its tuples itself
	Config      map[string]string
	NewSpout    func() Spout // of a spout
	NewBolt     func() Bolt  // of a bolt

	durable []durable
}

// durable says that a stream is durable.
type durable struct{ stream, log string }

// Topology is a validated graph of components. It is immutable: readers must
// not change what its slices hold.
type Topology struct {
	Name       string
	Components []Component // spouts and bolts in the order they were added
	Delivery   Delivery
}

// Builder gathers components. Its methods never fail: Build reports everything at once.
type Builder struct {
	name       string
	components []Component
	delivery   Delivery
	faults     []string // what is wrong with calls, and not with what they declare
}

// NewBuilder returns a builder for a topology of that name: 1 to 64 letters,
// digits, '-', '_' or '.', beginning with a letter.
func NewBuilder(name string) *Builder { return &Builder{name: name} }

// Option declares something about a component.
type Option func(*Component)

// Spout adds a spout. newSpout is called once for every task, in the task's process.
func (b *Builder) Spout(name string, newSpout func() Spout, opts ...Option) *Builder {
	return b.add(Component{Name: name, Kind: KindSpout, Parallelism: 1, NewSpout: newSpout}, opts)
}

// Bolt adds a bolt. newBolt is called once for every task, in the task's process.
func (b *Builder) Bolt(name string, newBolt func() Bolt, opts ...Option) *Builder {
	return b.add(Component{Name: name, Kind: KindBolt, Parallelism: 1, NewBolt: newBolt}, opts)
}

func (b *Builder) add(c Component, opts []Option) *Builder {
	for _, o := range opts {
		if o == nil {
			b.faults = append(b.faults, fmt.Sprintf("%s %q has an option that is nil", c.Kind, c.Name))
			continue
		}
		o(&c)
	}
	for _, d := range c.durable {
		b.setLog(&c, d)
	}
	b.components = append(b.components, c)
	return b
}

// setLog makes a stream of a component durable.
func (b *Builder) setLog(c *Component, d durable) {
	fault := func(format string, args ...any) { b.faults = append(b.faults, fmt.Sprintf(format, args...)) }
	i := slices.IndexFunc(c.Streams, func(s Stream) bool { return s.Name == d.stream })
	switch {
	case d.log == "":
		fault("stream %s/%s is durable in a log without a name", c.Name, d.stream)
	case i < 0:
		fault("component %q makes stream %q durable, but declares no such stream", c.Name, d.stream)
	case c.Streams[i].Log != "":
		fault("stream %s/%s is made durable twice", c.Name, d.stream)
	default:
		c.Streams[i].Log = d.log
	}
}

// Parallelism sets the number of tasks, 1 to MaxParallelism. The default is 1.
func Parallelism(n int) Option { return func(c *Component) { c.Parallelism = n } }

// Output declares the default stream with the given field names.
func Output(fields ...string) Option { return OutputStream(DefaultStream, fields...) }

// OutputStream declares a named stream with the given field names.
func OutputStream(name string, fields ...string) Option {
	fields = slices.Clone(fields)
	return func(c *Component) { c.Streams = append(c.Streams, Stream{Name: name, Fields: fields}) }
}

// Durable has all tuples of the default stream appended to the durable log of that name, each of them once for each time
// that it is emitted: where tuples are tracked one that is replayed is there again. Names of logs are made as those of
// streams, and no two streams have the same log. With AtLeastOnce tuples reach their consumers when they are on disk, and
// are complete then at the earliest; else they are appended beside, and may be lost. A durable stream needs no consumer. It
// cannot have direct and custom groupings, for which the emitter makes the copies.
func Durable(log string) Option { return DurableStream(DefaultStream, log) }

// DurableStream is Durable for a named stream.
func DurableStream(name, log string) Option {
	return func(c *Component) { c.durable = append(c.durable, durable{stream: name, log: log}) }
}

// Config sets a configuration entry that the component's tasks find in Task.Config.
func Config(key, value string) Option {
	return func(c *Component) {
		if c.Config == nil {
			c.Config = map[string]string{}
		}
		c.Config[key] = value
	}
}

// TickEvery makes the engine call the bolt's Tick that often. The bolt must be
// a Ticker. The least is one millisecond.
func TickEvery(d time.Duration) Option { return func(c *Component) { c.TickEvery = d } }

// ManualAck declares that a bolt acks each tuple itself, by Collector.Ack or
// Collector.Fail, and anchors what it emits by EmitAnchored. Without it a tuple
// is acked when Execute returns, and what Execute emits is anchored to it. It has
// no effect where nothing is tracked. Spouts end their streams when all is acked,
// so that a bolt that gathers tuples must ack the last of them without waiting for
// more, or for Finish: by Tick.
func ManualAck() Option { return func(c *Component) { c.ManualAck = true } }

// Shuffle subscribes to a stream, each batch going to the task that has least
// to do. from is "component" for its default stream or "component/stream", as
// in all groupings.
func Shuffle(from string) Option { return input(from, Input{Grouping: router.Shuffle}) }

// LocalShuffle is Shuffle that prefers the tasks in the emitter's container
// while they keep up.
func LocalShuffle(from string) Option { return input(from, Input{Grouping: router.LocalShuffle}) }

// Fields subscribes to a stream so that tuples with equal values in the named
// fields meet in the same task.
func Fields(from string, fields ...string) Option {
	return input(from, Input{Grouping: router.Fields, Fields: slices.Clone(fields)})
}

// All subscribes every task to every tuple.
func All(from string) Option { return input(from, Input{Grouping: router.All}) }

// Global sends every tuple to the task with the lowest id.
func Global(from string) Option { return input(from, Input{Grouping: router.Global}) }

// Direct subscribes to what the emitter sends to a task by EmitDirect.
func Direct(from string) Option { return input(from, Input{Grouping: router.Direct}) }

// None says that any task will do. It is Shuffle by another name.
func None(from string) Option { return input(from, Input{Grouping: router.None}) }

// Custom lets a function choose the tasks of every tuple.
func Custom(from string, choose CustomFunc) Option {
	return input(from, Input{Grouping: router.Custom, Custom: choose})
}

func input(from string, in Input) Option {
	in.Component, in.Stream = splitFrom(from)
	return func(c *Component) { c.Inputs = append(c.Inputs, in) }
}

func splitFrom(from string) (component, stream string) {
	for i := range len(from) {
		if from[i] == '/' {
			return from[:i], from[i+1:]
		}
	}
	return from, DefaultStream
}
