package journal

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// TestModel compares a journal with a slice of what was appended.
func TestModel(t *testing.T) {
	leaktest.Check(t)
	rapid.Check(t, func(t *rapid.T) {
		type placed struct {
			id uint64
			at Position
		}
		fs := disktest.New()
		var model []placed // all that is durable, released or not
		released, next := Position(0), uint64(0)
		reopen := func() *opened {
			j, err := open(small(fs))
			if err != nil {
				t.Fatal(err)
			}
			first := 0
			for first < len(model) && model[first].at < released && j.at[model[first].id] == 0 {
				first++
			}
			for _, p := range model[first:] {
				if j.at[p.id] != p.at {
					t.Fatalf("entry %d is at %v, want %v", p.id, j.at[p.id], p.at)
				}
			}
			if want := len(model) - first; len(j.at) != want {
				t.Fatalf("%d entries, want %d", len(j.at), want)
			}
			return j
		}
		j := reopen()
		defer func() { _ = j.Close() }()
		w := NewWaiter()
		appendOne := func(payload int) {
			next++
			e := made(next, payload)
			at, err := w.Append(j.Journal, &e, Disk)
			if err != nil {
				t.Fatal(err)
			}
			if len(model) > 0 && at <= model[len(model)-1].at {
				t.Fatalf("entry %d is at %v, the one before it at %v", next, at, model[len(model)-1].at)
			}
			model = append(model, placed{next, at})
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) { appendOne(rapid.IntRange(0, j.MaxPayload()).Draw(t, "payload")) },
			"append many": func(t *rapid.T) {
				for range rapid.IntRange(2, 10).Draw(t, "entries") {
					appendOne(rapid.IntRange(0, 300).Draw(t, "payload"))
				}
			},
			"close": func(t *rapid.T) {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = reopen()
				if len(model) > 0 && !j.report.Clean && len(j.at) > 0 && model[len(model)-1].at > j.report.End {
					t.Fatalf("the journal was closed: %+v", j.report)
				}
			},
			"crash": func(t *rapid.T) {
				left := fs.Crash(rapid.Uint64().Draw(t, "fate"))
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				fs = left
				j = reopen()
			},
			"release": func(t *rapid.T) {
				if len(model) == 0 {
					return
				}
				released = max(released, model[rapid.IntRange(0, len(model)-1).Draw(t, "entry")].at)
				j.Release(released)
			},
			"read": func(t *rapid.T) {
				kept := slices.DeleteFunc(slices.Clone(model), func(p placed) bool { return p.at.File() < released.File() })
				if len(kept) == 0 {
					return
				}
				p := rapid.SampledFrom(kept).Draw(t, "entry")
				e, err := j.Read(p.at)
				if err != nil || e.First != p.id || checkMade(e) != nil {
					t.Fatalf("entry %d at %v: %d, %v", p.id, p.at, e.First, err)
				}
			},
		})
	})
}
