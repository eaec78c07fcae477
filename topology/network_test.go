package topology

import (
	"bytes"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/tracker"
	"github.com/ardea-stream/ardea/wire"
)

// trackedSink keeps what a task sends: tuples by where they go, and acks.
type trackedSink struct {
	task  uint32
	sent  [][]byte // tuples of routed batches
	named map[uint32][][]byte
	acks  []sentAck
	fails []sentFail
	full  func() error // AwaitRoom
}

type sentAck struct {
	task      uint32
	seq, word uint64
}

type sentFail struct {
	task  uint32
	seq   uint64
	tuple string
	cause error
}

func (s *trackedSink) Send(_ uint16, dest uint32, _ bool, count uint32, batch *pool.Buf) error {
	defer batch.Release()
	body := batch.B[wire.HeaderSize:]
	n := 0
	for off := 0; off < len(body); n++ {
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			return wire.ErrRecord
		}
		if dest == 0 {
			s.sent = append(s.sent, bytes.Clone(body[tuple:end]))
		} else {
			s.named[dest] = append(s.named[dest], bytes.Clone(body[tuple:end]))
		}
		off = end
	}
	if n != int(count) {
		return wire.ErrCount
	}
	return nil
}

func (s *trackedSink) AwaitRoom() error { return s.full() }

func (s *trackedSink) Ack(task uint32, seq, word uint64) {
	s.acks = append(s.acks, sentAck{task, seq, word})
}

func (s *trackedSink) Fail(task uint32, seq uint64, tuple []byte, cause error) {
	s.fails = append(s.fails, sentFail{task, seq, string(tuple), cause})
}

func newTrackedSink(task uint32) *trackedSink {
	return &trackedSink{task: task, named: map[uint32][][]byte{}, full: func() error { return ErrStopped }}
}

// network is a spout and bolts in layers, whose tuples are carried by hand. Each
// tuple of a layer goes to copies tasks of the next.
type network struct {
	spouts   []*Collector
	trackers []*tracker.Tracker
	sinks    []*trackedSink // of the spouts, then of the bolts
	bolts    []*Collector
	copies   int
	waiting  [][]parcel // by layer of the bolt that it waits for
	complete map[uint64]bool
}

// parcel is a tuple on its way, and the spout tuples that it descends from.
type parcel struct {
	tuple  []byte
	source uint32
	roots  map[uint64]bool // task<<32 | id
}

// begin lets a collector begin a tuple of a task, as the engine does, or where
// plainly is set by the way that is there for all tuples.
func begin(tb interface{ Fatal(args ...any) }, c *Collector, view *Tuple, tuple []byte, source uint32, plainly bool) {
	record := append(wire.AppendRecordHeader(nil, len(tuple)), tuple...)
	_, at, seq, own := wire.OwnRecord(append(record, record...), 0) // it does not look at the last one
	values := at - 2
	if own && !plainly {
		c.BeginOwn(tuple, source, seq)
	} else {
		edge, roots, at, err := wire.Anchors(tuple)
		if err != nil {
			tb.Fatal(err)
		}
		c.Begin(tuple, source, edge, roots)
		values = at
	}
	view.ResetTracked(tuple, values, &Source{}, c)
}

func newNetwork(spouts, layers, copies int, manual bool) *network {
	n := &network{copies: copies, waiting: make([][]parcel, layers+1), complete: map[uint64]bool{}}
	spec := []OutputSpec{{Name: DefaultStream, Fields: []string{"n", "text"}, KeySets: [][]int{{0}}, Routed: true, Copies: copies}}
	for i := range spouts {
		task := uint32(i + 1)
		sink, ring := newTrackedSink(task), tracker.New(1, 1<<20)
		c := NewCollector(sink, 7, 0, 0, spec)
		c.Track(sink, ring, false)
		ring.Completed = func(id uint64, _ bool) { n.complete[uint64(task)<<32|id] = true }
		n.spouts, n.trackers, n.sinks = append(n.spouts, c), append(n.trackers, ring), append(n.sinks, sink)
	}
	for i := range layers {
		sink := newTrackedSink(uint32(spouts + i + 1))
		if i == layers-1 {
			spec = nil
		}
		c := NewCollector(sink, 7, 0, 0, spec)
		c.Track(sink, nil, manual)
		n.bolts, n.sinks = append(n.bolts, c), append(n.sinks, sink)
	}
	return n
}

// carry puts what a task has sent on its way, as a stream manager would.
func (n *network) carry(c *Collector, sink *trackedSink, layer int, roots map[uint64]bool) {
	_ = c.Flush()
	for _, tuple := range sink.sent {
		for range n.copies {
			n.waiting[layer] = append(n.waiting[layer], parcel{tuple: bytes.Clone(tuple), source: sink.task, roots: roots})
			record := append(wire.AppendRecordHeader(nil, len(tuple)), tuple...)
			_ = wire.NextEdges(record)
			tuple = record[len(record)-len(tuple):]
		}
	}
	sink.sent = nil
	for _, a := range sink.acks {
		n.trackers[a.task-1].Ack(a.seq, a.word)
	}
	sink.acks = nil
}

// pending returns the spout tuples that something waiting, or held, descends from.
func (n *network) pending(held []hold) map[uint64]bool {
	all := map[uint64]bool{}
	add := func(roots map[uint64]bool) {
		for r := range roots {
			all[r] = true
		}
	}
	for _, layer := range n.waiting {
		for _, p := range layer {
			add(p.roots)
		}
	}
	for _, h := range held {
		add(h.roots)
	}
	return all
}

// hold is a tuple that a bolt has taken an anchor of.
type hold struct {
	anchor Anchor
	layer  int
	roots  map[uint64]bool
}
