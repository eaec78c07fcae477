package dataplane

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// TestDurableFramesWaitForTheDisk has tuples that are tracked pass when they are on disk and their ends behind them, and
// others, and their ends, at once.
func TestDurableFramesWaitForTheDisk(t *testing.T) {
	for name, d := range map[string]topology.Delivery{"tracked": tracked, "not tracked": {}} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			g := newGate()
			defer g.open()
			store := openLog(t, g.FS)
			p := durablePlan(t, d, 1)
			m := startManager(t, Config{Plan: p, Container: 1, Store: store})
			bolt, spout := dialTask(t, p, 2), dialTask(t, p, 1)
			g.close()
			for i, w := range []string{"one", "two", "three"} {
				spout.write(own(t, p, uint64(i+1), w))
			}
			spout.end()
			spout.until()
			if held := m.Metrics().LogHeld; held == 0 {
				t.Error("the figures say that nothing is held")
			}
			before := len(bolt.until())
			if want := map[bool]int{true: 0, false: 4}[d.Tracked()]; before != want {
				t.Fatalf("%d frames have passed before the disk had them, want %d", before, want)
			}
			g.open()
			if d.Tracked() {
				if got := bolt.wordsUntilEnd(); !slices.Equal(got, []string{"one", "two", "three"}) {
					t.Errorf("the bolt got %q", got)
				}
			}
			await(t, "the log has all", func() bool { return m.Metrics().LogTuples == 3 && m.Metrics().LogHeld == 0 })
			if got := logged(t, store); !slices.Equal(got, []string{"one", "two", "three"}) {
				t.Errorf("the log has %q", got)
			}
		})
	}
}

// TestDurableFramesTakeCredit has a spout send as much as it may: it gets no more credit before the disk has it.
func TestDurableFramesTakeCredit(t *testing.T) {
	for name, d := range map[string]topology.Delivery{"tracked": tracked, "not tracked": {}} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			g := newGate()
			defer g.open()
			p := durablePlan(t, d, 1)
			m := startManager(t, Config{Plan: p, Container: 1, Store: openLog(t, g.FS), Credit: 64 << 10})
			dialTask(t, p, 2)
			spout := dialTask(t, p, 1)
			g.close()
			frame := own(t, p, 1, strings.Repeat("x", 100))
			for range 64<<10/len(frame) + 1 {
				spout.write(frame)
			}
			spout.write(wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Epoch: p.Epoch}))
			for {
				h, _ := spout.read()
				if h.Kind == wire.KindPong {
					break
				}
				t.Errorf("got %v while the disk had nothing", h.Kind)
			}
			if held := m.Metrics().LogHeld; held < 64<<10 {
				t.Errorf("%d bytes are held", held)
			}
			g.open()
			if h, _ := spout.read(); h.Kind != wire.KindCredit || h.Count == 0 {
				t.Errorf("got %+v once the disk had it", h)
			}
		})
	}
}

// TestDurableCopiesDoNotChangeTheLog has a stream of which two tasks get copies with edges of their own: the buffer is
// the log's, too.
func TestDurableCopiesDoNotChangeTheLog(t *testing.T) {
	leaktest.Check(t)
	fs := disktest.New()
	store := openLog(t, fs)
	p := durablePlan(t, tracked, 2)
	startManager(t, Config{Plan: p, Container: 1, Store: store})
	one, two, spout := dialTask(t, p, 2), dialTask(t, p, 3), dialTask(t, p, 1)
	tuple := append(wire.AppendRoot(wire.AppendEdge(nil, 5), 0, 1), '"', 0x2a, 0x1a, 0x28)
	tuple = append(tuple, strings.Repeat("y", 40)...)
	frame := wire.AppendHeader(nil, wire.Header{Kind: wire.KindData, Source: 1, Epoch: p.Epoch, Flags: wire.FlagAnchored})
	const n = 200 // large enough for the log to share the buffer
	for range n {
		frame = append(append(frame, '\n', byte(len(tuple))), tuple...)
	}
	wire.PutLengthCount(frame, uint32(len(frame)-wire.HeaderSize), n)
	body := slices.Clone(frame[wire.HeaderSize:])
	spout.write(frame)
	spout.end()
	for _, tt := range []*testTask{one, two} {
		if got := len(tt.wordsUntilEnd()); got != n {
			t.Errorf("task %d got %d words", tt.id, got)
		}
	}
	l, err := store.Log(wordLog)
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.NewReader(dlog.Offset(0), dlog.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.Body(), body) {
		t.Error("the log has other bytes than were emitted")
	}
}

// TestDurableGarbage has frames that are no batch: the link is refused and the log has nothing.
func TestDurableGarbage(t *testing.T) {
	leaktest.Check(t)
	store := openLog(t, disktest.New())
	p := durablePlan(t, tracked, 1)
	startManager(t, Config{Plan: p, Container: 1, Store: store})
	frame := own(t, p, 1, "word")
	for name, change := range map[string]func(b []byte){
		"count":  func(b []byte) { wire.PutLengthCount(b, uint32(len(b)-wire.HeaderSize), 2) },
		"record": func(b []byte) { b[wire.HeaderSize+1]++ },
	} {
		b := slices.Clone(frame)
		change(b)
		spout := dialTask(t, p, 1)
		spout.write(b)
		if got := spout.refused(); got.Code != wire.CodeMalformed {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := logged(t, store); len(got) != 0 {
		t.Errorf("the log has %q", got)
	}
}

// TestDurableConfig has managers that cannot keep the promise refuse.
func TestDurableConfig(t *testing.T) {
	p := durablePlan(t, tracked, 1)
	if _, err := New(Config{Plan: p, Container: 1}); err == nil || !strings.Contains(err.Error(), "Store is missing") {
		t.Errorf("without a store: %v", err)
	}
	store := openLog(t, disktest.New())
	for _, name := range []string{"naive", "heron2017"} {
		mode, err := ParseMode(name)
		if err != nil {
			t.Fatal(err)
		}
		var refused *DurableModeError
		if _, err := New(Config{Plan: p, Container: 1, Store: store, Mode: mode}); !errors.As(err, &refused) || refused.Mode != mode {
			t.Errorf("%s: %v", name, err)
		}
	}
	small, _, err := dlog.Open("/small", dlog.Options{FS: disktest.New(), MaxBatch: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	if _, err := New(Config{Plan: p, Container: 1, Store: small}); err == nil || !strings.Contains(err.Error(), "batches of Store") {
		t.Errorf("with small batches: %v", err)
	}
}
