package dataplane

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// allModes are the modes and all combinations of the optimizations of 2017.
var allModes = []string{
	"optimized", "naive", "naive-unbatched", "heron2017", "naive+pool", "naive+inplace", "naive+lazy",
	"naive+pool+inplace", "naive+pool+lazy", "naive+inplace+lazy", "naive+pool+inplace+lazy",
}

// offline returns the loop of a container's manager that does not run: no link
// is attached, so that what it sends stays in its outlets' queues, and the
// test calls flush.
func offline(tb testing.TB, p *plan.Plan, container uint32, mode string) *loop {
	tb.Helper()
	md, err := ParseMode(mode)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := New(Config{Plan: p, Container: container, Mode: md})
	if err != nil {
		tb.Fatal(err)
	}
	m.loop.scheduled = true
	return m.loop
}

// feed gives the loop whole frames, as one read from a task's or a peer's link.
// The loop may write into the headers, so that it gets a copy.
func feed(lp *loop, role role, task uint32, frames []byte) {
	l := &link{role: role, task: task, credit: 1 << 40, blocked: 1}
	lp.read(l, slices.Clone(frames))
}

// queued takes what waits in an outlet.
func queued(o *outlet) []byte {
	var b []byte
	for o.queue.Len() > 0 {
		for _, v := range o.queue.Vectors(nil, 1) {
			b = append(b, v...)
			o.queue.Discard(len(v))
		}
	}
	return b
}

// encodeFrame returns a data frame of the tuples.
func encodeFrame(p *plan.Plan, stream uint16, source, dest uint32, tuples ...*wirepb.Tuple) []byte {
	m := &wirepb.TupleBatch{Tuples: tuples}
	h := wire.Header{
		Kind: wire.KindData, Stream: stream, Source: source, Dest: dest, Epoch: p.Epoch, Flags: wire.FlagKeyed,
		Length: uint32(wire.BatchSize(m)), Count: uint32(len(tuples)),
	}
	return wire.AppendBatch(wire.AppendHeader(nil, h), m)
}

// anchor sets the flag that tuples of a frame may have an edge and roots.
func anchor(frame []byte) []byte {
	frame[5] |= byte(wire.FlagAnchored)
	return frame
}

// randomTuple returns a tuple with n key hashes and values of all types.
func randomTuple(rng *rand.Rand, hashes int) *wirepb.Tuple {
	t := &wirepb.Tuple{}
	for range hashes {
		t.KeyHash = append(t.KeyHash, rng.Uint64())
	}
	if rng.IntN(4) == 0 {
		t.Edge = rng.Uint64()
		t.Roots = append(t.Roots, &wirepb.Root{Task: rng.Uint32N(9), Seq: rng.Uint64N(1 << 40)})
	}
	text := make([]byte, rng.IntN(20))
	if rng.IntN(100) == 0 {
		text = make([]byte, rng.IntN(16<<10))
	}
	for i := range text {
		text[i] = byte('a' + rng.IntN(26))
	}
	for range rng.IntN(4) {
		v := &wirepb.Value{}
		switch rng.IntN(8) {
		case 0, 1:
			v.Kind = &wirepb.Value_Str{Str: string(text)}
		case 2:
			v.Kind = &wirepb.Value_Int{Int: rng.Int64() >> rng.IntN(64)}
		case 3:
			v.Kind = &wirepb.Value_Raw{Raw: text}
		case 4:
			v.Kind = &wirepb.Value_Flag{Flag: rng.IntN(2) == 0}
		case 5:
			v.Kind = &wirepb.Value_Float{Float: rng.NormFloat64()}
		case 6:
			v.Kind = &wirepb.Value_Time{Time: rng.Int64()}
		}
		t.Values = append(t.Values, v)
	}
	return t
}

// item is something that a task gets: a record, or the end of a stream (no record).
type item struct {
	stream uint16
	source uint32
	record string
}

// items reads the frames that were sent to one task.
func items(t *testing.T, task uint32, frames []byte, unbatched bool) (list []item) {
	t.Helper()
	for len(frames) > 0 {
		h, err := wire.ParseHeader(frames)
		if err != nil {
			t.Fatal(err)
		}
		body := frames[wire.HeaderSize : wire.HeaderSize+int(h.Length)]
		frames = frames[wire.HeaderSize+int(h.Length):]
		if h.Dest != task {
			t.Fatalf("frame for task %d was sent to task %d", h.Dest, task)
		}
		if h.Kind == wire.KindEnd {
			list = append(list, item{stream: h.Stream, source: h.Source})
			continue
		}
		n := 0
		for off := 0; off < len(body); n++ {
			_, end, ok := wire.NextRecord(body, off)
			if !ok {
				t.Fatal("a body is no batch")
			}
			list = append(list, item{h.Stream, h.Source, string(body[off:end])})
			off = end
		}
		if n != int(h.Count) || h.Kind != wire.KindData || h.Flags&^wire.FlagAnchored != wire.FlagKeyed {
			t.Fatalf("%d records in a frame with %+v", n, h)
		}
		if unbatched && n > 1 {
			t.Fatalf("%d tuples in a frame", n)
		}
	}
	return list
}

// mixedPlan returns a plan of a spout with one stream for each way of routing, and its consumers.
func mixedPlan(t *testing.T, rng *rand.Rand) *plan.Plan {
	t.Helper()
	bolt := func() topology.Bolt { return nil }
	par := func() topology.Option { return topology.Parallelism(1 + rng.IntN(4)) }
	top, err := topology.NewBuilder("mixed").
		Spout("s", func() topology.Spout { return nil }, topology.Parallelism(2), topology.OutputStream("keyed", "a", "b"),
			topology.OutputStream("both", "a"), topology.OutputStream("direct", "a"), topology.OutputStream("any", "a")).
		Bolt("by-a", bolt, par(), topology.Fields("s/keyed", "a")).
		Bolt("by-b", bolt, par(), topology.Fields("s/keyed", "b"), topology.Fields("s/both", "a")).
		Bolt("all", bolt, par(), topology.All("s/both")).
		Bolt("one", bolt, par(), topology.Global("s/both")).
		Bolt("direct", bolt, par(), topology.Direct("s/direct")).
		Bolt("any", bolt, par(), topology.Shuffle("s/any")).
		Bolt("near", bolt, par(), topology.LocalShuffle("s/any")).Build()
	if err != nil {
		t.Fatal(err)
	}
	return plan.New(plan.NewLogical(top), plan.PackRoundRobin(plan.NewLogical(top), 1+rng.IntN(3)), 7, 99,
		func(id uint32) (string, string) { return fmt.Sprint("socket", id), fmt.Sprint("address", id) })
}

// step is something that a task sends, or with frame nil the end of a turn of its container's loop.
type step struct {
	task  uint32
	frame []byte
}

const keyedStream, bothStream, directStream, anyStream = 0, 1, 2, 3

// mixedSteps returns random frames of the spout's tasks on all streams, and the end of each stream.
func mixedSteps(p *plan.Plan, rng *rand.Rand) (steps []step) {
	direct := p.Table(1)[directStream][0].Tasks
	for range 30 + rng.IntN(60) {
		source, stream := 1+rng.Uint32N(2), uint16(rng.IntN(4))
		var dest uint32
		if stream == directStream {
			dest = direct[rng.IntN(len(direct))]
		}
		tuples := make([]*wirepb.Tuple, rng.IntN(30))
		for i := range tuples {
			tuples[i] = randomTuple(rng, len(p.Streams[stream].KeySets))
			serial := &wirepb.Value_Int{Int: int64(len(steps)*100 + i)}
			tuples[i].Values = append(tuples[i].Values, &wirepb.Value{Kind: serial})
		}
		frame := encodeFrame(p, stream, source, dest, tuples...)
		if stream != anyStream && rng.IntN(2) == 0 {
			anchor(frame)
		}
		steps = append(steps, step{source, frame})
		if rng.IntN(3) == 0 {
			steps = append(steps, step{task: 1 + rng.Uint32N(2)})
		}
	}
	for source := uint32(1); source <= 2; source++ {
		for stream := range uint16(4) {
			h := wire.Header{Kind: wire.KindEnd, Stream: stream, Source: source, Epoch: p.Epoch}
			steps = append(steps, step{source, wire.AppendHeader(nil, h)})
		}
	}
	return steps
}

// play runs the steps through the managers of all containers and returns what each task gets.
func play(t *testing.T, p *plan.Plan, mode string, steps []step) map[uint32][]item {
	t.Helper()
	var loops []*loop
	for i := range p.Containers {
		loops = append(loops, offline(t, p, uint32(i+1), mode))
	}
	for _, s := range steps {
		lp := loops[p.ContainerOf(s.task).ID-1]
		if s.frame == nil {
			lp.fwd.flush()
			continue
		}
		feed(lp, roleInstance, s.task, s.frame)
	}
	for _, from := range loops {
		from.fwd.flush()
		for _, to := range loops {
			if from != to {
				feed(to, rolePeer, 0, queued(from.peers[to.here]))
			}
		}
	}
	got := map[uint32][]item{}
	for _, lp := range loops {
		lp.fwd.flush()
		for _, d := range lp.dests[1:] {
			if d.local {
				got[d.task] = items(t, d.task, queued(d.out), mode == "naive-unbatched")
			}
			if d.gathered != 0 || d.dirty {
				t.Errorf("%s: task %d has %d bytes gathered behind a flush", mode, d.task, d.gathered)
			}
		}
		lp.release()
	}
	return got
}

func TestModesDeliverTheSame(t *testing.T) {
	held := pool.Outstanding()
	seeds := uint64(12)
	if invariants.Enabled {
		seeds = 4 // checked builds are slow
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 1))
		p := mixedPlan(t, rng)
		steps := mixedSteps(p, rng)
		want := play(t, p, "optimized", steps)
		for _, mode := range slices.Concat(allModes, hashedModes) {
			got := play(t, p, mode, steps)
			for i := range p.Components {
				c := &p.Components[i]
				if c.Name == "any" || c.Name == "near" {
					checkShuffled(t, mode, c, steps, got)
					continue
				}
				for _, task := range c.TaskIDs() {
					if !slices.Equal(got[task], want[task]) {
						t.Errorf("seed %d, %s: task %d of %s got %d items that differ from the %d of optimized",
							seed, mode, task, c.Name, len(got[task]), len(want[task]))
					}
				}
			}
		}
		if t.Failed() {
			return
		}
	}
	if n := pool.Outstanding() - held; n != 0 {
		t.Errorf("%d buffers were not released", n)
	}
}

// checkShuffled checks a component whose tasks share the stream in whole
// batches: each batch is at one task, in order, and the end is at every task
// behind all else of its source.
func checkShuffled(t *testing.T, mode string, c *plan.Component, steps []step, got map[uint32][]item) {
	t.Helper()
	rest := map[uint32][]item{}
	for _, task := range c.TaskIDs() {
		rest[task] = got[task]
	}
	for _, s := range steps {
		if s.frame == nil {
			continue
		}
		h, _ := wire.ParseHeader(s.frame)
		if h.Stream != anyStream {
			continue
		}
		if h.Kind == wire.KindEnd {
			for task := range rest {
				rest[task] = without(t, mode, task, rest[task], []item{{stream: h.Stream, source: h.Source}})
			}
			continue
		}
		batch := items(t, h.Dest, s.frame, false)
		if len(batch) == 0 {
			continue
		}
		var taker uint32
		for task := range rest {
			if slices.Contains(rest[task], batch[0]) {
				taker = task
			}
		}
		rest[taker] = without(t, mode, taker, rest[taker], batch)
	}
	for task, left := range rest {
		if len(left) != 0 {
			t.Errorf("%s: task %d got %d items that nobody sent", mode, task, len(left))
		}
	}
}

// firstOf returns the index of a source's first item.
func firstOf(list []item, source uint32) int {
	return slices.IndexFunc(list, func(i item) bool { return i.source == source })
}

// without checks that a source's next items are want and returns the rest.
func without(t *testing.T, mode string, task uint32, list, want []item) []item {
	t.Helper()
	at := firstOf(list, want[0].source)
	if at < 0 || at+len(want) > len(list) || !slices.Equal(list[at:at+len(want)], want) {
		t.Fatalf("%s: task %d did not get the %d items of source %d next", mode, task, len(want), want[0].source)
	}
	return slices.Delete(slices.Clone(list), at, at+len(want))
}

// splitPlan returns a plan of one spout task and n tasks that share its stream by key.
func splitPlan(tb testing.TB, tasks, containers int) *plan.Plan {
	tb.Helper()
	return testPlan(tb, tasks, containers, topology.Fields("words", "word"))
}

// plainTuple returns a tuple with a key hash and a word.
func plainTuple(hash uint64, word string) *wirepb.Tuple {
	return &wirepb.Tuple{KeyHash: []uint64{hash}, Values: []*wirepb.Value{{Kind: &wirepb.Value_Str{Str: word}}}}
}

func TestSetsAreSentWhenTheyAreLarge(t *testing.T) {
	for _, mode := range allModes {
		p := splitPlan(t, 2, 1)
		lp := offline(t, p, 1, mode)
		one := plainTuple(0, string(bytes.Repeat([]byte("x"), 1000)))
		for range 5 {
			feed(lp, roleInstance, 1, encodeFrame(p, 0, 1, 0, slices.Repeat([]*wirepb.Tuple{one}, 50)...))
		}
		before := lp.dests[2].out.queue.Len()
		if before < 2*batchBytes || before > 5*50*1100 {
			t.Errorf("%s: %d bytes were sent before the flush", mode, before)
		}
		lp.fwd.flush()
		if got := items(t, 2, queued(lp.dests[2].out), false); len(got) != 250 {
			t.Errorf("%s: %d tuples arrived, want 250", mode, len(got))
		}
		if n := len(queued(lp.dests[3].out)); n != 0 {
			t.Errorf("%s: %d bytes at the other task", mode, n)
		}
	}
}

func TestNobodyConsumesTheStream(t *testing.T) {
	for _, mode := range allModes {
		rng := rand.New(rand.NewPCG(1, 1))
		p := mixedPlan(t, rng)
		lp := offline(t, p, p.ContainerOf(1).ID, mode)
		feed(lp, roleInstance, 1, encodeFrame(p, directStream, 1, 0, randomTuple(rng, 0)))
		lp.fwd.flush()
		for _, d := range lp.dests[1:] {
			if d.out.queue.Len() > 0 {
				t.Errorf("%s: task %d got a frame that names nobody", mode, d.task)
			}
		}
	}
}

// FuzzForward gives any body to all modes, from a task, from a peer, or with
// edges for two tasks that each get a copy: none panics, those that decode
// accept no more than optimized does, and they agree with each other.
func FuzzForward(f *testing.F) {
	for _, c := range malformed {
		if len(c.body) < 128 {
			f.Add(uint8(2), false, c.body)
			f.Add(uint8(2), true, append([]byte{8, 3, 18, byte(len(c.body))}, c.body...))
		}
	}
	f.Add(uint8(1), false, encodeFrame(splitPlan(f, 2, 1), 0, 1, 0, randomTuple(rand.New(rand.NewPCG(1, 2)), 1))[wire.HeaderSize:])
	const copied = 0x80 // a bit of count
	f.Add(uint8(copied|1), false, encodeFrame(splitPlan(f, 2, 1), 0, 1, 0, rootedTuple(rand.New(rand.NewPCG(1, 2)), 1, 1, 5))[wire.HeaderSize:])
	local, peers, copies := splitPlan(f, 2, 1), splitPlan(f, 2, 2), testPlan(f, 2, 1, topology.All("words"))
	f.Fuzz(func(t *testing.T, count uint8, peer bool, body []byte) {
		p, flags := local, wire.Flags(0)
		switch {
		case peer:
			p = peers
		case count&copied != 0:
			p, flags, count = copies, wire.FlagAnchored, count&^copied
		}
		h := wire.Header{Kind: wire.KindData, Flags: flags, Source: 1, Count: uint32(count), Epoch: p.Epoch, Length: uint32(len(body))}
		frame := append(wire.AppendHeader(nil, h), body...)
		run := func(mode string) (out [2][]byte, err error) {
			lp := offline(t, p, 1, mode)
			defer lp.release()
			if peer {
				h.Dest = 3
				err = lp.fwd.deliver(h, slices.Clone(frame), lp.dests[3], true)
			} else {
				err = lp.fwd.route(h, slices.Clone(frame))
			}
			lp.flushRun()
			lp.fwd.flush()
			return [2][]byte{queued(lp.dests[2].out), queued(lp.dests[3].out)}, err
		}
		want, wantErr := run("naive")
		for _, mode := range allModes[:7] {
			got, err := run(mode)
			md, _ := ParseMode(mode)
			switch {
			case md.Optimized && peer || md.Unbatched || md.Lazy && peer && wantErr != nil:
			case md.Optimized:
				if err != nil && wantErr == nil {
					t.Errorf("naive accepts what optimized refuses with %v", err)
				}
			case (err == nil) != (wantErr == nil):
				t.Errorf("%s returns %v, naive %v", mode, err, wantErr)
			case md.Lazy && peer:
			case !bytes.Equal(got[0], want[0]), !bytes.Equal(got[1], want[1]):
				t.Errorf("%s sends %x, naive %x", mode, got, want)
			}
		}
	})
}

func TestModesOverRealLinks(t *testing.T) {
	var words []string
	for i := range 2000 {
		words = append(words, fmt.Sprint("word", i))
	}
	for _, mode := range slices.Concat(allModes, hashedModes, []string{"optimized-hash"}) {
		t.Run(mode, func(t *testing.T) {
			leaktest.Check(t)
			md, err := ParseMode(mode)
			if err != nil {
				t.Fatal(err)
			}
			p := splitPlan(t, 3, 2)
			startManager(t, Config{Plan: p, Container: 2, Mode: md})
			startManager(t, Config{Plan: p, Container: 1, Mode: md})
			spout := dialTask(t, p, 1)
			spout.write(frames(t, p, 2048, words...))
			spout.end()
			var got []string
			for id := uint32(2); id <= 4; id++ {
				got = append(got, dialTask(t, p, id).wordsUntilEnd()...)
			}
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(words)); !slices.Equal(got, want) {
				t.Errorf("%d words arrived, want %d", len(got), len(want))
			}
		})
	}
}
