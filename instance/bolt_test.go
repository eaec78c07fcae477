package instance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// echo is a bolt that emits every word it gets.
func echo() *userBolt {
	return &userBolt{execute: func(t *topology.Tuple, out *topology.Collector) error {
		w, err := t.Bytes(0)
		if err != nil {
			return err
		}
		return out.Emit(topology.StringBytes(w))
	}}
}

// numbered returns n words that tell their place.
func numbered(n int) []string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf("word-%06d", i)
	}
	return words
}

func TestBoltExecutesEmitsAndEnds(t *testing.T) {
	leaktest.Check(t)
	var calls []string
	var info *topology.Task
	b := echo()
	b.open = func(_ context.Context, task *topology.Task, _ *topology.Collector) error {
		info = task
		calls = append(calls, "open")
		return nil
	}
	b.finish = func(out *topology.Collector) error {
		calls = append(calls, "finish")
		return out.Emit(topology.String("last"))
	}
	b.close = func() error { calls = append(calls, "close"); return nil }
	m := newManager(t, testTopology(t, nil, b, topology.Config("key", "value")))
	published := map[string]string{}
	r := m.run(workTask, func(c *Config) { c.Publish = func(name string, data []byte) { published[name] = string(data) } })
	p := m.welcome(plenty)
	p.send(dataFrame("one", "two"))
	p.send(dataFrame("three"))
	if got, want := p.collect(3), []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("words are %q, want %q", got, want)
	}
	p.end()
	if got := p.data(); !slices.Equal(got, []string{"last"}) {
		t.Errorf("Finish sent %q", got)
	}
	p.ends(workStream, workTask)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"open", "finish", "close"}; !slices.Equal(calls, want) {
		t.Errorf("calls are %q, want %q", calls, want)
	}
	if info.Topology != "test" || info.Component != "work" || info.ID != workTask || info.Index != 0 ||
		info.Parallelism != 1 || info.Config["key"] != "value" {
		t.Errorf("task is %+v", info)
	}
	data := []byte("total")
	info.Publish("sum", data)
	data[0] = 'T'
	if published["sum"] != "total" {
		t.Errorf("published %q", published["sum"])
	}
	got := r.Metrics()
	want := Metrics{Emitted: 4, Received: 3, FramesIn: 2, Ended: true}
	want.BytesIn = int64(len(dataFrame("one", "two")) + len(dataFrame("three")))
	if got.Emitted != want.Emitted || got.Received != want.Received || got.FramesIn != want.FramesIn ||
		got.BytesIn != want.BytesIn || !got.Ended || got.FramesOut == 0 || got.BytesOut == 0 || got.Syscalls == 0 {
		t.Errorf("metrics are %+v", got)
	}
}

// TestBoltSendsWhenItRunsDry checks that a tuple does not wait for company, or
// without the flush on drain not for ever.
func TestBoltSendsWhenItRunsDry(t *testing.T) {
	leaktest.Check(t)
	for _, noDrain := range []bool{false, true} {
		m := newManager(t, testTopology(t, nil, echo()))
		r := m.run(workTask, func(c *Config) { c.NoDrain = noDrain })
		p := m.welcome(plenty)
		for _, w := range numbered(50) {
			p.send(dataFrame(w))
			if got := p.data(); !slices.Equal(got, []string{w}) {
				t.Fatalf("got %q, want %q", got, w)
			}
		}
		r.stop()
	}
}

// TestBoltWithoutDrainWaitsForAgeOrEnd has a bolt run dry behind every tuple, none of which is old.
func TestBoltWithoutDrainWaitsForAgeOrEnd(t *testing.T) {
	leaktest.Check(t)
	executed := make(chan struct{})
	work := echo()
	emit := work.execute
	work.execute = func(t *topology.Tuple, out *topology.Collector) error {
		defer func() { executed <- struct{}{} }()
		return emit(t, out)
	}
	m := newManager(t, testTopology(t, nil, work))
	r := m.run(workTask, func(c *Config) { c.NoDrain, c.MaxAge = true, time.Hour })
	p := m.welcome(plenty)
	want := numbered(5)
	for _, w := range want {
		p.send(dataFrame(w))
		<-executed
	}
	p.end()
	if got := p.data(); !slices.Equal(got, want) {
		t.Errorf("got %q in the first frame, want %q", got, want)
	}
	p.ends(workStream, workTask)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}

func TestBoltReturnsCredit(t *testing.T) {
	leaktest.Check(t)
	m := newManager(t, testTopology(t, nil, nil))
	r := m.run(workTask)
	p := m.welcome(plenty)
	frame := dataFrame(numbered(1000)...)
	sent, returned := 0, 0
	for sent < 1<<20 {
		p.send(frame)
		sent += len(frame)
	}
	for sent-returned >= payIdle {
		h, _ := p.expect(wire.KindCredit)
		if h.Count < payIdle || h.Source != workTask {
			t.Errorf("credit is %+v", h)
		}
		returned += int(h.Count)
	}
	if returned > sent {
		t.Errorf("%d bytes of credit for %d", returned, sent)
	}
	r.stop()
}

// TestBoltWithoutCredit has the credit run out in the middle of a frame. The
// bolt must handle control frames at once and the data that follows in order.
func TestBoltWithoutCredit(t *testing.T) {
	leaktest.Check(t)
	for _, size := range []int{64, 1000, 32 << 10} {
		t.Run(fmt.Sprintf("batch=%d", size), func(t *testing.T) {
			leaktest.Check(t)
			m := newManager(t, testTopology(t, nil, echo()))
			r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch = size, size })
			p := m.welcome(1)
			words := numbered(min(40_000, 200*size)) // at most 900 KiB, a window full
			usedUp := make(chan struct{})
			go func() {
				for chunk := range slices.Chunk(words, 1999) {
					p.send(dataFrame(chunk...))
				}
				<-usedUp // a bolt that is slow may look ahead, and answer, before its first batch
				p.tell(wire.KindPing, 0, 99)
				p.end()
			}()
			h, body := p.frame()
			for ; h.Kind == wire.KindCredit; h, body = p.frame() {
			}
			close(usedUp)
			used, got := wire.HeaderSize+len(body), wordsOf(t, body)
			if h.Kind != wire.KindData || len(got) == 0 || len(got) > size/16 {
				t.Fatalf("%v with %d words came before the credit was used up", h.Kind, len(got))
			}
			for h, _ = p.frame(); h.Kind != wire.KindPong; h, _ = p.frame() {
				if h.Kind != wire.KindCredit {
					t.Fatalf("%v came without credit", h.Kind)
				}
			}
			for ended := false; !ended; {
				p.tell(wire.KindCredit, 0, uint32(used))
				h, body := p.frame()
				for ; h.Kind == wire.KindCredit; h, body = p.frame() {
				}
				used = wire.HeaderSize + len(body)
				got = append(got, wordsOf(t, body)...)
				ended = h.Kind == wire.KindEnd
			}
			if !slices.Equal(got, words) {
				t.Error("words are lost or out of order")
			}
			p.eof()
			p.conn.Close()
			if err := r.wait(); err != nil {
				t.Fatal(err)
			}
			if waits := r.Metrics().CreditWaits; waits == 0 {
				t.Error("no wait for credit is counted")
			}
		})
	}
}

// TestBoltFindsCreditThatItHasRead sends credit in one piece with the data
// before it, and nothing after: the bolt that runs out of credit must not wait
// for more bytes, since none will come.
func TestBoltFindsCreditThatItHasRead(t *testing.T) {
	leaktest.Check(t)
	m := newManager(t, testTopology(t, nil, echo()))
	r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch = 64, 64 })
	p := m.welcome(1)
	words := numbered(200)
	credit := wire.Header{Kind: wire.KindCredit, Dest: workTask, Count: plenty, Epoch: testEpoch}
	p.send(wire.AppendHeader(dataFrame(words...), credit))
	if got := p.collect(len(words)); !slices.Equal(got, words) {
		t.Errorf("got %d words of %d", len(got), len(words))
	}
	r.stop()
}

// TestBoltBorrowsTheRecordWhileItWaits checks that the record being executed stays as it is while the bolt reads ahead.
func TestBoltBorrowsTheRecordWhileItWaits(t *testing.T) {
	leaktest.Check(t)
	spoiled := 0
	b := &userBolt{execute: func(tu *topology.Tuple, out *topology.Collector) error {
		w, err := tu.Bytes(0)
		if err != nil {
			return err
		}
		before := string(w)
		for range 3 {
			if err := out.Emit(topology.StringBytes(w)); err != nil {
				return err
			}
		}
		if string(w) != before {
			spoiled++
		}
		return nil
	}}
	m := newManager(t, testTopology(t, nil, b))
	r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch = 100, 100 })
	p := m.welcome(1)
	words := numbered(20_000)
	go func() {
		for chunk := range slices.Chunk(words, 777) {
			p.send(dataFrame(chunk...))
		}
		p.end()
	}()
	got := 0
	for {
		h, body := p.frame()
		if h.Kind == wire.KindEnd {
			break
		}
		if h.Kind != wire.KindData {
			continue
		}
		for _, w := range wordsOf(t, body) {
			if want := words[got/3]; w != want {
				t.Fatalf("word %d is %q, want %q", got, w, want)
			}
			got++
		}
		p.tell(wire.KindCredit, 0, uint32(wire.HeaderSize+len(body)))
	}
	if got != 3*len(words) || spoiled > 0 {
		t.Errorf("%d words of %d, %d records were changed while they were read", got, 3*len(words), spoiled)
	}
	p.conn.Close()
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}

func TestBoltTicks(t *testing.T) {
	leaktest.Check(t)
	t.Run("while it waits", func(t *testing.T) {
		leaktest.Check(t)
		b := &tickBolt{tick: func(_ time.Time, out *topology.Collector) error { return out.Emit(topology.String("tick")) }}
		m := newManager(t, testTopology(t, nil, b, topology.TickEvery(time.Millisecond)))
		r := m.run(workTask)
		p := m.welcome(plenty)
		for range 5 {
			if got := p.data(); !slices.Equal(got, []string{"tick"}) {
				t.Fatalf("got %q", got)
			}
		}
		r.stop()
	})
	t.Run("between the tuples of a frame", func(t *testing.T) {
		leaktest.Check(t)
		b := &tickBolt{tick: func(_ time.Time, out *topology.Collector) error { return out.Emit(topology.String("tick")) }}
		b.execute = func(tu *topology.Tuple, out *topology.Collector) error {
			<-time.After(5 * time.Millisecond) // a tick is due when this returns
			w, err := tu.String(0)
			return errors.Join(err, out.Emit(topology.String(w)))
		}
		m := newManager(t, testTopology(t, nil, b, topology.TickEvery(time.Millisecond)))
		r := m.run(workTask)
		p := m.welcome(plenty)
		p.send(dataFrame("a", "b"))
		p.end()
		var got []string
		for !slices.Contains(got, "b") {
			got = append(got, p.data()...)
		}
		if first := slices.Index(got, "a"); got[first+1] != "tick" {
			t.Errorf("got %q, want a tick between the words", got)
		}
		p.ends(workStream, workTask)
		if err := r.wait(); err != nil {
			t.Error(err)
		}
	})
}

// TestSlowBoltIsAttentive has a bolt take long over the tuples of one frame.
// Between two of them it must send what is old and answer a ping.
func TestSlowBoltIsAttentive(t *testing.T) {
	leaktest.Check(t)
	seen := make(chan struct{})
	b := echo()
	emit, calls := b.execute, 0
	b.execute = func(tu *topology.Tuple, out *topology.Collector) error {
		calls++
		switch calls {
		case 1:
			<-time.After(2 * houseEvery)
		case 2:
			<-seen
		}
		return emit(tu, out)
	}
	m := newManager(t, testTopology(t, nil, b))
	r := m.run(workTask)
	p := m.welcome(plenty)
	p.send(dataFrame("one", "two", "three"))
	p.tell(wire.KindPing, 0, 8)
	if h, _ := p.expect(wire.KindPong); h.Count != 8 {
		t.Errorf("pong is %+v", h)
	}
	if got := p.data(); !slices.Equal(got, []string{"one"}) {
		t.Errorf("got %q", got)
	}
	close(seen)
	if got := p.collect(2); !slices.Equal(got, []string{"two", "three"}) {
		t.Errorf("got %q", got)
	}
	r.stop()
}

// TestEndOfStreams checks that a bolt ends after the end of every task of every input, each counted once.
func TestEndOfStreams(t *testing.T) {
	leaktest.Check(t)
	b := topology.NewBuilder("test")
	spout := func() topology.Spout { return &userSpout{} }
	b.Spout("a", spout, topology.Parallelism(2), topology.Output("x"), topology.OutputStream("more", "x"))
	b.Spout("b", spout, topology.Output("x"))
	finished := 0
	b.Bolt("join", func() topology.Bolt {
		return &userBolt{finish: func(*topology.Collector) error { finished++; return nil }}
	}, topology.Shuffle("a"), topology.All("a/more"), topology.Global("b"))
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	m := newManager(t, topo)
	r := m.run(4)
	p := m.welcome(plenty)
	end := func(stream uint16, source uint32) {
		p.send(wire.AppendHeader(nil, wire.Header{Kind: wire.KindEnd, Stream: stream, Source: source, Dest: 4, Epoch: testEpoch}))
	}
	for _, e := range [][2]uint32{{0, 1}, {0, 1}, {1, 1}, {2, 3}, {1, 2}, {1, 2}} {
		end(uint16(e[0]), e[1])
	}
	p.tell(wire.KindPing, 0, 5) // it is still there, though six ends have come
	p.expect(wire.KindPong)
	end(0, 2)
	p.eof()
	p.conn.Close()
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if finished != 1 {
		t.Errorf("Finish was called %d times", finished)
	}
}
