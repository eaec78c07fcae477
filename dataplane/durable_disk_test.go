package dataplane

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// TestDurableFramesThatADiskRefuses has a full disk: what is tracked is told to be lost and does not pass, the rest passes.
func TestDurableFramesThatADiskRefuses(t *testing.T) {
	for name, d := range map[string]topology.Delivery{"tracked": tracked, "not tracked": {}} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			fs := disktest.New()
			store := openLog(t, fs)
			p := durablePlan(t, d, 1)
			m := startManager(t, Config{Plan: p, Container: 1, Store: store, Credit: 1 << 10})
			bolt, spout := dialTask(t, p, 2), dialTask(t, p, 1)
			spout.write(own(t, p, 1, "kept"))
			await(t, "the log has a word", func() bool { return m.Metrics().LogTuples == 1 })
			fs.Fail(disktest.Fault{Kind: disktest.OpWrite, K: 1, On: true, Err: syscall.ENOSPC})
			refused := []string{strings.Repeat("a", 100), strings.Repeat("b", 100), strings.Repeat("c", 100)} // enough for credit
			spout.write(own(t, p, 2, refused...))
			await(t, "the log refuses words", func() bool { return m.Metrics().LogFailed == 3 })
			want := append([]string{"kept"}, refused...)
			if d.Tracked() {
				want = want[:1]
				if h, _ := spout.read(); h.Kind != wire.KindLost || h.Dest != 1 {
					t.Fatalf("the spout was told %+v, not that tuples are lost", h)
				}
			}
			if h, _ := spout.read(); h.Kind != wire.KindCredit {
				t.Fatalf("the spout got %+v, no credit", h)
			}
			fs.Heal()
			spout.write(own(t, p, 5, "again"))
			spout.end()
			want = append(want, "again")
			if got := bolt.wordsUntilEnd(); !slices.Equal(got, want) {
				t.Errorf("the bolt got %q, want %q", got, want)
			}
			await(t, "the log has two words", func() bool { return m.Metrics().LogTuples == 2 })
			if got := logged(t, store); !slices.Equal(got, []string{"kept", "again"}) {
				t.Errorf("the log has %q", got)
			}
			if text := m.Metrics().LogError; !strings.Contains(text, "full") {
				t.Errorf("the figures say %q", text)
			}
		})
	}
}

// TestDurableFramesOnABrokenDisk has a sync fail. Where tuples are tracked the manager ends, and what it promised has not
// happened; else it goes on and counts.
func TestDurableFramesOnABrokenDisk(t *testing.T) {
	for name, d := range map[string]topology.Delivery{"tracked": tracked, "not tracked": {}} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			fs := disktest.New()
			p := durablePlan(t, d, 1)
			m, err := New(Config{Plan: p, Container: 1, Store: openLog(t, fs)})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- m.Run(ctx) }()
			<-m.Ready()
			bolt, spout := dialTask(t, p, 2), dialTask(t, p, 1)
			fs.Fail(disktest.Fault{Kind: disktest.OpSync, K: 1, On: true, Err: syscall.EIO})
			spout.write(own(t, p, 1, "word"))
			if d.Tracked() {
				var failed *LogError
				if err := <-ended; !errors.As(err, &failed) || failed.Log != wordLog || !errors.Is(err, dlog.ErrStopped) {
					t.Errorf("Run returned %v", err)
				}
				for {
					h, _, err := bolt.next()
					if err != nil {
						break
					}
					if h.Kind == wire.KindData {
						t.Error("a tuple has passed that is not on disk")
					}
				}
				return
			}
			await(t, "a failure", func() bool { return m.Metrics().LogFailed == 1 })
			spout.end()
			if got := bolt.wordsUntilEnd(); !slices.Equal(got, []string{"word"}) {
				t.Errorf("the bolt got %q", got)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
