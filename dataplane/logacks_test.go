package dataplane

import (
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// TestDurableStreamWithoutConsumers has the log ack what it has.
func TestDurableStreamWithoutConsumers(t *testing.T) {
	leaktest.Check(t)
	g := newGate()
	defer g.open()
	p := durablePlan(t, tracked, 0)
	m := startManager(t, Config{Plan: p, Container: 1, Store: openLog(t, g.FS)})
	spout := dialTask(t, p, 1)
	g.close()
	spout.write(own(t, p, 7, "a", "b", "c"))
	if got := spout.until(); len(got) != 0 {
		t.Fatalf("the spout got %v before the disk had anything", got)
	}
	g.open()
	want := []entry{{7, wire.OwnEdge(7)}, {8, wire.OwnEdge(8)}, {9, wire.OwnEdge(9)}}
	if got := spout.readAcks(1); !slices.Equal(got, want) {
		t.Errorf("acks are %v, want %v", got, want)
	}
	await(t, "the ack is counted", func() bool { return m.Metrics().AcksForwarded == 3 })
}

// TestLogAcksTuplesOfBolts acks tuples that have an edge and several roots, more than a frame holds.
func TestLogAcksTuplesOfBolts(t *testing.T) {
	leaktest.Check(t)
	bolt, spout := func() topology.Bolt { return nil }, func() topology.Spout { return nil }
	top, err := topology.NewBuilder("durable").Deliver(tracked).
		Spout("words", spout, topology.Output("word"), topology.Parallelism(2)).
		Bolt("join", bolt, topology.Shuffle("words"), topology.Output("word"), topology.Durable(wordLog)).Build()
	if err != nil {
		t.Fatal(err)
	}
	q := chainPlan(t, tracked, []uint32{1, 3}, []uint32{2, 4}) // for its addresses
	l := plan.NewLogical(top)
	p := plan.New(l, [][]uint32{{1, 3}, {2}}, 7, 99, func(id uint32) (string, string) {
		c := q.Container(id)
		return c.Socket, c.Address
	})
	store := openLog(t, disktest.New())
	here := startManager(t, Config{Plan: p, Container: 1, Store: store})
	startManager(t, Config{Plan: p, Container: 2, Store: store}) // which no task of emits to the log
	awaitPeers(here)
	join, spouts := dialTask(t, p, 3), []*testTask{dialTask(t, p, 1), dialTask(t, p, 2)}
	const n = 20_000
	frame := wire.AppendHeader(nil, wire.Header{Kind: wire.KindData, Source: 3, Stream: 1, Epoch: p.Epoch, Flags: wire.FlagAnchored})
	for i := uint64(1); i <= n; i++ {
		tuple := wire.AppendRoot(wire.AppendRoot(wire.AppendEdge(nil, i*i), 1, 3*i), 2, 5*i)
		frame = append(append(frame, '\n', byte(len(tuple))), tuple...)
	}
	wire.PutLengthCount(frame, uint32(len(frame)-wire.HeaderSize), n)
	join.write(frame)
	for i, spout := range spouts {
		step := uint64(3 + 2*i)
		for next := uint64(1); next <= n; {
			for _, e := range spout.readAcks(3) {
				if e.seq != next*step || e.word != next*next {
					t.Fatalf("spout %d: ack of %d with %d, want tuple %d", i, e.seq, e.word, next)
				}
				next++
			}
		}
	}
}
