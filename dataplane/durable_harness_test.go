package dataplane

import (
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

const wordLog = "words"

// durablePlan returns a plan of a spout (task 1) with a durable stream and so many tasks (from 2) that each get all of it.
func durablePlan(tb testing.TB, d topology.Delivery, consumers int) *plan.Plan {
	tb.Helper()
	b := topology.NewBuilder("durable").Deliver(d).
		Spout("words", func() topology.Spout { return nil }, topology.Output("word"), topology.Durable(wordLog))
	if consumers > 0 {
		b.Bolt("get", func() topology.Bolt { return nil }, topology.All("words"), topology.Parallelism(consumers))
	}
	top, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	l := plan.NewLogical(top)
	return plan.New(l, plan.PackRoundRobin(l, 1), 7, 99, func(id uint32) (string, string) {
		return filepath.Join(dir, strconv.Itoa(int(id))), freePort(tb)
	})
}

// gate is a disk that can be made to take its time to sync.
type gate struct {
	*disktest.FS

	closed atomic.Bool
	opened chan struct{}
	once   sync.Once
}

func newGate() *gate {
	g := &gate{FS: disktest.New(), opened: make(chan struct{})}
	g.After(func(op disktest.Op) {
		if op.Kind == disktest.OpSync && strings.Contains(op.Name, "journal") && g.closed.Load() {
			<-g.opened
		}
	})
	return g
}

func (g *gate) close() { g.closed.Store(true) }

// open lets it sync, once and for all.
func (g *gate) open() {
	g.once.Do(func() {
		g.closed.Store(false)
		close(g.opened)
	})
}

// openLog opens a store that ends with the test, behind the managers that are started later.
func openLog(tb testing.TB, fs *disktest.FS) *dlog.Store {
	tb.Helper()
	s, _, err := dlog.Open("/store", dlog.Options{FS: fs, JournalFile: 8 << 20})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// logged returns the words that are durable in the log.
func logged(tb testing.TB, s *dlog.Store) (words []string) {
	tb.Helper()
	l, err := s.Log(wordLog)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := l.NewReader(dlog.Offset(0), dlog.ReadOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	for {
		b, err := r.TryNext(tb.Context())
		if errors.Is(err, dlog.ErrEnd) {
			return words
		}
		if err != nil {
			tb.Fatal(err)
		}
		words = append(words, wordsIn(tb, b.Body())...)
	}
}

// own returns a frame of a spout's tuples with the numbers first and following, as there is one copy of each.
func own(tb testing.TB, p *plan.Plan, first uint64, words ...string) []byte {
	tb.Helper()
	b := wire.AppendHeader(nil, wire.Header{Kind: wire.KindData, Source: 1, Count: uint32(len(words)), Epoch: p.Epoch, Flags: wire.FlagAnchored})
	for i, w := range words {
		tuple := wire.AppendRoot(nil, 0, first+uint64(i))
		tuple = append(tuple, '"', byte(len(w)+2), 0x1a, byte(len(w)))
		tuple = append(tuple, w...)
		b = append(b, '\n', byte(len(tuple)))
		b = append(b, tuple...)
	}
	wire.PutLengthCount(b, uint32(len(b)-wire.HeaderSize), uint32(len(words)))
	return b
}

// await waits until something holds of a manager's figures, which each look takes from a later turn of its event loop.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
