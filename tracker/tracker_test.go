package tracker

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/wire"
)

// model is a tracker as a map: the tuples under way by sequence number.
type model struct {
	live map[uint64]*modelTuple
	low  uint64 // nothing below is under way
	next uint64
	done []uint64
}

type modelTuple struct {
	id    uint64
	edges map[uint64]bool // that are not acked
	born  Tick
}

// oldest returns the least sequence number under way.
func (m *model) oldest() (seq uint64, ok bool) {
	for m.low < m.next && m.live[m.low] == nil {
		m.low++
	}
	return m.low, m.low < m.next
}

// machine drives a Tracker and a model by the same random steps: tuples with any
// number of copies, acks that add copies (anchored tuples), in any order, twice,
// for tuples that are gone, fails, losses, and time.
type machine struct {
	t     *Tracker
	m     model
	edges Edges
	now   Tick
	most  int
	got   []uint64
	steps int
}

func newMachine(first uint64, most int) *machine {
	c := &machine{t: New(first, most), most: most, edges: NewEdges(), m: model{live: map[uint64]*modelTuple{}, low: first, next: first}}
	c.t.Completed = func(id uint64, _ bool) { c.got = append(c.got, id) }
	return c
}

// step makes one random step. pick returns a number from 0 to below n.
func (c *machine) step(pick func(n int) int) {
	c.steps++
	switch pick(10) {
	case 0, 1, 2, 3:
		c.add(1 + pick(3))
	case 4, 5, 6, 7:
		if seq, ok := c.some(pick); ok {
			c.ack(seq, pick)
		}
	case 8:
		if seq, ok := c.some(pick); ok && pick(4) == 0 {
			c.fail(seq)
		} else {
			c.now += Tick(pick(5))
			c.t.SetNow(c.now)
		}
	default:
		c.stray(pick)
	}
}

func (c *machine) add(copies int) {
	if c.t.Full() != (len(c.m.live) >= c.most) {
		panic("full is wrong")
	}
	if c.t.Full() || !c.t.Space() {
		return
	}
	seq := c.t.Next()
	if seq != c.m.next {
		panic("sequence number is wrong")
	}
	tuple := &modelTuple{id: seq * 10, edges: map[uint64]bool{}, born: c.now}
	e := c.edges.Next()
	word := wire.EdgeSum(e, copies)
	for range copies {
		tuple.edges[e] = true
		e = wire.NextEdge(e)
	}
	c.m.live[seq] = tuple
	c.m.next++
	c.t.Add(tuple.id, word)
}

// some returns a sequence number near the oldest under way.
func (c *machine) some(pick func(int) int) (uint64, bool) {
	first, ok := c.m.oldest()
	if !ok {
		return 0, false
	}
	for range 8 {
		if seq := first + uint64(pick(64)); c.m.live[seq] != nil {
			return seq, true
		}
	}
	return first, true
}

// ack acks one copy, with up to two new ones anchored to it.
func (c *machine) ack(seq uint64, pick func(int) int) {
	tuple := c.m.live[seq]
	keys := make([]uint64, 0, len(tuple.edges))
	for e := range tuple.edges {
		keys = append(keys, e)
	}
	slices.Sort(keys)
	edge := keys[pick(len(keys))]
	word := edge
	delete(tuple.edges, edge)
	for range max(0, pick(5)-2) {
		e := c.edges.Next()
		tuple.edges[e] = true
		word ^= e
	}
	if len(tuple.edges) == 0 {
		delete(c.m.live, seq)
		c.m.done = append(c.m.done, tuple.id)
	}
	c.t.Ack(seq, word)
	if len(tuple.edges) == 0 {
		c.t.Ack(seq, word) // twice
	}
}

func (c *machine) fail(seq uint64) {
	e, ok := c.t.Fail(seq)
	tuple := c.m.live[seq]
	if !ok || e.ID != tuple.id {
		panic("fail of a tuple under way is refused, or another one's")
	}
	delete(c.m.live, seq)
	if !c.t.Space() {
		return
	}
	word := c.edges.Next() // it is emitted again
	c.m.live[c.m.next] = &modelTuple{id: tuple.id, edges: map[uint64]bool{word: true}, born: c.now}
	c.m.next++
	c.t.AddAgain(e, word)
}

// stray sends what must change nothing.
func (c *machine) stray(pick func(int) int) {
	first, ok := c.m.oldest()
	if !ok {
		first = c.m.next
	}
	for _, seq := range []uint64{0, first - 1 - uint64(pick(9)), c.m.next + uint64(pick(9)), c.m.next + 1<<incarnations} {
		c.t.Ack(seq, c.edges.Next())
		if _, ok := c.t.Fail(seq); ok {
			panic("a tuple that is not under way fails")
		}
	}
}

const incarnations = 44

// check compares what both say.
func (c *machine) check(t interface{ Fatalf(string, ...any) }) {
	if !slices.Equal(c.got, c.m.done) {
		t.Fatalf("after %d steps: complete are %v, want %v", c.steps, c.got, c.m.done)
	}
	c.got, c.m.done = c.got[:0], c.m.done[:0]
	least, some := uint64(0), false
	for _, tuple := range c.m.live {
		if !some || tuple.id < least {
			least, some = tuple.id, true
		}
	}
	if id, ok := c.t.Low(); id != least || ok != some {
		t.Fatalf("after %d steps: least id is %d (%v), want %d (%v)", c.steps, id, ok, least, some)
	}
	if c.t.Live() != len(c.m.live) {
		t.Fatalf("after %d steps: %d under way, want %d", c.steps, c.t.Live(), len(c.m.live))
	}
	born, ok := c.t.Oldest()
	seq, want := c.m.oldest()
	if ok != want || ok && born != c.m.live[seq].born {
		t.Fatalf("after %d steps: oldest was born at %d (%v), want tuple %d", c.steps, born, ok, seq)
	}
}

func TestTrackerIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SampledFrom([]uint64{1, 5<<incarnations + 1}).Draw(t, "first")
		c := newMachine(first, rapid.IntRange(1, 200).Draw(t, "most"))
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			c.step(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") })
			c.check(t)
		}
	})
}

// TestMillionSteps is TestTrackerIsAMap for longer than a property test draws.
func TestMillionSteps(t *testing.T) {
	for seed := range uint64(4) {
		state := Edges{state: seed}
		c := newMachine(1, 3000)
		for range 250_000 {
			c.step(func(n int) int { return int(state.Next() % uint64(n)) })
			if c.steps%256 == 0 {
				c.check(t)
			}
		}
		for c.t.Live() > 0 {
			c.t.DropOldest()
		}
		if _, ok := c.t.Oldest(); ok {
			t.Error("nothing is under way, and yet there is an oldest tuple")
		}
	}
}

func TestRingGrowsToItsBoundAndNoFurther(t *testing.T) {
	const most = 2000
	c := New(1, most)
	done := 0
	c.Completed = func(uint64, bool) { done++ }
	c.Add(7, 1) // never acked
	n := uint64(1)
	for ; c.Space(); n++ {
		c.Add(n, 2)
		c.Ack(n+1, 2)
	}
	if want := 2048 * stretch; len(c.slots) != want || int(n) != want || done != want-1 || c.Live() != 1 {
		t.Errorf("%d slots after %d tuples of which %d are complete, %d under way; want %d", len(c.slots), n, done, c.Live(), want)
	}
	if id, ok := c.Low(); !ok || id != 7 {
		t.Errorf("least id is %d", id)
	}
	c.Ack(1, 1)
	if _, ok := c.Low(); ok || !c.Space() || c.Live() != 0 {
		t.Error("the oldest tuple is complete, and there is no space")
	}
	if last, ok := c.Last(); !ok || last != n-1 {
		t.Errorf("last id is %d, want %d", last, n-1)
	}
}

func TestTrackingAllocatesNothing(t *testing.T) {
	c := New(1, 4096)
	edges := NewEdges()
	c.Completed = func(uint64, bool) {}
	c.Sampled = func(Tick) {}
	var body []byte
	round := func() {
		body = body[:0]
		prev := uint64(0)
		for i := range uint64(1000) {
			seq, e := c.Next(), edges.Next()
			c.Add(i, e)
			body = wire.AppendAck(body, prev, seq, e)
			prev = seq
		}
		if n, err := c.AckAll(body); n != 1000 || err != nil || c.Live() != 0 {
			t.Fatal(n, err, c.Live())
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations for 1000 tuples", n)
	}
	if _, err := c.AckAll([]byte{1}); !errors.Is(err, wire.ErrAcks) {
		t.Errorf("half an ack gives %v", err)
	}
}

func TestDoneGetsTheTuplesButNotDeadLetters(t *testing.T) {
	c := New(1, 10)
	var done, told []uint64
	c.Done = &done
	c.Completed = func(id uint64, dead bool) {
		if !dead {
			t.Errorf("tuple %d is told twice", id)
		}
		told = append(told, id)
	}
	c.Add(5, 1)
	c.AddAgain(Entry{ID: 6, Dead: true}, 1)
	c.Ack(2, 1)
	c.Ack(1, 1)
	c.AddDone(7, false)
	c.AddDone(8, true)
	if !slices.Equal(done, []uint64{5, 7}) || !slices.Equal(told, []uint64{6, 8}) || c.Acked() != 2 {
		t.Errorf("done %v, told %v, %d acked", done, told, c.Acked())
	}
}

func TestDeadLettersAndTriesComeBack(t *testing.T) {
	c := New(1, 10)
	c.Add(5, 1)
	e, _ := c.Fail(1)
	e.Tries++
	c.AddAgain(e, 2)
	if e, ok := c.Fail(2); !ok || e.Tries != 1 || e.ID != 5 || e.Dead {
		t.Errorf("%+v %v", e, ok)
	}
	c.AddAgain(Entry{ID: 5, Dead: true}, 3)
	if e := c.DropOldest(); !e.Dead || e.ID != 5 {
		t.Errorf("%+v", e)
	}
	told := false
	c.Completed = func(id uint64, dead bool) { told = id == 9 && dead }
	c.AddDone(9, true)
	if last, _ := c.Last(); !told || last != 9 || c.Next() != 4 {
		t.Error("a tuple that nobody gets is not complete at once")
	}
}

func TestRetriesComeInTurn(t *testing.T) {
	var r Retries
	if _, ok := r.Low(); ok {
		t.Error("nothing waits, and yet there is a least id")
	}
	r.PushLater(Entry{ID: 1, Tries: 3}, 0)
	r.PushLater(Entry{ID: 2, Tries: 1}, 0)
	r.Push(Entry{ID: 4}, 1)
	r.Push(Entry{ID: 3}, 1)
	r.PushLater(Entry{ID: 0, Tries: 100}, 0)
	if low, ok := r.Low(); !ok || low != 0 || r.Len() != 5 {
		t.Errorf("least id is %d of %d", low, r.Len())
	}
	var ids []uint64
	for last := int64(0); r.Len() > 0; {
		next, _ := r.Next()
		got := r.Pop()
		if got != next || got.Due < last || got.Due > int64(lastPause) {
			t.Errorf("%+v comes after %d", got, last)
		}
		last = got.Due
		ids = append(ids, got.ID)
	}
	if !slices.Equal(ids, []uint64{3, 4, 2, 1, 0}) {
		t.Errorf("they come as %v", ids)
	}
}

func TestPositionSurvivesAnUnfinishedWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "position")
	set := func(ids ...uint64) {
		p, err := OpenPosition(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if err := p.Set(id); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := func(id uint64, known bool) {
		t.Helper()
		p, err := OpenPosition(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.Get(); got != id || ok != known {
			t.Errorf("position %d %v, want %d %v", got, ok, id, known)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want(0, false)
	set(0)
	want(0, true)
	set(10, 10, 20, 30)
	want(30, true)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != positionSize {
		t.Fatalf("the file has %d bytes", len(b))
	}
	for i := range positionEnd { // a write that tears the newer record, or the older one
		torn := slices.Clone(b)
		torn[i] ^= 0x40
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := OpenPosition(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.Get(); !ok || got != 20 && got != 30 {
			t.Errorf("byte %d: position %d %v", i, got, ok)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, []byte("this is somebody's diary, not a position at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPosition(path); !errors.Is(err, ErrPosition) {
		t.Errorf("a diary gives %v", err)
	}
	if _, err := OpenPosition(t.TempDir()); err == nil {
		t.Error("a directory is taken for a position")
	}
}

// BenchmarkAckAll adds tuples and takes the ack frames that complete them, of
// 3,600 tuples each as a bolt sends them. b.N is tuples.
func BenchmarkAckAll(b *testing.B) {
	const perFrame = 3600
	for _, bc := range []struct {
		name  string
		order func(i int) int
	}{
		{"order=emitted", func(i int) int { return i }},
		{"order=mixed", func(i int) int { return i * 1009 % perFrame }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			c := New(1, 1<<16)
			done := 0
			c.Completed = func(uint64, bool) { done++ }
			c.Sampled = func(Tick) {}
			body := make([]byte, 0, perFrame*wire.MaxAck)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += perFrame {
				b.StopTimer()
				first, prev := c.Next(), uint64(0)
				for i := range uint64(perFrame) {
					c.Add(i, first+i)
				}
				body = body[:0]
				for i := range perFrame {
					seq := first + uint64(bc.order(i))
					body = wire.AppendAck(body, prev, seq, seq)
					prev = seq
				}
				b.StartTimer()
				if _, err := c.AckAll(body); err != nil {
					b.Fatal(err)
				}
			}
			if c.Live() != 0 || done == 0 {
				b.Errorf("%d are under way, %d are complete", c.Live(), done)
			}
		})
	}
}
