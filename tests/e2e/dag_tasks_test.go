package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
)

// value is what a tuple of that id holds in a random field: of any type, now and then large.
func (s *stream) value(id uint64, field int) topology.Value {
	h := mix(s.id, uint64(field), s.pick(id, field))
	size := int(h >> 32 % 24)
	if h>>56 == 0 {
		size = 12_000
	}
	switch h % 9 {
	case 0:
		return topology.Null()
	case 1:
		return topology.Int(int64(h) >> (h >> 8 % 64))
	case 2:
		return topology.Float(math.Float64frombits(h))
	case 3:
		return topology.Float([]float64{0, math.Copysign(0, -1), math.Inf(1), math.NaN()}[h>>8%4])
	case 4:
		return topology.Bytes(bytes.Repeat([]byte{byte(h >> 8), 0xff}, size))
	case 5:
		return topology.Bool(h>>8%2 == 0)
	case 6:
		return topology.Time(time.Unix(0, int64(h)))
	default:
		return topology.String(strings.Repeat(string(rune('a'+h>>8%26))+"\u00e6", size))
	}
}

// check compares a received tuple with what one of its id must hold.
func (s *stream) check(t *topology.Tuple, id uint64) error {
	if t.Len() != fieldRandom+len(s.ranges) {
		return fmt.Errorf("it has %d fields", t.Len())
	}
	for f := range s.ranges {
		i := fieldRandom + f
		typ, err := t.Type(i)
		if err != nil {
			return err
		}
		var have topology.Value
		switch typ {
		case topology.TypeInt:
			v, _ := t.Int(i)
			have = topology.Int(v)
		case topology.TypeFloat:
			v, _ := t.Float(i)
			have = topology.Float(v)
		case topology.TypeString:
			v, _ := t.String(i)
			have = topology.String(v)
		case topology.TypeBytes:
			v, _ := t.Bytes(i)
			have = topology.Bytes(v)
		case topology.TypeBool:
			v, _ := t.Bool(i)
			have = topology.Bool(v)
		case topology.TypeTime:
			v, _ := t.Time(i)
			have = topology.Time(v)
		default:
			have = topology.Null()
		}
		if want := s.value(id, f); have != want {
			return fmt.Errorf("field %d is %v, want %v", i, have, want)
		}
	}
	return nil
}

// emitter sends the tuples of a node's streams.
type emitter struct {
	d    *dag
	n    *node
	task *topology.Task
	outs []*topology.Out
	seq  []int64
	vals []topology.Value
}

func (e *emitter) open(task *topology.Task, out *topology.Collector) error {
	e.task = task
	e.seq = make([]int64, len(e.n.streams))
	for i := range e.n.streams {
		o, err := out.Stream(e.n.streams[i].name)
		if err != nil {
			return err
		}
		e.outs = append(e.outs, o)
	}
	return nil
}

// emit sends the tuple of that id: once to a task of each direct consumer, once for all others.
func (e *emitter) emit(stream int, id uint64) error {
	s := &e.n.streams[stream]
	e.seq[stream]++
	e.vals = append(e.vals[:0], topology.Int(int64(id)), topology.Int(e.seq[stream]))
	for f := range s.ranges {
		e.vals = append(e.vals, s.value(id, f))
	}
	for _, u := range s.uses {
		if u.grouping != router.Direct {
			continue
		}
		if err := e.outs[stream].EmitDirect(directTask(u.salt, id, u.tasks), e.vals...); err != nil {
			return err
		}
	}
	return e.outs[stream].Emit(e.vals...)
}

// dagSpout sends rows, and is idle now and then.
type dagSpout struct {
	emitter

	out *topology.Collector
	row int
}

// Open looks up the streams.
func (s *dagSpout) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	s.out = out
	return s.open(task, out)
}

// Next sends a row.
func (s *dagSpout) Next() error {
	if s.row == s.d.rows {
		return io.EOF
	}
	for i := range s.n.streams {
		if err := s.emit(i, spoutID(&s.n.streams[i], s.task.ID, s.row)); err != nil {
			return err
		}
	}
	s.row++
	switch mix(s.d.seed, uint64(s.task.ID), uint64(s.row)) % 64 {
	case 0:
		return topology.ErrIdle
	case 1:
		return s.out.Flush()
	}
	return nil
}

// Close does nothing.
func (s *dagSpout) Close() error { return nil }

// dagBolt records what it receives and emits what follows from that.
type dagBolt struct {
	emitter

	inputs map[string]int     // by component/stream
	ids    [][]byte           // received, 8 bytes each, by input
	last   []map[uint32]int64 // seq, by input and source task
	faults []string
	source *topology.Source
	in     int // input that source is of
}

// Open looks up the streams.
func (b *dagBolt) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	b.inputs = map[string]int{}
	for i, in := range b.n.inputs {
		src := &b.d.nodes[in.node]
		b.inputs[src.name+"/"+src.streams[in.stream].name] = i
		b.ids = append(b.ids, nil)
		b.last = append(b.last, map[uint32]int64{})
	}
	return b.open(task, out)
}

// Execute checks the tuple, its order among those of the same task, and keeps its id.
func (b *dagBolt) Execute(t *topology.Tuple) error {
	if src := t.Source(); src != b.source {
		in, ok := b.inputs[src.Component+"/"+src.Stream]
		if !ok {
			b.fault("tuple from %+v, which is no input", src)
			return nil
		}
		b.source, b.in = src, in
	}
	in := b.n.inputs[b.in]
	from := &b.d.nodes[in.node].streams[in.stream]
	id, err1 := t.Int(fieldID)
	seq, err2 := t.Int(fieldSeq)
	if err1 != nil || err2 != nil {
		b.fault("tuple of %+v: %v, %v", b.source, err1, err2)
		return nil
	}
	if err := from.check(t, uint64(id)); err != nil {
		b.fault("tuple %x of %+v: %v", uint64(id), b.source, err)
	}
	if last := b.last[b.in][b.source.Task]; seq <= last {
		b.fault("tuple %d of %+v came after %d", seq, b.source, last)
	}
	b.last[b.in][b.source.Task] = seq
	b.ids[b.in] = binary.LittleEndian.AppendUint64(b.ids[b.in], uint64(id))
	if mix(b.d.seed, uint64(seq))%512 == 0 {
		time.Sleep(2 * time.Millisecond) // so that queues form
	}
	for i := range b.n.streams {
		for _, next := range derived(&b.n.streams[i], from, uint64(id)) {
			if err := b.emit(i, next); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *dagBolt) fault(format string, args ...any) {
	if len(b.faults) < 10 {
		b.faults = append(b.faults, fmt.Sprintf(format, args...))
	}
}

// Finish publishes the ids and the faults.
func (b *dagBolt) Finish() error {
	for i, ids := range b.ids {
		b.task.Publish(fmt.Sprintf("input-%d", i), ids)
	}
	b.task.Publish("faults", []byte(strings.Join(b.faults, "\n")))
	return nil
}

// Close does nothing.
func (b *dagBolt) Close() error { return nil }
