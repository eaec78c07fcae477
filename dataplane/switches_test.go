package dataplane

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// hashedModes are optimized with one or many switches off, but for the one that makes tuples have no key hashes.
var hashedModes = []string{
	"optimized-writev", "optimized-passthrough", "optimized-drain", "optimized-batch",
	"optimized-writev-passthrough-reuse-drain-batch-procs",
}

func TestSwitchesAreSet(t *testing.T) {
	names := []string{"optimized"}
	seen := map[Mode]bool{}
	for _, s := range Switches {
		m, err := ParseMode("optimized-" + s.Name)
		if err != nil || s.Text == "" {
			t.Fatalf("%s: %v", s.Name, err)
		}
		m.name = ""
		if seen[m] || m == (Mode{Optimized: true}) {
			t.Errorf("%s switches what another one does, or nothing", s.Name)
		}
		seen[m] = true
		names = append(names, s.Name)
	}
	all := strings.Join(names, "-")
	m, err := ParseMode(all)
	if err != nil || m.switchesOff != (switchesOff{true, true, true, true, true, true, true}) {
		t.Errorf("%s: %+v, %v", all, m, err)
	}
}

// keyedPlan returns a plan of a spout whose stream of four fields is grouped by two keys.
func keyedPlan(t *testing.T) *plan.Plan {
	t.Helper()
	bolt := func() topology.Bolt { return nil }
	top, err := topology.NewBuilder("keyed").
		Spout("s", func() topology.Spout { return nil }, topology.Output("a", "b", "c", "d")).
		Bolt("by-b", bolt, topology.Parallelism(3), topology.Fields("s", "b")).
		Bolt("by-da", bolt, topology.Parallelism(4), topology.Fields("s", "d", "a")).Build()
	if err != nil {
		t.Fatal(err)
	}
	l := plan.NewLogical(top)
	return plan.New(l, plan.PackRoundRobin(l, 1), 1, 4711, func(uint32) (string, string) { return "", "" })
}

// anyValue returns a value of any type, one of few so that keys repeat.
func anyValue(rng *rand.Rand) topology.Value {
	switch rng.IntN(9) {
	case 0:
		return topology.Null()
	case 1:
		return topology.Int(rng.Int64N(5) - 2)
	case 2:
		return topology.Float([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), 1.5}[rng.IntN(5)])
	case 3:
		return topology.Bytes([]byte{0xff, byte(rng.IntN(3))})
	case 4:
		return topology.Bool(rng.IntN(2) == 0)
	case 5:
		return topology.Time(time.Unix(rng.Int64N(3), 0))
	case 6:
		return topology.String(string(bytes.Repeat([]byte("x"), 100+rng.IntN(100))))
	default:
		return topology.String([]string{"", "a", "word", "größer"}[rng.IntN(4)])
	}
}

// valuesOf drops the key hashes of items.
func valuesOf(list []item) (values []string) {
	for _, i := range list {
		tuple, end, _ := wire.NextRecord([]byte(i.record), 0)
		b := []byte(i.record)[tuple:end]
		for len(b) > 0 && b[0] == 0x09 {
			b = b[9:]
		}
		values = append(values, string(b))
	}
	return values
}

func TestHashesOfTheManagerAreThoseOfTheEmitter(t *testing.T) {
	p := keyedPlan(t)
	hashed, plain := &sink{plan: p, task: 1}, &sink{plan: p, task: 1}
	emitters := make([]*topology.Collector, 0, 2)
	for _, to := range []struct {
		sink *sink
		keys [][]int
	}{{hashed, p.Streams[0].KeySets}, {plain, nil}} {
		emitters = append(emitters, topology.NewCollector(to.sink, p.Seed, 4096, 4096, []topology.OutputSpec{{
			Name: "default", Fields: p.Streams[0].Fields, KeySets: to.keys, Routed: true,
		}}))
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		values := []topology.Value{anyValue(rng), anyValue(rng), anyValue(rng), anyValue(rng)}
		for _, c := range emitters {
			if err := c.Emit(values...); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range emitters {
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	route := func(mode string, frames []byte) (got [][]string) {
		lp := offline(t, p, 1, mode)
		feed(lp, roleInstance, 1, frames)
		lp.fwd.flush()
		for _, d := range lp.dests[2:] {
			for f := queued(d.out); len(f) > 0; {
				h, err := wire.ParseHeader(f)
				if err != nil {
					t.Fatal(err)
				}
				one := f[:wire.HeaderSize+int(h.Length)]
				f = f[len(one):]
				wire.PutLengthCount(one, h.Length, h.Count)
				one[5] |= byte(wire.FlagKeyed) // what items wants to see
				for len(got) < int(d.task) {
					got = append(got, nil)
				}
				got[d.task-1] = append(got[d.task-1], valuesOf(items(t, d.task, one, false))...)
			}
		}
		return got
	}
	want := route("optimized", hashed.bytes)
	for name, frames := range map[string][]byte{"without hashes": plain.bytes, "with hashes": hashed.bytes} {
		if got := route("optimized-hash", frames); !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Errorf("tuples %s go elsewhere", name)
		}
	}
}

func TestTupleWithoutItsKeyFieldIsRefused(t *testing.T) {
	p := splitPlan(t, 2, 1)
	lp := offline(t, p, 1, "optimized-hash")
	for name, body := range map[string][]byte{
		"no field":         {0x0a, 0},
		"field cut short":  {0x0a, 2, 0x22, 5},
		"record cut short": {0x0a, 9, 0x22},
		"two records":      {0x0a, 2, 0x22, 0, 0x0a, 2, 0x22, 0},
	} {
		h := wire.Header{Kind: wire.KindData, Source: 1, Count: 1, Epoch: p.Epoch, Length: uint32(len(body))}
		err := lp.fwd.route(h, append(wire.AppendHeader(nil, h), body...))
		if !errors.Is(err, wire.ErrRecord) && !errors.Is(err, wire.ErrCount) {
			t.Errorf("%s: route returns %v", name, err)
		}
	}
	lp.release()
}

// writes keeps each write apart, without copying it.
type writes struct {
	fakeConn
	list [][]byte
}

func (w *writes) Write(b []byte) (int, error) {
	w.list = append(w.list, b)
	return len(b), nil
}

// connected returns a loop whose only bolt is attached to a connection that keeps writes.
func connected(t *testing.T, mode string) (*loop, *writes) {
	t.Helper()
	lp := offline(t, testPlan(t, 1, 1, topology.Shuffle("words")), 1, mode)
	w := &writes{}
	l := &link{conn: w, role: roleInstance, task: 2}
	lp.dests[2].out.attach(lp, l, 1<<20)
	return lp, w
}

func TestEveryFrameHasAWriteOfItsOwn(t *testing.T) {
	for mode, want := range map[string]int{"optimized": 1, "optimized-writev": 5} {
		lp, w := connected(t, mode)
		var read []byte
		for i := range 5 {
			read = append(read, encodeFrame(lp.plan, 0, 1, 0, plainTuple(uint64(i), "w"))...)
		}
		feed(lp, roleInstance, 1, read)
		if len(w.list) != want || len(bytes.Join(w.list, nil)) != len(read) {
			t.Errorf("%s: %d writes of %d bytes, want %d of %d", mode, len(w.list), len(bytes.Join(w.list, nil)), want, len(read))
		}
		// What had to wait leaves in the same way.
		w.list = nil
		out := lp.dests[2].out
		out.window = 0
		feed(lp, roleInstance, 1, read)
		out.window = 1 << 20
		out.drain(lp)
		if len(w.list) != want {
			t.Errorf("%s: what waited was sent in %d writes, want %d", mode, len(w.list), want)
		}
	}
}

func TestPassingThroughCopiesOnlyWithoutTheSwitch(t *testing.T) {
	held := pool.Outstanding()
	for mode, copied := range map[string]bool{"optimized": false, "optimized-passthrough": true} {
		lp, w := connected(t, mode)
		read := encodeFrame(lp.plan, 0, 1, 0, plainTuple(1, "w"))
		lp.read(&link{role: roleInstance, task: 1, credit: 1 << 40, blocked: 1}, read)
		if len(w.list) != 1 || (&w.list[0][0] != &read[0]) != copied {
			t.Errorf("%s: %d writes, of a copy should be %v", mode, len(w.list), copied)
		}
	}
	if n := pool.Outstanding() - held; n != 0 {
		t.Errorf("%d buffers are held", n)
	}
}

// TestBatchesLeaveWhenTheyAreOld checks that nothing is stuck where no turn of the loop flushes.
func TestBatchesLeaveWhenTheyAreOld(t *testing.T) {
	leaktest.Check(t)
	mode, err := ParseMode("optimized-drain")
	if err != nil {
		t.Fatal(err)
	}
	p := splitPlan(t, 2, 1)
	startManager(t, Config{Plan: p, Container: 1, Mode: mode})
	spout, bolts := dialTask(t, p, 1), []*testTask{dialTask(t, p, 2), dialTask(t, p, 3)}
	for range 3 {
		spout.write(frames(t, p, 4096, "a", "b", "c", "d", "e", "f", "g", "h"))
		for _, b := range bolts {
			if h, _ := b.read(); h.Kind != wire.KindData {
				t.Fatalf("got %+v", h)
			}
		}
	}
}
