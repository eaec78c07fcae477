package instance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// speak is a spout that emits the words, one a call, and then returns err for ever.
func speak(err error, words ...string) *userSpout {
	n := 0
	return &userSpout{next: func(out *topology.Collector) error {
		if n == len(words) {
			return err
		}
		n++
		return out.Emit(topology.String(words[n-1]))
	}}
}

// babble is a spout that never stops to emit.
func babble() *userSpout {
	return &userSpout{next: func(out *topology.Collector) error { return out.Emit(topology.String("bla")) }}
}

func TestSpoutEmitsAndEnds(t *testing.T) {
	leaktest.Check(t)
	words := numbered(10_000)
	s := speak(io.EOF, words...)
	closed := 0
	s.close = func() error { closed++; return nil }
	m := newManager(t, testTopology(t, s, nil))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	if got := p.collect(len(words)); !slices.Equal(got, words) {
		t.Error("words are lost or out of order")
	}
	p.ends(srcStream, srcTask)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if got := r.Metrics(); got.Emitted != int64(len(words)) || !got.Ended || closed != 1 {
		t.Errorf("metrics are %+v, Close was called %d times", got, closed)
	}
}

// TestSpoutKeepsToItsCredit grants little by little and checks that no frame is sent without credit.
func TestSpoutKeepsToItsCredit(t *testing.T) {
	leaktest.Check(t)
	words := numbered(3000)
	m := newManager(t, testTopology(t, speak(io.EOF, words...), nil))
	r := m.run(srcTask, func(c *Config) { c.MinBatch, c.MaxBatch = 256, 1024 })
	credit := 100
	p := m.welcome(uint32(credit))
	var got []string
	for len(got) < len(words) {
		for credit <= 0 {
			// Nothing may come before this; the pong says that the spout is alive meanwhile.
			p.tell(wire.KindPing, 0, 1)
			p.expect(wire.KindPong)
			p.tell(wire.KindCredit, 0, 700)
			credit += 700
		}
		_, body := p.expect(wire.KindData)
		credit -= wire.HeaderSize + len(body)
		got = append(got, wordsOf(t, body)...)
	}
	if !slices.Equal(got, words) {
		t.Error("words are lost or out of order")
	}
	p.ends(srcStream, srcTask)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if waits := r.Metrics().CreditWaits; waits == 0 {
		t.Error("no wait for credit is counted")
	}
}

func TestClampedSpoutIsSilentAndAttentive(t *testing.T) {
	leaktest.Check(t)
	m := newManager(t, testTopology(t, babble(), nil))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	p.data()
	p.tell(wire.KindClamp, workTask, 1)
	p.tell(wire.KindClamp, sinkTask, 1)
	p.tell(wire.KindClamp, sinkTask, 2)
	// What was emitted before the clamp came is sent; then only pongs come.
	quiet := func() {
		t.Helper()
		for pongs := uint32(0); pongs < 20; {
			p.tell(wire.KindPing, 0, pongs)
			h, _ := p.frame()
			for ; h.Kind == wire.KindData; h, _ = p.frame() {
				pongs = 0
			}
			if h.Kind != wire.KindPong {
				t.Fatalf("frame is %+v, want a pong", h)
			}
			pongs++
		}
	}
	quiet()
	before := r.Metrics().Emitted
	p.tell(wire.KindRelease, sinkTask, 0)
	quiet()
	if after := r.Metrics().Emitted; after != before {
		t.Errorf("%d tuples were emitted under the clamp", after-before)
	}
	p.tell(wire.KindRelease, workTask, 0)
	p.data()
	if got := r.Metrics().Clamps; got != 2 {
		t.Errorf("%d clamps are counted, want 2", got)
	}
	r.stop()
}

func TestIdleSpout(t *testing.T) {
	leaktest.Check(t)
	for _, noDrain := range []bool{false, true} {
		t.Run(fmt.Sprintf("noDrain=%v", noDrain), func(t *testing.T) { testIdleSpout(t, noDrain) })
	}
}

func testIdleSpout(t *testing.T, noDrain bool) {
	t.Helper()
	var mail atomic.Pointer[string]
	var wake func()
	s := &userSpout{next: func(out *topology.Collector) error {
		w := mail.Swap(nil)
		if w == nil {
			return topology.ErrIdle
		}
		return errors.Join(out.Emit(topology.String(*w)), topology.ErrIdle)
	}}
	opened := make(chan struct{})
	s.open = func(_ context.Context, task *topology.Task, _ *topology.Collector) error {
		wake = task.Wake
		close(opened)
		return nil
	}
	m := newManager(t, testTopology(t, s, nil))
	r := m.run(srcTask, func(c *Config) { c.NoDrain = noDrain })
	p := m.welcome(plenty)
	<-opened
	for i := range 200 {
		w := strconv.Itoa(i)
		mail.Store(&w)
		if i%2 == 0 { // else the spout looks by itself
			wake()
		}
		if got := p.data(); !slices.Equal(got, []string{w}) {
			t.Fatalf("got %q, want %q", got, w)
		}
	}
	p.tell(wire.KindPing, 0, 4)
	p.expect(wire.KindPong)
	r.Drain()
	p.ends(srcStream, srcTask)
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}

func TestSpoutLeavesOutKeyHashes(t *testing.T) {
	leaktest.Check(t)
	for _, without := range []bool{false, true} {
		m := newManager(t, testTopology(t, speak(io.EOF, "word"), nil)) // which is grouped by the word
		r := m.run(srcTask, func(c *Config) { c.NoKeyHashes = without })
		p := m.welcome(plenty)
		h, body := p.expect(wire.KindData)
		tuple, end, _ := wire.NextRecord(body, 0)
		_, has := wire.KeyHash(body[tuple:end], 0)
		if has == without || (h.Flags == wire.FlagKeyed) == without || !slices.Equal(wordsOf(t, body), []string{"word"}) {
			t.Errorf("NoKeyHashes %v: flags %v, a tuple of % x", without, h.Flags, body)
		}
		p.ends(srcStream, srcTask)
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBusySpoutSendsOldBatches has a spout that is never idle emit a word now and then, far too few for a batch.
func TestBusySpoutSendsOldBatches(t *testing.T) {
	leaktest.Check(t)
	var ask atomic.Bool
	s := &userSpout{next: func(out *topology.Collector) error {
		if ask.CompareAndSwap(true, false) {
			return out.Emit(topology.String("old"))
		}
		return nil
	}}
	m := newManager(t, testTopology(t, s, nil))
	r := m.run(srcTask)
	p := m.welcome(plenty)
	for range 20 {
		ask.Store(true)
		if got := p.data(); !slices.Equal(got, []string{"old"}) {
			t.Fatalf("got %q", got)
		}
	}
	r.stop()
}

func TestDrain(t *testing.T) {
	leaktest.Check(t)
	// ended reads what comes until the end of the stream and of the run.
	ended := func(t *testing.T, p *peer, r *running) {
		t.Helper()
		h, _ := p.frame()
		for ; h.Kind == wire.KindData; h, _ = p.frame() {
			p.tell(wire.KindCredit, 0, wire.HeaderSize+h.Length)
		}
		if h.Kind != wire.KindEnd {
			t.Fatalf("frame is %+v, want an end", h)
		}
		p.eof()
		p.conn.Close()
		if err := r.wait(); err != nil {
			t.Error(err)
		}
	}
	t.Run("of a busy spout", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, babble(), nil))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		p.data()
		r.Drain()
		ended(t, p, r)
	})
	t.Run("of a clamped spout", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, babble(), nil))
		r := m.run(srcTask)
		p := m.welcome(1 << 20)
		p.tell(wire.KindClamp, workTask, 1)
		r.Drain()
		ended(t, p, r)
	})
	t.Run("of a spout without credit", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, babble(), nil))
		r := m.run(srcTask)
		p := m.welcome(1)
		p.data()
		r.Drain()
		p.tell(wire.KindCredit, 0, 1<<20)
		ended(t, p, r)
	})
	t.Run("of a spout that waits inside Next", func(t *testing.T) {
		leaktest.Check(t)
		var ctx context.Context
		s := &userSpout{open: func(c context.Context, _ *topology.Task, _ *topology.Collector) error {
			ctx = c //nolint:fatcontext // the test watches the context that Open got
			return nil
		}}
		waiting := make(chan struct{})
		s.next = func(out *topology.Collector) error {
			close(waiting)
			<-ctx.Done()
			return errors.Join(ctx.Err(), out.Emit(topology.String("good-bye")))
		}
		m := newManager(t, testTopology(t, s, nil))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		<-waiting
		r.Drain()
		if got := p.data(); !slices.Equal(got, []string{"good-bye"}) {
			t.Errorf("got %q", got)
		}
		ended(t, p, r)
	})
	t.Run("before the run", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, babble(), nil))
		r := m.prepare(srcTask)
		r.Drain()
		r.start()
		ended(t, m.welcome(plenty), r)
	})
	t.Run("of a bolt has no effect", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, nil, echo()))
		r := m.run(workTask)
		p := m.welcome(plenty)
		r.Drain()
		p.send(dataFrame("still"))
		if got := p.data(); !slices.Equal(got, []string{"still"}) {
			t.Errorf("got %q", got)
		}
		r.stop()
	})
}

// TestCancel stops a task wherever it may wait.
func TestCancel(t *testing.T) {
	leaktest.Check(t)
	for _, tc := range []struct {
		name string
		src  *userSpout
		task uint32
		stop func(t *testing.T, m *manager, r *running)
	}{
		{"waiting for a stream manager", nil, srcTask, func(_ *testing.T, m *manager, r *running) { m.ln.Close(); r.stop() }},
		{"waiting for a welcome", nil, workTask, func(_ *testing.T, m *manager, r *running) { m.accept(); r.stop() }},
		{"waiting for input", nil, workTask, func(_ *testing.T, m *manager, r *running) {
			p := m.welcome(plenty)
			p.tell(wire.KindPing, 0, 1)
			p.expect(wire.KindPong)
			r.stop()
		}},
		{"waiting to write", babble(), srcTask, func(_ *testing.T, m *manager, r *running) {
			m.welcome(plenty).data() // and reads no further, so that the socket fills up
			for frames, same := int64(0), 0; same < 100; same++ {
				<-time.After(time.Millisecond)
				if now := r.Metrics().FramesOut; now != frames {
					frames, same = now, 0
				}
			}
			r.stop()
		}},
		{"waiting for credit", babble(), srcTask, func(_ *testing.T, m *manager, r *running) {
			p := m.welcome(1)
			p.data()
			p.tell(wire.KindPing, 0, 1)
			p.expect(wire.KindPong)
			r.stop()
		}},
		{"clamped", babble(), srcTask, func(_ *testing.T, m *manager, r *running) {
			p := m.welcome(plenty)
			p.tell(wire.KindClamp, workTask, 1)
			p.tell(wire.KindPing, 0, 1)
			for h, _ := p.frame(); h.Kind != wire.KindPong; h, _ = p.frame() {
			}
			r.stop()
		}},
		{"idle", speak(topology.ErrIdle, "one"), srcTask, func(_ *testing.T, m *manager, r *running) {
			m.welcome(plenty).data()
			r.stop()
		}},
		{"waiting for the stream manager to finish", speak(io.EOF, "one"), srcTask, func(_ *testing.T, m *manager, r *running) {
			p := m.welcome(plenty)
			p.data()
			p.expect(wire.KindEnd)
			p.eof()
			r.stop()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaktest.Check(t)
			var src topology.Spout
			closed := 0
			if tc.src != nil {
				tc.src.close = func() error { closed++; return nil }
				src = tc.src
			}
			m := newManager(t, testTopology(t, src, nil))
			r := m.run(tc.task)
			tc.stop(t, m, r)
			if tc.src != nil && closed != 1 {
				t.Errorf("Close was called %d times", closed)
			}
		})
	}
}
