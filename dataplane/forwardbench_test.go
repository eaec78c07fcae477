package dataplane

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// dropAll makes a loop drop what it sends, after all the work before that.
func dropAll(lp *loop) {
	for _, d := range lp.dests[1:] {
		d.out.ended = true
	}
}

// batchFrame returns a routed frame of about n bytes of words with random keys, and its number of tuples.
func batchFrame(p *plan.Plan, n int) (frame []byte, tuples int) {
	rng := rand.New(rand.NewPCG(7, 7))
	var list []*wirepb.Tuple
	for size := wire.HeaderSize; size < n; size += 27 {
		word := make([]byte, 6+rng.IntN(7))
		for i := range word {
			word[i] = byte('a' + rng.IntN(26))
		}
		list = append(list, plainTuple(rng.Uint64(), string(word)))
	}
	return encodeFrame(p, 0, 1, 0, list...), len(list)
}

// forwardings are the ways through a forwarder, for what is exact or measured about each.
var forwardings = []struct {
	name       string
	tasks      int
	containers int
	in         topology.Option
	peer       bool // the frame comes from another stream manager
}{
	{"route=fields/dests=1", 1, 1, topology.Fields("words", "word"), false},
	{"route=fields/dests=2", 2, 1, topology.Fields("words", "word"), false},
	{"route=fields/dests=7", 7, 1, topology.Fields("words", "word"), false},
	{"route=shuffle/dests=2", 2, 1, topology.Shuffle("words"), false},
	{"route=all/dests=2", 2, 1, topology.All("words"), false},
	{"route=topeers/dests=2", 2, 3, topology.Fields("words", "word"), false},
	{"route=frompeer/dests=1", 1, 2, topology.Fields("words", "word"), true},
}

// turner returns a function that gives a loop one read of a few frames and
// ends its turn, and how many tuples that are.
func turner(tb testing.TB, mode string, i int) (turn func(), tuples int) {
	tb.Helper()
	const together = 4
	fw := forwardings[i]
	p := testPlan(tb, fw.tasks, fw.containers, fw.in)
	lp := offline(tb, p, 1, mode)
	frame, n := batchFrame(p, 32<<10)
	l := &link{role: roleInstance, task: 1, credit: 1 << 62, blocked: 1}
	if fw.peer {
		feed(lp, roleInstance, 1, frame)
		lp.fwd.flush()
		frame = queued(lp.peers[2])
		lp = offline(tb, p, 2, mode)
		l = &link{role: rolePeer, credit: 1 << 62, blocked: 1}
	}
	dropAll(lp)
	read := bytes.Repeat(frame, together)
	h, err := wire.ParseHeader(frame)
	if err != nil {
		tb.Fatal(err)
	}
	return func() {
		for off := 0; off < len(read); off += len(frame) {
			wire.PutDest(read[off:], h.Dest) // forwarding wrote into it
		}
		lp.read(l, read)
		lp.fwd.flush()
	}, together * n
}

func TestForwardingDoesNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("a checked build's pool allocates")
	}
	for i := range forwardings {
		for _, mode := range []string{"optimized", "heron2017", "optimized-hash", "optimized-writev-passthrough-batch"} {
			t.Run(fmt.Sprintf("mode=%s/%s", mode, forwardings[i].name), func(t *testing.T) {
				turn, tuples := turner(t, mode, i)
				for range 20 {
					turn()
				}
				if n := testing.AllocsPerRun(100, turn); n != 0 {
					t.Errorf("%v allocations for %d tuples in 4 frames", n, tuples)
				}
			})
		}
	}
}

// BenchmarkForward measures a turn of the event loop without its system calls:
// 4 frames of 32 KiB, about 1200 words each, are read, routed and flushed. The
// time of the processor is that of the whole process, the garbage collector included.
func BenchmarkForward(b *testing.B) {
	for i := range forwardings {
		for _, mode := range allModes[:len(allModes)-1] {
			b.Run(fmt.Sprintf("mode=%s/%s", mode, forwardings[i].name), func(b *testing.B) {
				turn, tuples := turner(b, mode, i)
				for range 20 {
					turn() // fills the pools
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				cpu := cpuTime(b)
				for b.Loop() {
					turn()
				}
				cpu = cpuTime(b) - cpu
				runtime.ReadMemStats(&after)
				total := float64(b.N) * float64(tuples)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/total, "ns/tuple")
				b.ReportMetric(float64(cpu.Nanoseconds())/total, "cpu-ns/tuple")
				b.ReportMetric(float64(after.Mallocs-before.Mallocs)/total, "allocs/tuple")
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/total, "B/tuple")
			})
		}
	}
}

// cpuTime returns the processor time that the process has used, user and system.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
