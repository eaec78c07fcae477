package topology

import (
	"errors"
	"fmt"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/wire"
)

// Sizes of a batch, a whole frame, in bytes. Between them the size follows the
// load: it doubles when a batch fills up and halves when the task runs dry.
const (
	DefaultMinBatch = 4 << 10
	DefaultMaxBatch = 128 << 10
)

// Errors of Emit that callers tell apart.
var (
	ErrFields     = errors.New("topology: number of values differs from the fields of the stream")
	ErrNoStream   = errors.New("topology: component does not declare that stream")
	ErrNotDirect  = errors.New("topology: task does not consume the stream with direct grouping")
	ErrCustomTask = errors.New("topology: custom grouping chose a task that is not among those it was given")
)

// Sink takes finished batches from a Collector; the engine implements it.
type Sink interface {
	// Send takes ownership of batch, whose B holds wire.HeaderSize bytes of
	// room and behind it count records for the stream. dest is the task
	// that the emitter chose, or 0 to let the stream manager route. It waits
	// for credit and returns ErrStopped when there will be none.
	Send(stream uint16, dest uint32, keyed bool, count uint32, batch *pool.Buf) error
}

// OutputSpec describes one output stream to NewCollector.
type OutputSpec struct {
	Name    string
	Index   uint16 // in the physical plan
	Fields  []string
	KeySets [][]int // fields of each distinct key, in the order of the plan
	Routed  bool    // the stream manager gets each tuple, for consumers that it routes or for a log
	Copies  int     // that it makes of each tuple, to be acked
	Direct  []uint32
	Custom  []CustomTarget
}

// CustomTarget is one consumer that a user's function chooses tasks for.
type CustomTarget struct {
	Choose CustomFunc
	Tasks  []uint32
}

// Collector emits tuples for one task. It belongs to the task's goroutine.
type Collector struct {
	sink     Sink
	seed     uint64
	outputs  []*Out
	def      *Out // the default stream, nil if there is none
	byName   map[string]*Out
	min, max int
	emitted  uint64
	track    *tracking // nil where nothing is tracked
}

// NewCollector returns a collector for the given streams; the engine calls it.
// seed is the topology's hash seed. minBatch and maxBatch bound the size of a
// batch in bytes, header included; zero means the default, and what is more
// than a frame can hold is cut to that. With a bound of one byte every tuple is
// a batch of its own.
func NewCollector(sink Sink, seed uint64, minBatch, maxBatch int, specs []OutputSpec) *Collector {
	if maxBatch <= 0 {
		maxBatch = DefaultMaxBatch
	}
	maxBatch = min(maxBatch, wire.HeaderSize+wire.MaxBody)
	if minBatch <= 0 {
		minBatch = DefaultMinBatch
	}
	minBatch = min(minBatch, maxBatch)
	c := &Collector{sink: sink, seed: seed, byName: map[string]*Out{}, min: minBatch, max: maxBatch}
	for _, s := range specs {
		o := newOut(c, s)
		c.outputs = append(c.outputs, o)
		c.byName[s.Name] = o
	}
	c.def = c.byName[DefaultStream]
	return c
}

// Emit sends a tuple on the default stream. It does not allocate, and what the
// values borrow is free again when it returns. The error is ErrFields,
// ErrNoStream, ErrInvalidUTF8, ErrTimeRange, ErrCustomTask, ErrStopped, or a
// *TupleTooLargeError; after any but ErrStopped nothing was sent and the task
// may go on.
func (c *Collector) Emit(values ...Value) error {
	o := c.def
	if o == nil {
		return errNoDefault()
	}
	if o.addShort(&o.routed, values) {
		return nil
	}
	return o.emit(nil, values)
}

func errNoDefault() error { return fmt.Errorf("%w: %q", ErrNoStream, DefaultStream) }

// Stream returns the output of that name, to be looked up once in Open.
func (c *Collector) Stream(name string) (*Out, error) {
	if o := c.byName[name]; o != nil {
		return o, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNoStream, name)
}

// Flush sends every batch that has begun. A spout that waits inside Next calls
// it first; elsewhere the engine flushes when the task runs out of input.
func (c *Collector) Flush() error { return c.flush(true) }

// Age sends every batch that has begun because it has become old while the
// task stays busy: unlike Flush it says nothing about the load. The engine calls it.
func (c *Collector) Age() error { return c.flush(false) }

func (c *Collector) flush(drained bool) error {
	var first error
	for _, o := range c.outputs {
		if err := o.flush(drained); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Pending reports whether a batch has begun and not been sent.
func (c *Collector) Pending() bool {
	for _, o := range c.outputs {
		if o.routed.buf != nil || len(o.begun) > 0 {
			return true
		}
	}
	return false
}

// Emitted returns the number of tuples emitted so far. A tuple that goes to
// several consumers counts once.
func (c *Collector) Emitted() uint64 { return c.emitted }
