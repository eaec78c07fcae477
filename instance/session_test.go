package instance

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// altered returns the frame with some header fields changed.
func altered(frame []byte, change func(h *wire.Header)) []byte {
	h, _ := wire.ParseHeader(frame)
	change(&h)
	h.Put(frame)
	return frame
}

// TestMalformedInput sends what a stream manager must not send, behind a good
// frame. Each closes the link with an error frame, and the task dials again.
func TestMalformedInput(t *testing.T) {
	leaktest.Check(t)
	random := rand.NewChaCha8([32]byte{1})
	garbage := make([]byte, 1000)
	_, _ = random.Read(garbage)
	word := appendWord(nil, "word")
	cut := dataFrame("word", "word")
	cut[wire.HeaderSize+1] += 2 // the first record reaches into the second
	long := append(make([]byte, wire.HeaderSize), 0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)
	dataHeader(6, 1).Put(long)
	beyond := append(make([]byte, wire.HeaderSize), 0x0a, 100, 1, 2, 3)
	dataHeader(5, 1).Put(beyond)
	oversized := wire.AppendRecordHeader(make([]byte, wire.HeaderSize), wire.MaxTuple+1) // refused before its tuple comes
	dataHeader(len(oversized)-wire.HeaderSize+wire.MaxTuple+1, 1).Put(oversized)
	for _, tc := range []struct {
		name  string
		bytes []byte
		code  wire.Code
		want  error
	}{
		{"garbage", garbage, wire.CodeMalformed, nil},
		{"an unknown kind", altered(dataFrame("x"), func(h *wire.Header) { h.Kind = 77 }), wire.CodeMalformed, wire.ErrKind},
		{"unknown flags", altered(dataFrame("x"), func(h *wire.Header) { h.Flags = 0x80 }), wire.CodeMalformed, wire.ErrFlags},
		{"an oversized body", altered(dataFrame("x"), func(h *wire.Header) { h.Length = wire.MaxBody + 1 }), wire.CodeMalformed, wire.ErrTooLarge},
		{"an oversized control body", altered(dataFrame("x"), func(h *wire.Header) { h.Kind, h.Length = wire.KindPing, wire.MaxControlBody+1 }), wire.CodeMalformed, wire.ErrTooLarge},
		{"another epoch", altered(dataFrame("x"), func(h *wire.Header) { h.Epoch++ }), wire.CodeEpoch, ErrEpoch},
		{"control of another epoch", altered(endFrame(), func(h *wire.Header) { h.Kind = wire.KindPing; h.Epoch++ }), wire.CodeEpoch, ErrEpoch},
		{"a second welcome", wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch}), wire.CodeUnexpected, ErrUnexpected},
		{"a barrier", altered(endFrame(), func(h *wire.Header) { h.Kind = wire.KindBarrier }), wire.CodeUnexpected, ErrUnexpected},
		{"a compressed batch", altered(dataFrame("x"), func(h *wire.Header) { h.Flags |= wire.CodecS2 }), wire.CodeUnexpected, ErrCodec},
		{"an unknown stream", altered(dataFrame("x"), func(h *wire.Header) { h.Stream = 99 }), wire.CodeRoute, ErrRoute},
		{"a stream of others", altered(dataFrame("x"), func(h *wire.Header) { h.Stream = workStream }), wire.CodeRoute, ErrRoute},
		{"an unknown source", altered(dataFrame("x"), func(h *wire.Header) { h.Source = 9 }), wire.CodeRoute, ErrRoute},
		{"source zero", altered(dataFrame("x"), func(h *wire.Header) { h.Source = 0 }), wire.CodeRoute, ErrRoute},
		{"a tuple for another task", altered(dataFrame("x"), func(h *wire.Header) { h.Dest = sinkTask }), wire.CodeRoute, ErrRoute},
		{"an end for another task", altered(endFrame(), func(h *wire.Header) { h.Dest = 0 }), wire.CodeRoute, ErrRoute},
		{"a clamp of nobody", altered(endFrame(), func(h *wire.Header) { h.Kind, h.Dest = wire.KindClamp, 4 }), wire.CodeRoute, ErrRoute},
		{"fewer tuples than promised", altered(dataFrame("x", "y"), func(h *wire.Header) { h.Count = 3 }), wire.CodeMalformed, wire.ErrCount},
		{"more tuples than promised", altered(dataFrame("x", "y"), func(h *wire.Header) { h.Count = 1 }), wire.CodeMalformed, wire.ErrCount},
		{"no tuples and a body", altered(dataFrame("x"), func(h *wire.Header) { h.Count = 0 }), wire.CodeMalformed, wire.ErrCount},
		{"a body that is no record", altered(append(make([]byte, wire.HeaderSize), "nonsense"...), func(h *wire.Header) { *h = dataHeader(8, 1) }), wire.CodeMalformed, wire.ErrRecord},
		{"a record that is cut", cut, wire.CodeMalformed, wire.ErrRecord},
		{"a record of 4 GiB", long, wire.CodeMalformed, wire.ErrRecord},
		{"an oversized tuple", oversized, wire.CodeMalformed, wire.ErrRecord},
		{"a record beyond its frame", beyond, wire.CodeMalformed, wire.ErrRecord},
		{"half a length", altered(append(make([]byte, wire.HeaderSize), 0x0a, 0x80), func(h *wire.Header) { *h = dataHeader(2, 1) }), wire.CodeMalformed, wire.ErrRecord},
		{"bytes behind the last record", altered(append(append(make([]byte, wire.HeaderSize), word...), 0), func(h *wire.Header) { *h = dataHeader(len(word)+1, 1) }), wire.CodeMalformed, wire.ErrCount},
		{"an error frame that is none", altered(append(make([]byte, wire.HeaderSize), 0xff), func(h *wire.Header) { *h = wire.Header{Kind: wire.KindError, Length: 1, Epoch: testEpoch} }), wire.CodeMalformed, wire.ErrHandshake},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaktest.Check(t)
			opened := 0
			b := echo()
			b.open = func(context.Context, *topology.Task, *topology.Collector) error { opened++; return nil }
			m := newManager(t, testTopology(t, nil, b))
			r := m.run(workTask)
			p := m.welcome(plenty)
			p.send(slices.Concat(dataFrame("before"), tc.bytes))
			checkComplaint(t, p, tc.code, tc.want)
			p = m.welcome(plenty)
			p.send(dataFrame("after"))
			for !slices.Contains(p.data(), "after") {
			}
			p.end()
			p.ends(workStream, workTask)
			if err := r.wait(); err != nil {
				t.Error(err)
			}
			if got := r.Metrics(); got.Malformed != 1 || got.Reconnects != 1 || opened != 1 {
				t.Errorf("metrics are %+v, Open was called %d times", got, opened)
			}
		})
	}
}

// checkComplaint reads the error frame that names the fault, and the end of the connection.
func checkComplaint(t *testing.T, p *peer, code wire.Code, want error) {
	t.Helper()
	h, body := p.frame()
	for ; h.Kind == wire.KindData; h, body = p.frame() {
	}
	if h.Kind != wire.KindError {
		t.Fatalf("frame is %+v, want an error", h)
	}
	remote, err := wire.ParseError(body)
	if err != nil {
		t.Fatal(err)
	}
	if remote.Code != code || want != nil && !strings.Contains(remote.Text, want.Error()) {
		t.Errorf("the instance says %v, want %v and %v", remote, code, want)
	}
	if _, _, err := p.next(); err == nil {
		t.Error("the connection is still open")
	}
	p.conn.Close()
}

func TestSpoutRefusesData(t *testing.T) {
	leaktest.Check(t)
	for _, frame := range [][]byte{dataFrame("x"), endFrame()} {
		m := newManager(t, testTopology(t, nil, nil))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		p.send(frame)
		checkComplaint(t, p, wire.CodeUnexpected, ErrUnexpected)
		r.stop()
	}
}

func TestDataBehindItsEnd(t *testing.T) {
	leaktest.Check(t)
	b := topology.NewBuilder("test")
	b.Spout("a", func() topology.Spout { return &userSpout{} }, topology.Parallelism(2), topology.Output("x"))
	b.Bolt("b", func() topology.Bolt { return &userBolt{} }, topology.Shuffle("a"))
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	m := newManager(t, topo)
	r := m.run(3)
	p := m.welcome(plenty)
	to := func(h *wire.Header) { h.Dest = 3 }
	p.send(slices.Concat(altered(endFrame(), to), altered(dataFrame("x"), to)))
	checkComplaint(t, p, wire.CodeUnexpected, ErrEnded)
	r.stop()
}

// TestMalformedForEver checks that a task gives up on a stream manager that sends nothing but nonsense.
func TestMalformedForEver(t *testing.T) {
	leaktest.Check(t)
	m := newManager(t, testTopology(t, nil, nil))
	r := m.run(workTask)
	served := make(chan int)
	go func() {
		n := 0
		defer func() { served <- n }()
		for {
			conn, err := m.ln.AcceptUnix()
			if err != nil {
				return
			}
			n++
			_, _ = conn.Write(wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch}))
			_, _ = conn.Write([]byte("what is this? surely not a frame header"))
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	err := r.wait()
	m.ln.Close()
	var protocol *ProtocolError
	if !errors.As(err, &protocol) || protocol.Code != wire.CodeMalformed || !strings.Contains(err.Error(), "component work task 2") {
		t.Errorf("Run returned %v", err)
	}
	if n := <-served; n < malformedLimit {
		t.Errorf("it gave up after %d links", n)
	}
}

func TestRefusal(t *testing.T) {
	leaktest.Check(t)
	for _, code := range []wire.Code{
		wire.CodeProtocol, wire.CodeTopology, wire.CodeEpoch, wire.CodeUnknown, wire.CodeDuplicate,
		wire.CodeMalformed, wire.CodeUnexpected, wire.CodeRoute, wire.CodeCredit,
	} {
		t.Run(code.String(), func(t *testing.T) {
			leaktest.Check(t)
			m := newManager(t, testTopology(t, nil, nil))
			r := m.run(srcTask)
			m.accept().send(wire.AppendError(nil, testEpoch, code, "no"))
			checkRefused(t, r, code)
		})
	}
	t.Run("later", func(t *testing.T) {
		leaktest.Check(t)
		closed := 0
		s := babble()
		s.close = func() error { closed++; return nil }
		m := newManager(t, testTopology(t, s, nil))
		r := m.run(srcTask)
		p := m.welcome(1)
		p.data() // now it waits for credit, inside Emit
		p.send(wire.AppendError(nil, testEpoch, wire.CodeCredit, "no"))
		p.conn.Close()
		checkRefused(t, r, wire.CodeCredit)
		if closed != 1 {
			t.Errorf("Close was called %d times", closed)
		}
	})
	t.Run("before a write fails", func(t *testing.T) {
		leaktest.Check(t)
		blocked := make(chan struct{})
		s := &userSpout{next: func(out *topology.Collector) error {
			<-blocked
			return errors.Join(out.Emit(topology.String("late")), out.Flush())
		}}
		m := newManager(t, testTopology(t, s, nil))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		p.send(wire.AppendError(nil, testEpoch, wire.CodeRoute, "no"))
		p.conn.Close()
		close(blocked)
		checkRefused(t, r, wire.CodeRoute)
	})
	t.Run("that may pass", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, nil, nil))
		r := m.run(srcTask)
		p := m.accept()
		p.send(wire.AppendError(nil, testEpoch, wire.CodeInternal, "not now"))
		p.conn.Close()
		m.welcome(plenty)
		r.stop()
	})
}

func checkRefused(t *testing.T, r *running, code wire.Code) {
	t.Helper()
	err := r.wait()
	var remote *wire.RemoteError
	if !errors.As(err, &remote) || remote.Code != code || !strings.Contains(err.Error(), "task 1") {
		t.Errorf("Run returned %v, want a refusal for %v", err, code)
	}
}

// TestBadHandshakes answers a hello with everything but a welcome; the task dials again each time.
func TestBadHandshakes(t *testing.T) {
	leaktest.Check(t)
	m := newManager(t, testTopology(t, nil, echo()))
	r := m.run(workTask)
	for _, answer := range [][]byte{
		nil,
		[]byte("short"),
		[]byte("this is longer than any header is"),
		dataFrame("too early"),
		wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch + 1}),
		altered(wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch + 1}), func(h *wire.Header) { h.Epoch = testEpoch }),
		altered(append(make([]byte, wire.HeaderSize), 0xff), func(h *wire.Header) { *h = wire.Header{Kind: wire.KindWelcome, Length: 1, Epoch: testEpoch} }),
	} {
		p := m.accept()
		p.send(answer)
		p.conn.Close()
	}
	p := m.accept()
	// The welcome comes byte by byte, with data behind it.
	for _, b := range append(wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch, Credit: 1000}), dataFrame("hello")...) {
		p.send([]byte{b})
	}
	if got := p.data(); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("got %q", got)
	}
	r.stop()
	if got := r.Metrics(); got.Reconnects != 0 {
		t.Errorf("metrics are %+v", got)
	}
}

// TestReconnect breaks the link at several moments. The spout or bolt stays open.
func TestReconnect(t *testing.T) {
	leaktest.Check(t)
	t.Run("of a bolt that waits", func(t *testing.T) {
		leaktest.Check(t)
		opened, closed := 0, 0
		b := echo()
		b.open = func(context.Context, *topology.Task, *topology.Collector) error { opened++; return nil }
		b.close = func() error { closed++; return nil }
		m := newManager(t, testTopology(t, nil, b))
		r := m.run(workTask)
		for range 3 {
			p := m.welcome(plenty)
			frame := dataFrame("in", "out")
			p.send(frame)
			p.data()
			p.send(frame[:len(frame)-1]) // the rest is lost with the link
			p.conn.Close()
		}
		p := m.welcome(plenty)
		p.end()
		for h, _ := p.frame(); h.Kind != wire.KindEnd; h, _ = p.frame() {
		}
		p.eof()
		p.conn.Close()
		if err := r.wait(); err != nil {
			t.Error(err)
		}
		if got := r.Metrics(); got.Reconnects != 3 || opened != 1 || closed != 1 {
			t.Errorf("metrics are %+v, Open was called %d times, Close %d times", got, opened, closed)
		}
	})
	t.Run("keeps the ends that came", func(t *testing.T) {
		leaktest.Check(t)
		b := topology.NewBuilder("test")
		b.Spout("a", func() topology.Spout { return &userSpout{} }, topology.Parallelism(2), topology.Output("x"))
		b.Bolt("b", func() topology.Bolt { return &userBolt{} }, topology.Shuffle("a"))
		topo, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		m := newManager(t, topo)
		r := m.run(3)
		p := m.welcome(plenty)
		p.send(altered(endFrame(), func(h *wire.Header) { h.Dest = 3 }))
		p.tell(wire.KindPing, 0, 0)
		p.expect(wire.KindPong)
		p.conn.Close()
		p = m.welcome(plenty)
		p.send(altered(endFrame(), func(h *wire.Header) { h.Dest, h.Source = 3, 2 }))
		p.eof()
		p.conn.Close()
		if err := r.wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("of a clamped spout without credit", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, babble(), nil))
		r := m.run(srcTask)
		p := m.welcome(1)
		p.tell(wire.KindClamp, workTask, 1)
		p.conn.Close()
		p = m.welcome(plenty)
		p.data() // clamps and credit are those of the new link
		r.stop()
	})
	t.Run("inside Emit", func(t *testing.T) {
		leaktest.Check(t)
		words := numbered(5000)
		m := newManager(t, testTopology(t, nil, echo()))
		r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch = 1024, 1024 })
		p := m.welcome(1)
		p.send(dataFrame(words[:2500]...))
		got := p.data() // it waits for credit now, with a frame half executed
		p.send(dataFrame(words[2500:4000]...))
		p.send(dataFrame("cut")[:30])
		p.tell(wire.KindPing, 0, 0) // belongs to the body of the frame that is cut
		p.conn.Close()
		p = m.welcome(plenty)
		p.send(dataFrame(words[4000:]...))
		p.end()
		returned := 0
		for {
			h, body := p.frame()
			if h.Kind == wire.KindEnd {
				break
			}
			if h.Kind == wire.KindCredit {
				returned += int(h.Count)
				continue
			}
			got = append(got, wordsOf(t, body)...)
		}
		if !slices.Equal(got, words) {
			t.Errorf("%d words of %d, or out of order", len(got), len(words))
		}
		if most := len(dataFrame(words[4000:]...)); returned > most {
			t.Errorf("%d bytes of credit for %d of the second link", returned, most)
		}
		p.conn.Close()
		if err := r.wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("while it ends", func(t *testing.T) {
		leaktest.Check(t)
		m := newManager(t, testTopology(t, speak(io.EOF), nil))
		r := m.run(srcTask)
		p := m.welcome(plenty)
		p.tell(wire.KindPing, 0, 0) // stays unread, which resets the connection
		p.conn.Close()
		p = m.welcome(plenty)
		p.ends(srcStream, srcTask)
		if err := r.wait(); err != nil {
			t.Error(err)
		}
	})
}

// TestBrokenProtocolInsideEmit has the stream manager break the protocol while a bolt waits for credit.
func TestBrokenProtocolInsideEmit(t *testing.T) {
	leaktest.Check(t)
	words := numbered(100)
	m := newManager(t, testTopology(t, nil, echo()))
	r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch = 1024, 1024 })
	p := m.welcome(1)
	p.send(dataFrame(words...))
	got := p.data()
	p.send([]byte("this is no frame header at all"))
	checkComplaint(t, p, wire.CodeMalformed, nil)
	p = m.welcome(plenty)
	got = append(got, p.collect(len(words)-len(got))...)
	if !slices.Equal(got, words) {
		t.Errorf("got %q", got)
	}
	r.stop()
}

func TestWindowOverrun(t *testing.T) {
	leaktest.Check(t)
	m := newManager(t, testTopology(t, nil, echo()))
	r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch = 64, 64 })
	p := m.welcome(1)
	frame := dataFrame(numbered(100_000)...)
	go func() {
		for range maxAhead/len(frame) + 2 {
			if _, err := p.conn.Write(frame); err != nil {
				return
			}
		}
	}()
	checkComplaint(t, p, wire.CodeCredit, ErrAhead)
	r.stop()
}
