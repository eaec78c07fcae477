package profiles_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/profiles"
)

func TestSummaryAddsUpProcesses(t *testing.T) {
	all := summarize(t, nil, "optimized", recordedRoles...)
	seconds, want := 0.0, 0.0
	for _, role := range recordedRoles {
		want += recorded(t, "optimized", role).CPUSeconds()
	}
	for _, share := range all.Shares {
		seconds += share.Seconds
	}
	if math.Abs(all.CPUSeconds-want) > 1e-9 || math.Abs(seconds-want) > 1e-9 {
		t.Errorf("%v s, shares of %v s, want %v s", all.CPUSeconds, seconds, want)
	}
	if want := all.CPUSeconds * 1e9 / 1e6; math.Abs(all.NanosPerTuple-want) > 1e-6 {
		t.Errorf("%v ns for each of a million tuples, want %v", all.NanosPerTuple, want)
	}
	if len(all.Files) != len(recordedRoles) || !strings.Contains(all.Files[0], "optimized-spouts") {
		t.Errorf("files %v", all.Files)
	}
}

func TestTopIsOfResponsibleFunctions(t *testing.T) {
	s := summarize(t, nil, "naive", "stream-managers")
	if !slices.IsSortedFunc(s.Top, func(a, b profiles.Function) int { return cmp.Compare(b.Share, a.Share) }) {
		t.Error("the costliest function is not the first")
	}
	count := map[profiles.Category]int{}
	sum := map[profiles.Category]float64{}
	for _, f := range s.Top {
		count[f.Category]++
		sum[f.Category] += f.Share
		if strings.HasPrefix(f.Name, "runtime.mapaccess") || strings.Contains(f.Name, "Syscall6") {
			t.Errorf("%s is listed, which works for its callers", f.Name)
		}
	}
	for c, n := range count {
		if n > 8 || sum[c] > shareOf(s, c)+1e-9 {
			t.Errorf("%s: %d functions with %v of %v", c, n, sum[c], shareOf(s, c))
		}
	}
	if count[profiles.Decode] == 0 || count[profiles.Allocate] == 0 || count[profiles.Ack] != 0 {
		t.Errorf("functions by category: %v", count)
	}
}

func TestFlameHoldsAllTime(t *testing.T) {
	for _, mode := range recordedModes {
		s := summarize(t, nil, mode, "stream-managers")
		if got, want := float64(s.Flame.Nanos)/1e9, s.CPUSeconds; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: flame of %v s, want %v s", mode, got, want)
		}
		frames, least := 0, s.Flame.Nanos
		var walk func(f *profiles.Frame)
		walk = func(f *profiles.Frame) {
			frames++
			least = min(least, f.Nanos)
			below := int64(0)
			for i, child := range f.Children {
				below += child.Nanos
				if i > 0 && child.Nanos > f.Children[i-1].Nanos {
					t.Errorf("%s: %s is not in its place", mode, child.Name)
				}
				walk(child)
			}
			if below > f.Nanos {
				t.Errorf("%s: %s has %d ns, what it calls %d", mode, f.Name, f.Nanos, below)
			}
			if f.Category == "" {
				t.Errorf("%s: %s has no category", mode, f.Name)
			}
		}
		walk(s.Flame)
		text, err := json.Marshal(s.Flame)
		if err != nil || frames < 20 || float64(least) < 0.003*float64(s.Flame.Nanos) || len(text) > 64<<10 {
			t.Errorf("%s: %d frames in %d bytes, the least with %d ns of %d, %v", mode, frames, len(text), least, s.Flame.Nanos, err)
		}
	}
}

func TestSummaryOfNothing(t *testing.T) {
	_, err := profiles.Summarize("naive", "bolts", nil, nil, 5)
	if !errors.Is(err, profiles.ErrNoSamples) || !strings.Contains(err.Error(), "bolts of naive") {
		t.Errorf("got %v", err)
	}
}

func TestExplainRanksByWhatThereIsToGain(t *testing.T) {
	s := summarize(t, nil, "naive", "stream-managers")
	hints := profiles.Explain(s)
	sum := 0.0
	for i, h := range hints {
		sum += h.NanosPerTuple
		if i > 0 && h.Share > hints[i-1].Share {
			t.Errorf("%s stands below %s", h.Category, hints[i-1].Category)
		}
		if h.Share < 0.01 || h.Advice == "" || len(h.Functions) == 0 || len(h.Functions) > 3 {
			t.Errorf("%+v", h)
		}
		for _, f := range h.Functions {
			if f.Category != h.Category {
				t.Errorf("%s names %s of %s", h.Category, f.Name, f.Category)
			}
		}
	}
	if sum > s.NanosPerTuple || sum < 0.9*s.NanosPerTuple {
		t.Errorf("hints of %v ns, the tuple takes %v", sum, s.NanosPerTuple)
	}
}

func TestExplainHasAdviceForEverything(t *testing.T) {
	for _, c := range profiles.Categories() {
		hints := profiles.Explain(profiles.Summary{Shares: []profiles.Share{{Category: c, Share: 1}}})
		if len(hints) != 1 || hints[0].Advice == "" {
			t.Errorf("%s: %+v", c, hints)
		}
	}
}

// TestDiffOfModes lays the naive mode beside the optimized one.
func TestDiffOfModes(t *testing.T) {
	d := profiles.Diff(summarize(t, nil, "naive", "stream-managers"), summarize(t, nil, "optimized", "stream-managers"))
	for _, delta := range d.Categories {
		if gone := delta.Category == profiles.Encode || delta.Category == profiles.GC; gone && delta.Change() >= 0 {
			t.Errorf("%s: %v to %v", delta.Category, delta.Before, delta.After)
		}
	}
	if math.Abs(d.Total.Before-d.Flame.Before) > 1e-6 || math.Abs(d.Total.After-d.Flame.After) > 1e-6 {
		t.Errorf("categories %+v, flame %v and %v", d.Total, d.Flame.Before, d.Flame.After)
	}
}
