package dataplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// testPlan returns a plan of a spout (task 1) and a bolt of n tasks (from 2), all in one container or dealt to several.
func testPlan(tb testing.TB, bolts, containers int, in topology.Option) *plan.Plan {
	tb.Helper()
	top, err := topology.NewBuilder("test").
		Spout("words", func() topology.Spout { return nil }, topology.Output("word")).
		Bolt("count", func() topology.Bolt { return nil }, topology.Parallelism(bolts), in).Build()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	l := plan.NewLogical(top)
	return plan.New(l, plan.PackRoundRobin(l, containers), 7, 99, func(id uint32) (string, string) {
		return filepath.Join(dir, string(rune('a'+id))), freePort(tb)
	})
}

// portsTaken counts the ports that freePort has looked at, from a random one on.
var portsTaken = func() *atomic.Uint32 {
	var n atomic.Uint32
	n.Store(rand.Uint32N(20000))
	return &n
}()

// freePort returns an address that nobody listens on, of those that the system
// does not give to connections: one of these could take it before it is used.
// None is given twice, or two containers of a plan could have the same.
func freePort(tb testing.TB) string {
	tb.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+portsTaken.Add(1)%20000))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
}

// startManager runs the manager of a container until the test ends.
func startManager(tb testing.TB, cfg Config) *Manager {
	tb.Helper()
	m, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	select {
	case <-m.Ready():
	case err := <-done:
		tb.Fatalf("manager ended: %v", err)
	}
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("Run: %v", err)
		}
	})
	return m
}

// testTask is a task's side of a link, spoken by the test.
type testTask struct {
	t    testing.TB
	conn net.Conn
	id   uint32
	plan *plan.Plan
}

func dialTask(tb testing.TB, p *plan.Plan, id uint32) *testTask {
	tb.Helper()
	return dialAs(tb, p, id, 1)
}

// dialAs is dialTask for a certain incarnation.
func dialAs(tb testing.TB, p *plan.Plan, id uint32, incarnation uint64) *testTask {
	tb.Helper()
	tt := helloAs(tb, p, id, incarnation)
	h, body := tt.read()
	if h.Kind != wire.KindWelcome {
		tb.Fatalf("answer to hello is %v %q", h.Kind, body)
	}
	return tt
}

// helloAs says hello and leaves the answer.
func helloAs(tb testing.TB, p *plan.Plan, id uint32, incarnation uint64) *testTask {
	tb.Helper()
	tt := dialRaw(tb, p, "unix", p.ContainerOf(id).Socket)
	tt.id = id
	tt.write(wire.AppendHello(nil, wire.Hello{
		Topology: p.Topology, Fingerprint: p.Fingerprint, Epoch: p.Epoch, Task: id, Incarnation: incarnation,
	}))
	return tt
}

func dialRaw(tb testing.TB, p *plan.Plan, network, address string) *testTask {
	tb.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return &testTask{t: tb, conn: c, plan: p}
}

func (tt *testTask) write(b []byte) {
	tt.t.Helper()
	if _, err := tt.conn.Write(b); err != nil {
		tt.t.Fatal(err)
	}
}

// read returns the next frame that is no ping, which may come at any time.
func (tt *testTask) read() (wire.Header, []byte) {
	tt.t.Helper()
	for {
		h, body, err := tt.next()
		if err != nil {
			tt.t.Fatal(err)
		}
		if h.Kind != wire.KindPing {
			return h, body
		}
	}
}

func (tt *testTask) next() (wire.Header, []byte, error) {
	var hb [wire.HeaderSize]byte
	if _, err := io.ReadFull(tt.conn, hb[:]); err != nil {
		return wire.Header{}, nil, err
	}
	h, err := wire.ParseHeader(hb[:])
	if err != nil {
		return h, nil, err
	}
	body := make([]byte, h.Length)
	_, err = io.ReadFull(tt.conn, body)
	return h, body, err
}

// refused reads until the error frame and the end of the connection.
func (tt *testTask) refused() *wire.RemoteError {
	tt.t.Helper()
	for {
		h, body, err := tt.next()
		if err != nil {
			tt.t.Fatalf("no error frame before %v", err)
		}
		if h.Kind != wire.KindError {
			continue
		}
		remote, err := wire.ParseError(body)
		if err != nil {
			tt.t.Fatal(err)
		}
		if _, _, err := tt.next(); err == nil {
			tt.t.Fatal("the link stays open behind an error frame")
		}
		return remote
	}
}

// sink collects the frames of a collector, as a task would write them.
type sink struct {
	plan  *plan.Plan
	task  uint32
	bytes []byte
}

func (s *sink) Send(stream uint16, dest uint32, keyed bool, count uint32, b *pool.Buf) error {
	h := wire.Header{
		Kind: wire.KindData, Stream: stream, Source: s.task, Dest: dest, Count: count, Epoch: s.plan.Epoch,
		Length: uint32(len(b.B) - wire.HeaderSize),
	}
	if keyed {
		h.Flags |= wire.FlagKeyed
	}
	h.Put(b.B)
	s.bytes = append(s.bytes, b.B...)
	b.Release()
	return nil
}

// frames encodes words as one frame or several of batch bytes.
func frames(tb testing.TB, p *plan.Plan, batch int, words ...string) []byte {
	tb.Helper()
	s := &sink{plan: p, task: 1}
	c := topology.NewCollector(s, p.Seed, batch, batch, []topology.OutputSpec{{
		Name: "default", Fields: []string{"word"}, KeySets: p.Streams[0].KeySets, Routed: true,
	}})
	for _, w := range words {
		if err := c.Emit(topology.String(w)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := c.Flush(); err != nil {
		tb.Fatal(err)
	}
	return s.bytes
}

// wordsOf reads data frames until the end frame and returns the words.
func (tt *testTask) wordsUntilEnd() []string {
	tt.t.Helper()
	var words []string
	for {
		h, body := tt.read()
		if h.Kind == wire.KindEnd {
			return words
		}
		if h.Kind == wire.KindData {
			words = append(words, wordsIn(tt.t, body)...)
			credit := wire.Header{Kind: wire.KindCredit, Count: uint32(len(body) + wire.HeaderSize), Epoch: tt.plan.Epoch}
			tt.write(wire.AppendHeader(nil, credit))
		}
	}
}

func wordsIn(tb testing.TB, body []byte) (words []string) {
	tb.Helper()
	var r wire.Record
	for off := 0; off < len(body); {
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			tb.Fatal("bad record")
		}
		r.Reset(body[tuple:end])
		w, err := r.Text(0)
		if err != nil {
			tb.Fatal(err)
		}
		words = append(words, w)
		off = end
	}
	return words
}

func (tt *testTask) end() {
	tt.write(wire.AppendHeader(nil, wire.Header{Kind: wire.KindEnd, Source: tt.id, Epoch: tt.plan.Epoch}))
}

func TestForwardsToTheOnlyTaskInOrder(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 1, topology.Fields("words", "word"))
	startManager(t, Config{Plan: p, Container: 1})
	bolt, spout := dialTask(t, p, 2), dialTask(t, p, 1)
	want := []string{"alpha", "beta", "gamma", "delta", "alpha", "epsilon"}
	spout.write(frames(t, p, 64, want...))
	spout.end()
	got := bolt.wordsUntilEnd()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("word %d is %q, want %q", i, got[i], want[i])
		}
	}
}

func TestFieldsGroupingAcrossContainers(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 3, 2, topology.Fields("words", "word"))
	startManager(t, Config{Plan: p, Container: 2})
	startManager(t, Config{Plan: p, Container: 1})
	spout := dialTask(t, p, 1)
	var words []string
	for i := range 500 {
		words = append(words, string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	spout.write(frames(t, p, 512, words...))
	spout.end()
	seen := map[string]uint32{}
	for id := uint32(2); id <= 4; id++ {
		for _, w := range dialTask(t, p, id).wordsUntilEnd() {
			if at, twice := seen[w]; twice {
				t.Errorf("%q reached tasks %d and %d", w, at, id)
			}
			seen[w] = id
		}
	}
	if len(seen) != 500 {
		t.Errorf("%d of 500 words arrived", len(seen))
	}
}

func TestRefusals(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 1, topology.Shuffle("words"))
	m := startManager(t, Config{Plan: p, Container: 1, Credit: 4096})
	bolt, spout := dialTask(t, p, 2), dialTask(t, p, 1)
	good := wire.Hello{Topology: p.Topology, Fingerprint: p.Fingerprint, Epoch: p.Epoch, Task: 2, Incarnation: 0}
	hello := func(change func(*wire.Hello)) []byte {
		h := good
		change(&h)
		return wire.AppendHello(nil, h)
	}
	frame := func(h wire.Header, body ...byte) []byte {
		h.Length, h.Epoch = uint32(len(body)), p.Epoch
		return append(wire.AppendHeader(nil, h), body...)
	}
	data := wire.Header{Kind: wire.KindData, Source: 3, Count: 1}
	cases := []struct {
		name  string
		hello bool
		bytes []byte
		code  wire.Code
	}{
		{"other topology", false, hello(func(h *wire.Hello) { h.Topology = "x" }), wire.CodeTopology},
		{"other fingerprint", false, hello(func(h *wire.Hello) { h.Fingerprint++ }), wire.CodeTopology},
		{"other epoch", false, hello(func(h *wire.Hello) { h.Epoch++ }), wire.CodeEpoch},
		{"unknown task", false, hello(func(h *wire.Hello) { h.Task = 9 }), wire.CodeUnknown},
		{"older incarnation", false, hello(func(*wire.Hello) {}), wire.CodeDuplicate},
		{"peer that is not in the plan", false, hello(func(h *wire.Hello) { h.Task, h.Container = 0, 5 }), wire.CodeUnknown},
		{"data before hello", false, frame(data), wire.CodeUnexpected},
		{"garbage", false, []byte("GET / HTTP/1.1\r\nHost: ardea\r\n\r\n"), wire.CodeMalformed},
		{"hello that is no protobuf", false, frame(wire.Header{Kind: wire.KindHello}, 0xff, 0xff), wire.CodeMalformed},
		{"oversized", false, wire.AppendHeader(nil, wire.Header{Kind: wire.KindData, Length: wire.MaxBody + 1}), wire.CodeMalformed},
		{"zero kind", false, make([]byte, wire.HeaderSize), wire.CodeMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			raw := dialRaw(t, p, "unix", p.Containers[0].Socket)
			raw.write(c.bytes)
			if got := raw.refused(); got.Code != c.code {
				t.Errorf("refused with %v, want %v", got, c.code)
			}
		})
	}
	t.Run("task over TCP", func(t *testing.T) {
		raw := dialRaw(t, p, "tcp", p.Containers[0].Address)
		raw.write(hello(func(h *wire.Hello) { h.Incarnation = 9 }))
		if got := raw.refused(); got.Code != wire.CodeUnknown {
			t.Errorf("refused with %v, want %v", got, wire.CodeUnknown)
		}
	})
	spout.write(frames(t, p, 256, "still", "here"))
	spout.end()
	if got := bolt.wordsUntilEnd(); len(got) != 2 {
		t.Errorf("the others were disturbed: got %q", got)
	}
	if n := m.Metrics().Refused["topology"]; n != 2 {
		t.Errorf("%d refusals for the topology counted, want 2", n)
	}
}

func TestBadFramesOfATask(t *testing.T) {
	p := testPlan(t, 2, 1, topology.Fields("words", "word"))
	h := wire.Header{Kind: wire.KindData, Source: 1, Count: 1, Epoch: p.Epoch}
	cases := []struct {
		name   string
		change func(*wire.Header)
		body   []byte
		code   wire.Code
	}{
		{"epoch", func(h *wire.Header) { h.Epoch++ }, nil, wire.CodeEpoch},
		{"source of another task", func(h *wire.Header) { h.Source = 2 }, nil, wire.CodeRoute},
		{"stream of nobody", func(h *wire.Header) { h.Stream = 9 }, nil, wire.CodeRoute},
		{"destination without direct grouping", func(h *wire.Header) { h.Dest = 2 }, nil, wire.CodeRoute},
		{"unknown destination", func(h *wire.Header) { h.Dest = 99 }, nil, wire.CodeRoute},
		{"count", func(h *wire.Header) { h.Count = 3 }, []byte{0x0a, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0}, wire.CodeMalformed},
		{"record longer than the body", func(*wire.Header) {}, []byte{0x0a, 50, 9}, wire.CodeMalformed},
		{"record without key hash", func(*wire.Header) {}, []byte{0x0a, 2, 0x22, 0}, wire.CodeMalformed},
		{"compressed", func(h *wire.Header) { h.Flags = wire.CodecS2 }, nil, wire.CodeUnexpected},
		{"credit for more than was sent", func(h *wire.Header) { h.Kind, h.Count = wire.KindCredit, 1<<32-1 }, nil, wire.CodeCredit},
		{"ack, which nobody tracks", func(h *wire.Header) { h.Kind, h.Dest = wire.KindAck, 2 }, nil, wire.CodeUnexpected},
		{"welcome from a task", func(h *wire.Header) { h.Kind = wire.KindWelcome }, nil, wire.CodeUnexpected},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			leaktest.Check(t)
			startManager(t, Config{Plan: p, Container: 1})
			spout := dialTask(t, p, 1)
			bad := h
			c.change(&bad)
			bad.Length = uint32(len(c.body))
			spout.write(append(wire.AppendHeader(nil, bad), c.body...))
			if got := spout.refused(); got.Code != c.code {
				t.Errorf("refused with %v, want %v", got, c.code)
			}
			dialTask(t, p, 1) // and may come back
		})
	}
}

func TestFramesInPieces(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 2, 1, topology.Fields("words", "word"))
	startManager(t, Config{Plan: p, Container: 1})
	spout := dialTask(t, p, 1)
	all := frames(t, p, 64, "one", "two", "three", "four", "five")
	for _, b := range all {
		spout.write([]byte{b})
	}
	spout.end()
	n := len(dialTask(t, p, 2).wordsUntilEnd()) + len(dialTask(t, p, 3).wordsUntilEnd())
	if n != 5 {
		t.Errorf("%d words arrived, want 5", n)
	}
}

func TestSlowTaskClampsAndReleases(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 1, topology.Shuffle("words"))
	m := startManager(t, Config{Plan: p, Container: 1, Window: 64 << 10, HighMark: 8 << 10, Credit: 64 << 10})
	bolt, spout := dialTask(t, p, 2), dialTask(t, p, 1)
	one := frames(t, p, 4096, make100("slow")...)
	sent, clamped := 0, false
	for !clamped {
		spout.write(one)
		sent++
		spout.write(wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Epoch: p.Epoch, Count: uint32(sent)}))
		for h, _ := spout.read(); h.Kind != wire.KindPong; h, _ = spout.read() {
			if h.Kind == wire.KindClamp && h.Dest == 2 {
				clamped = true
			}
		}
		if sent > 1000 {
			t.Fatal("never clamped")
		}
	}
	if q := m.Metrics().QueueBytes; q < 8<<10 {
		t.Errorf("clamped with %d bytes queued", q)
	}
	spout.end()
	if got := len(bolt.wordsUntilEnd()); got != 100*sent {
		t.Errorf("%d words arrived, want %d", got, 100*sent)
	}
	for h, _ := spout.read(); h.Kind != wire.KindRelease; h, _ = spout.read() {
	}
}

func make100(w string) []string {
	words := make([]string, 100)
	for i := range words {
		words[i] = w
	}
	return words
}

func TestCreditIsEnforced(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 1, topology.Shuffle("words"))
	startManager(t, Config{Plan: p, Container: 1, Window: 64 << 10, HighMark: 4 << 10, HardMark: 4 << 10, Credit: 8 << 10})
	spout := dialTask(t, p, 1)
	one := frames(t, p, 4096, make100("x")...)
	for range 100 {
		if _, err := spout.conn.Write(one); err != nil {
			break
		}
	}
	if got := spout.refused(); got.Code != wire.CodeCredit {
		t.Errorf("refused with %v, want credit", got)
	}
}

func TestSecondManagerOnTheSameSocket(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 1, topology.Shuffle("words"))
	startManager(t, Config{Plan: p, Container: 1})
	m, err := New(Config{Plan: p, Container: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("Run on a socket in use returns %v", err)
	}
}
