package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// windowFile is where a run writes its window, in its folder, for its parts.
const windowFile = "window"

// partPoll is how often a part looks at the window. It is a fraction of latencyDelay.
const partPoll = latencyDelay / 6

// Spec is what a task in another process has to know of a run. It travels as JSON.
type Spec struct {
	Workload    string  `json:"workload"`
	Seed        uint64  `json:"seed"`
	Parallelism int     `json:"parallelism"`
	Rate        float64 `json:"rate"`
	Draws       uint64  `json:"draws"`
	Dir         string  `json:"dir"`
	Plant       string  `json:"plant"`
}

// Spec returns what the run's tasks have to know.
func (r *Run) Spec() Spec {
	return Spec{r.Workload, r.Seed, r.Parallelism, r.Rate, r.Draws, r.Dir, r.plant}
}

// Part returns a run for one task of a system with several processes; index is that of the task among those of its kind.
// Its sources stop when ctx ends, and it learns the window of latencies from the run's folder, by a goroutine that ends with
// ctx. Nothing is printed: the task hands its Summary to the adapter.
func (s Spec) Part(ctx context.Context, index int) (*Run, error) {
	list, err := words.NewList(s.Workload, s.Seed)
	if err != nil {
		return nil, err
	}
	now, err := bench.Monotonic()
	if err != nil {
		return nil, err
	}
	r := &Run{
		Workload: s.Workload, Seed: s.Seed, Parallelism: s.Parallelism, Rate: s.Rate, Draws: s.Draws, Dir: s.Dir,
		List: list, plant: s.Plant, part: index, now: now, stop: ctx,
	}
	r.begin.Store(never)
	r.end.Store(never)
	if s.Rate > 0 {
		go r.follow(ctx)
	}
	return r, nil
}

// follow reads the window until it has ended.
func (r *Run) follow(ctx context.Context) {
	poll := time.NewTicker(partPoll)
	defer poll.Stop()
	for r.end.Load() == never {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return
		}
		text, err := os.ReadFile(filepath.Join(r.Dir, windowFile))
		if err != nil {
			continue // it is not there yet
		}
		begin, end, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
		for _, one := range []struct {
			text string
			to   interface{ Store(int64) }
		}{{begin, &r.begin}, {end, &r.end}} {
			if n, err := strconv.ParseInt(one.text, 10, 64); err == nil {
				one.to.Store(n)
			}
		}
	}
}

// tellParts writes the window for the parts.
func (r *Run) tellParts() error {
	if r.Dir == "" {
		return nil
	}
	begin, end := r.Window()
	path := filepath.Join(r.Dir, windowFile)
	text := strconv.FormatInt(begin, 10) + " " + strconv.FormatInt(end, 10) + "\n"
	err := errors.Join(os.WriteFile(path+".new", []byte(text), 0o600), os.Rename(path+".new", path))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // the run is over, and its folder gone
	}
	return err
}

// Summary is what a part has done. It travels as JSON.
type Summary struct {
	contract.Result
	First int64 `json:"first"` // instant of the first count, 0 if there was none
}

// Summary returns what the part's sources and counters came to. It is to be called when they have ended.
func (r *Run) Summary() ([]byte, error) {
	s := Summary{Result: r.result()}
	for _, c := range r.counters {
		if c.since > 0 && (s.First == 0 || c.since < s.First) {
			s.First = c.since
		}
	}
	return json.Marshal(s)
}

// Merge adds up the summaries of parts.
func (r *Run) Merge(parts [][]byte) (*contract.Result, error) {
	res := &contract.Result{Drained: true}
	first := int64(math.MaxInt64)
	latency, pacer := newHistogram(), newHistogram()
	for _, text := range parts {
		var s Summary
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		res.Sources = append(res.Sources, s.Sources...)
		res.Counted += s.Counted
		res.Distinct += s.Distinct
		res.Foreign += s.Foreign
		res.Checksum += s.Checksum
		res.Table += s.Table
		res.Replayed += s.Replayed
		for _, b := range s.Latency {
			_ = latency.RecordValues(inRange(b[0]), b[1]) // fails only out of range
		}
		for _, b := range s.Pacer {
			_ = pacer.RecordValues(inRange(b[0]), b[1]) // fails only out of range
		}
		if s.First > 0 {
			first = min(first, s.First)
		}
	}
	if first < math.MaxInt64 {
		r.FirstResult(first)
	}
	slices.SortFunc(res.Sources, func(a, b contract.Source) int { return int(a.Seed) - int(b.Seed) })
	res.Latency, res.Pacer = bars(latency), bars(pacer)
	if r.readBack != nil {
		fill(res, r.sum([]*Counter{r.readBack}))
	}
	return res, nil
}
