package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/ardea-stream/ardea/profiles"
)

// guides are the runs whose profiles guide the compiler: the frames pass one
// stream manager whole, are dealt out by key, pass two, and hold longer tuples;
// some are tracked, from the spout to the bolt and anchored over two hops. All
// modes are among them, so that none is favored.
var guides = []struct {
	workload          string
	containers, tasks int
	guarantee         Guarantee
}{
	{RandomWords, 1, 1, AtMostOnce},
	{RandomWords, 2, 2, AtMostOnce},
	{Sentences, 2, 2, AtMostOnce},
	{RandomWords, 1, 1, AtLeastOnce},
	{Sentences, 2, 2, AtLeastOnce},
}

// RecordPGO runs some workloads in c.Modes (nil means naive, heron2017 and
// optimized), each for c.Duration, and writes the CPU profiles of all processes
// to w as one, for the compiler. Of c it uses Modes, Duration, WarmUp,
// ChildArgs, Words, Seed and what concerns messages. The error is that of
// ProfileModes, profiles.Merge, or of w.
func RecordPGO(ctx context.Context, c Config, w io.Writer) error {
	dir, err := os.MkdirTemp("", "ardea-pgo-")
	if err != nil {
		return fmt.Errorf("bench: folder for profiles: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, g := range guides {
		one := c
		one.Workload = Spec{Workload: g.workload, Spouts: g.tasks, Bolts: g.tasks}
		one.Containers, one.ProfileDir, one.Limits, one.Guarantees = g.containers, dir, []string{}, []Guarantee{g.guarantee}
		if _, err := ProfileModes(ctx, one); err != nil {
			return err
		}
	}
	paths, err := profilesIn(dir)
	if err != nil {
		return err
	}
	return profiles.Merge(w, paths)
}

// profilesIn lists the CPU profiles in a folder and those below.
func profilesIn(dir string) (paths []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".pprof") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bench: profiles: %w", err)
	}
	return paths, nil
}

// PGOReport says what building with a profile gains.
type PGOReport struct {
	Gains   []PGOGain `json:"gains"`
	Runs    []Run     `json:"runs"` // those without a profile have "-pgo" behind their mode
	Machine Machine   `json:"machine"`
}

// PGOGain compares the throughput of two builds in one mode.
type PGOGain struct {
	Mode    string `json:"mode"`
	With    Stat   `json:"with_tuples_per_second"`
	Without Stat   `json:"without_tuples_per_second"`
	// Gain is the ratio of with to without in each repeat.
	Gain Stat `json:"gain"`
	// CPUGain is that of the tuples for each second of CPU time.
	CPUGain Stat `json:"cpu_gain"`
	// P is that of a PairTest of the throughputs.
	P float64 `json:"p"`
}

// errNoPGO says that there is nothing to compare with.
var errNoPGO = errors.New("bench: NoPGO is missing: give this program built with -pgo=off")

// ComparePGO runs the workload in c.Modes (nil means naive, heron2017 and
// optimized) with this program and with c.NoPGO in turn, as often as c.Repeat
// says. What was measured so far is returned with an error too; it is nil only
// if c is not valid. The error is as with MeasureThroughput.
func ComparePGO(ctx context.Context, c Config) (*PGOReport, error) {
	c.Limits, c.Factors = []string{}, []string{}
	if c.NoPGO == "" {
		return nil, errNoPGO
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{naive, "heron2017", optimized}, nil)
	var variants []variant
	for _, mode := range c.Modes {
		variants = append(variants, variant{name: mode, mode: mode}, variant{name: withoutPGO(mode), mode: mode, program: c.NoPGO})
	}
	s := c.section(KindThroughput, c.Workload)
	p := steps{progress: c.Progress, of: c.Repeat * len(variants)}
	var err error
	for repeat := 1; repeat <= c.Repeat && err == nil; repeat++ {
		err = c.runVariants(ctx, s, &p, variants, repeat)
	}
	r := &PGOReport{Gains: []PGOGain{}, Runs: s.Runs, Machine: ThisMachine()}
	for _, mode := range c.Modes {
		if g := gainOf(mode, s.Runs); g.Gain.N > 0 {
			r.Gains = append(r.Gains, g)
		}
	}
	return r, err
}

func withoutPGO(mode string) string { return mode + "-" + factorPGO }

// gainOf compares the runs of a mode, as many on both sides.
func gainOf(mode string, runs []Run) PGOGain {
	var with, without, gain, cpu []float64
	for i := range runs {
		if runs[i].Mode != mode {
			continue
		}
		for k := range runs {
			if runs[k].Mode != withoutPGO(mode) || runs[k].Repeat != runs[i].Repeat {
				continue
			}
			a, b := &runs[i].Cost, &runs[k].Cost
			with, without = append(with, a.TuplesPerSecond), append(without, b.TuplesPerSecond)
			gain = append(gain, ratio(a.TuplesPerSecond, b.TuplesPerSecond))
			cpu = append(cpu, ratio(a.TuplesPerCPUSecond, b.TuplesPerCPUSecond))
		}
	}
	return PGOGain{
		Mode: mode, With: NewStat(with), Without: NewStat(without), Gain: NewStat(gain), CPUGain: NewStat(cpu),
		P: MannWhitney(with, without),
	}
}

// WriteJSON writes the report as indented JSON.
func (r *PGOReport) WriteJSON(w io.Writer) error { return writeJSON(w, r) }

// WriteTable writes the gains for people.
func (r *PGOReport) WriteTable(w io.Writer) error {
	var b strings.Builder
	rows := [][]string{{"", "with profile", "without", "gain", "95 % interval", "gain per CPU-s", "p"}}
	for i := range r.Gains {
		g := &r.Gains[i]
		interval := "-"
		if g.Gain.N > 1 {
			interval = percent(g.Gain.Low) + " to " + percent(g.Gain.High)
		}
		rows = append(rows, []string{
			g.Mode, amount(g.With.Median), amount(g.Without.Median), percent(g.Gain.Median), interval,
			percent(g.CPUGain.Median), fmt.Sprintf("%.3f", g.P),
		})
	}
	writeRows(&b, rows)
	writeNotes(&b, []string{
		"Tuples a second; medians, of gains those of the repeats. An interval that holds 0 shows no gain.",
		r.Machine.String(),
	})
	_, err := io.WriteString(w, b.String())
	return err
}

// percent writes a ratio as a change.
func percent(r float64) string {
	if r == 0 || math.IsInf(r, 0) {
		return "-"
	}
	return fmt.Sprintf("%+.1f %%", 100*(r-1))
}
