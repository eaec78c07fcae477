package instance

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// Task ids and stream indexes of the topology that testTopology makes.
const (
	srcTask, workTask, sinkTask = 1, 2, 3
	srcStream, workStream       = 0, 1
	testEpoch                   = 7
	plenty                      = 1 << 30 // credit that does not run out
)

// patience bounds every wait of these tests; it only matters when one fails.
const patience = 30 * time.Second

// userSpout and userBolt are user code made of functions; nil ones do nothing.
type userSpout struct {
	open  func(ctx context.Context, task *topology.Task, out *topology.Collector) error
	next  func(out *topology.Collector) error
	close func() error
	out   *topology.Collector
}

func (s *userSpout) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	s.out = out
	if s.open == nil {
		return nil
	}
	return s.open(ctx, task, out)
}

func (s *userSpout) Next() error {
	if s.next == nil {
		return topology.ErrIdle
	}
	return s.next(s.out)
}

func (s *userSpout) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

type userBolt struct {
	open    func(ctx context.Context, task *topology.Task, out *topology.Collector) error
	execute func(t *topology.Tuple, out *topology.Collector) error
	finish  func(out *topology.Collector) error
	close   func() error
	out     *topology.Collector
}

func (b *userBolt) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	b.out = out
	if b.open == nil {
		return nil
	}
	return b.open(ctx, task, out)
}

func (b *userBolt) Execute(t *topology.Tuple) error {
	if b.execute == nil {
		return nil
	}
	return b.execute(t, b.out)
}

func (b *userBolt) Finish() error {
	if b.finish == nil {
		return nil
	}
	return b.finish(b.out)
}

func (b *userBolt) Close() error {
	if b.close == nil {
		return nil
	}
	return b.close()
}

// tickBolt is a userBolt with ticks.
type tickBolt struct {
	userBolt
	tick func(now time.Time, out *topology.Collector) error
}

func (b *tickBolt) Tick(now time.Time) error { return b.tick(now, b.out) }

// testTopology is src (task 1, stream 0) -> work (task 2, stream 1) -> sink
// (task 3), each nil part being a default that does nothing.
func testTopology(tb testing.TB, src topology.Spout, work topology.Bolt, opts ...topology.Option) *topology.Topology {
	tb.Helper()
	b := topology.NewBuilder("test")
	b.Spout("src", func() topology.Spout {
		if src == nil {
			return &userSpout{}
		}
		return src
	}, topology.Output("word"))
	b.Bolt("work", func() topology.Bolt {
		if work == nil {
			return &userBolt{}
		}
		return work
	}, append([]topology.Option{topology.Fields("src", "word"), topology.Output("word")}, opts...)...)
	b.Bolt("sink", func() topology.Bolt { return &userBolt{} }, topology.Shuffle("work"))
	t, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// manager is a stream manager played by the test: it listens on a real socket.
type manager struct {
	tb   testing.TB
	ln   *net.UnixListener
	plan *plan.Plan
	topo *topology.Topology
}

func newManager(tb testing.TB, t *topology.Topology) *manager {
	tb.Helper()
	dir, err := os.MkdirTemp("", "ardea") //nolint:usetesting // TempDir is too long for a socket's path
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "sm.sock")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ln.Close() })
	l := plan.NewLogical(t)
	p := plan.New(l, plan.PackRoundRobin(l, 1), testEpoch, 42, func(uint32) (string, string) { return socket, "" })
	return &manager{tb: tb, ln: ln, plan: p, topo: t}
}

// running is an instance whose Run was called on a goroutine.
type running struct {
	*Instance

	tb     testing.TB
	cancel context.CancelFunc
	done   chan error
}

// run starts the instance of a task. change may alter its configuration.
func (m *manager) run(task uint32, change ...func(*Config)) *running {
	m.tb.Helper()
	r := m.prepare(task, change...)
	r.start()
	return r
}

// prepare makes the instance of a task without starting it.
func (m *manager) prepare(task uint32, change ...func(*Config)) *running {
	m.tb.Helper()
	cfg := Config{Plan: m.plan, Topology: m.topo, Task: task, Incarnation: 3}
	for _, f := range change {
		f(&cfg)
	}
	i, err := New(cfg)
	if err != nil {
		m.tb.Fatal(err)
	}
	return &running{Instance: i, tb: m.tb, done: make(chan error, 1)}
}

func (r *running) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.tb.Cleanup(cancel)
	go func() { r.done <- r.Run(ctx) }()
}

// wait returns what Run returned.
func (r *running) wait() error {
	r.tb.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(patience):
		r.tb.Fatal("Run does not return")
		return nil
	}
}

// stop cancels the run and checks that it ends because of that.
func (r *running) stop() {
	r.tb.Helper()
	r.cancel()
	if err := r.wait(); !errors.Is(err, context.Canceled) {
		r.tb.Errorf("Run returned %v, want one that wraps %v", err, context.Canceled)
	}
}

// peer is the manager's side of one link.
type peer struct {
	tb    testing.TB
	conn  *net.UnixConn
	buf   []byte
	small [wire.HeaderSize]byte
}

// accept takes the next connection and reads its hello.
func (m *manager) accept() *peer {
	m.tb.Helper()
	_ = m.ln.SetDeadline(time.Now().Add(patience))
	conn, err := m.ln.AcceptUnix()
	if err != nil {
		m.tb.Fatal(err)
	}
	m.tb.Cleanup(func() { conn.Close() })
	p := &peer{tb: m.tb, conn: conn, buf: make([]byte, 1<<20)}
	h, body := p.frame()
	if h.Kind != wire.KindHello {
		m.tb.Fatalf("first frame is %v, want a hello", h.Kind)
	}
	hello, err := wire.ParseHello(body)
	if err != nil {
		m.tb.Fatal(err)
	}
	if hello.Topology != "test" || hello.Fingerprint != m.plan.Fingerprint || hello.Epoch != testEpoch ||
		hello.Task != h.Source || hello.Incarnation != 3 || hello.PID != uint32(os.Getpid()) {
		m.tb.Fatalf("hello is %+v", hello)
	}
	return p
}

// welcome accepts the next connection and welcomes it.
func (m *manager) welcome(credit uint32) *peer {
	m.tb.Helper()
	p := m.accept()
	p.send(wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch, Credit: credit, Incarnation: 1}))
	return p
}

// send writes bytes.
func (p *peer) send(b []byte) {
	p.tb.Helper()
	_ = p.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := p.conn.Write(b); err != nil {
		p.tb.Fatalf("write to the instance: %v", err)
	}
}

// tell writes a frame without a body.
func (p *peer) tell(kind wire.Kind, dest, count uint32) {
	p.tb.Helper()
	p.send(wire.AppendHeader(nil, wire.Header{Kind: kind, Dest: dest, Count: count, Epoch: testEpoch}))
}

// end writes the end of the spout's stream.
func (p *peer) end() {
	p.tb.Helper()
	p.send(endFrame())
}

func endFrame() []byte {
	return wire.AppendHeader(nil, wire.Header{Kind: wire.KindEnd, Stream: srcStream, Source: srcTask, Dest: workTask, Epoch: testEpoch})
}

// next reads a frame; the error is io.EOF at the end.
func (p *peer) next() (wire.Header, []byte, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(p.conn, p.buf[:wire.HeaderSize]); err != nil {
		return wire.Header{}, nil, err
	}
	h, err := wire.ParseHeader(p.buf)
	if err != nil {
		return h, nil, err
	}
	body := p.buf[wire.HeaderSize : wire.HeaderSize+int(h.Length)]
	_, err = io.ReadFull(p.conn, body)
	return h, body, err
}

// frame reads a frame that must come.
func (p *peer) frame() (wire.Header, []byte) {
	p.tb.Helper()
	h, body, err := p.next()
	if err != nil {
		p.tb.Fatalf("read from the instance: %v", err)
	}
	return h, body
}

// expect reads a frame of that kind.
func (p *peer) expect(kind wire.Kind) (wire.Header, []byte) {
	p.tb.Helper()
	h, body := p.frame()
	if h.Kind != kind {
		p.tb.Fatalf("frame is %+v, want kind %v", h, kind)
	}
	if h.Epoch != testEpoch {
		p.tb.Fatalf("frame is %+v, want epoch %d", h, testEpoch)
	}
	return h, body
}

// data reads a data frame and returns its words.
func (p *peer) data() []string {
	p.tb.Helper()
	h, body := p.expect(wire.KindData)
	words := wordsOf(p.tb, body)
	if int(h.Count) != len(words) {
		p.tb.Fatalf("frame %+v holds %d tuples", h, len(words))
	}
	return words
}

// collect reads data frames until they have brought n words.
func (p *peer) collect(n int) []string {
	p.tb.Helper()
	var words []string
	for len(words) < n {
		words = append(words, p.data()...)
	}
	return words
}

// ends reads the end of a stream and the end of the connection, and closes it.
func (p *peer) ends(stream uint16, task uint32) {
	p.tb.Helper()
	h, _ := p.expect(wire.KindEnd)
	if h.Stream != stream || h.Source != task || h.Dest != 0 || h.Count != 0 {
		p.tb.Errorf("end is %+v, want stream %d of task %d", h, stream, task)
	}
	p.eof()
	p.conn.Close()
}

// eof reads the end of the connection.
func (p *peer) eof() {
	p.tb.Helper()
	if h, _, err := p.next(); !errors.Is(err, io.EOF) {
		p.tb.Fatalf("got frame %+v and error %v, want the end of the connection", h, err)
	}
}

// wordsOf returns the words of a data body.
func wordsOf(tb testing.TB, body []byte) []string {
	tb.Helper()
	var words []string
	var rec wire.Record
	for off := 0; off < len(body); {
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			tb.Fatalf("no record at %d of %d", off, len(body))
		}
		rec.Reset(body[tuple:end])
		w, err := rec.Text(0)
		if err != nil {
			tb.Fatal(err)
		}
		words = append(words, w)
		off = end
	}
	return words
}

// appendWord appends the record of a word with a key hash.
func appendWord(dst []byte, word string) []byte {
	v := wire.String(word)
	n, err := v.Measure()
	if err != nil {
		panic(err)
	}
	dst = wire.AppendRecordHeader(dst, wire.KeyHashSize+n)
	start := len(dst)
	dst = wire.AppendKeyHashes(dst, 1)
	wire.PutKeyHash(dst[start:], 0, binary.LittleEndian.Uint64([]byte("hashhash")))
	return wire.AppendValue(dst, &v)
}

// dataFrame returns a frame from the spout to the bolt.
func dataFrame(words ...string) []byte {
	frame := make([]byte, wire.HeaderSize)
	for _, w := range words {
		frame = appendWord(frame, w)
	}
	dataHeader(len(frame)-wire.HeaderSize, len(words)).Put(frame)
	return frame
}

func dataHeader(length, count int) wire.Header {
	return wire.Header{
		Length: uint32(length), Kind: wire.KindData, Flags: wire.FlagKeyed, Stream: srcStream,
		Source: srcTask, Dest: workTask, Count: uint32(count), Epoch: testEpoch,
	}
}
