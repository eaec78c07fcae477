package pipe

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

func ok(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// served is a store that this process serves.
type served struct {
	store  *dlog.Store
	server *serve.Server
}

// host opens and serves a store until stop, or the end of the test.
func host(t *testing.T, dir string) *served {
	t.Helper()
	s, _, err := dlog.Open(dir, dlog.Options{})
	ok(t, err)
	v, err := serve.Listen(s, "")
	ok(t, err)
	h := &served{store: s, server: v}
	t.Cleanup(h.stop)
	return h
}

func (h *served) stop() {
	if h.server != nil {
		_ = h.server.Close()
		_ = h.store.Close()
		h.server = nil
	}
}

// write appends records to a log, which is made if it is not there, a hundred in a batch.
func (h *served) write(t *testing.T, log string, records ...[]byte) {
	t.Helper()
	l, err := h.store.Log(log)
	if errors.Is(err, dlog.ErrNotFound) {
		l, err = h.store.Create(log, dlog.LogOptions{})
	}
	ok(t, err)
	w, err := l.OpenWriter(0)
	ok(t, err)
	var b dlog.Batch
	for i, rec := range records {
		b.Add(rec)
		if n := i%100 + 1; n == 100 || i == len(records)-1 {
			_, err = w.Append(&b, dlog.Disk)
			ok(t, err)
			b.Reset()
		}
	}
	ok(t, w.Flush(t.Context()))
}

func (h *served) log(t *testing.T, name string) *dlog.Log {
	t.Helper()
	l, err := h.store.Log(name)
	ok(t, err)
	return l
}

// end returns how many records a log has had.
func (h *served) end(t *testing.T, log string) uint64 {
	t.Helper()
	info, err := h.log(t, log).Info()
	ok(t, err)
	return info.End
}

func (h *served) position(t *testing.T, log, sub string) uint64 {
	t.Helper()
	at, err := h.log(t, log).Subscription(sub).Position()
	ok(t, err)
	return at
}

// tuple encodes a tuple.
func tuple(values ...topology.Value) []byte {
	var b []byte
	for i := range values {
		b = wire.AppendValue(b, &values[i])
	}
	return b
}

// numbers are tuples of one number each, from a number on and before another.
func numbers(from, to int) [][]byte {
	var all [][]byte
	for i := from; i < to; i++ {
		all = append(all, tuple(topology.Int(int64(i))))
	}
	return all
}

// seen counts the numbers that bolts get.
type seen struct {
	mu     sync.Mutex
	counts map[int64]int
	total  int
	onSeen func(total int)
}

func newSeen() *seen { return &seen{counts: map[int64]int{}} }

func (s *seen) add(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[n]++
	s.total++
	if s.onSeen != nil {
		s.onSeen(s.total)
	}
}

// check fails the test unless all numbers from one on and before another were seen, and nothing else; each once if once
// is set.
func (s *seen) check(t *testing.T, from, to int, once bool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := from; i < to; i++ {
		if n := s.counts[int64(i)]; n == 0 || once && n > 1 {
			t.Fatalf("number %d was seen %d times", i, n)
		}
	}
	if len(s.counts) != to-from {
		t.Fatalf("%d different numbers were seen, want %d", len(s.counts), to-from)
	}
}

// reader is a bolt that counts numbers.
type reader struct {
	seen *seen
	fail func(n int64) error
}

func (*reader) Open(context.Context, *topology.Task, *topology.Collector) error { return nil }
func (*reader) Close() error                                                    { return nil }

func (b *reader) Execute(t *topology.Tuple) error {
	n, err := t.Int(0)
	if err != nil {
		return err
	}
	if b.fail != nil {
		if err := b.fail(n); err != nil {
			return err
		}
	}
	b.seen.add(n)
	return nil
}

// reading is a topology that reads a log.
func reading(t *testing.T, src Source, bolt func() topology.Bolt, d topology.Delivery, options ...topology.Option) *topology.Topology {
	t.Helper()
	b := topology.NewBuilder("reading")
	b.Deliver(d)
	b.Spout("log", func() topology.Spout { return NewSpout(src) }, append([]topology.Option{topology.Output("n")}, options...)...)
	b.Bolt("count", bolt, topology.Shuffle("log"))
	topo, err := b.Build()
	ok(t, err)
	return topo
}

var tracked = topology.Delivery{Guarantee: topology.AtLeastOnce}

// read runs a topology that reads a log in this process, to its end.
func read(t *testing.T, src Source, d topology.Delivery, s *seen, options ...topology.Option) error {
	t.Helper()
	topo := reading(t, src, func() topology.Bolt { return &reader{seen: s} }, d, options...)
	_, err := local.Run(t.Context(), topo, local.Options{InProcess: true})
	return err
}

// wantError fails the test unless an error, which has come from another process and so is text, says so.
func wantError(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", says)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error is %v, want %q", err, text)
		}
	}
}
