package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/dataplane"
)

// workloadOptions are the flags that choose a workload.
type workloadOptions struct {
	workload   string
	size, keys int
	skew       float64
	plainMap   bool
}

func (o *benchOptions) addModes(f *pflag.FlagSet, standard string) {
	usage := "measure the `MODES`, separated by commas: " + strings.Join(dataplane.Modes, ", ") +
		", naive with any of +pool, +inplace, +lazy, or optimized without what ardea bench ablation -h lists, as in optimized-hash"
	f.StringSliceVar(&o.modes, "modes", strings.Split(standard, ","), usage)
}

func (o *benchOptions) addWorkload(f *pflag.FlagSet) {
	w := &o.workload
	f.StringVar(&w.workload, "workload", bench.RandomWords, "run the workload `NAME`")
	f.IntVar(&w.size, "size", 0, "let long words have `N` letters, payloads N bytes (default: the workload's)")
	f.IntVar(&w.keys, "keys", 0, "draw from `N` different keys (default: the workload's)")
	f.Float64Var(&w.skew, "skew", 0, "draw by Zipf's law with exponent `S` (default: the workload's)")
	f.BoolVar(&w.plainMap, "map", false, "count with a plain Go map, in the fused loop too")
}

func (o *benchOptions) addGuarantees(f *pflag.FlagSet) {
	f.StringSliceVar(&o.guarantees, "guarantee", nil,
		"run with the `GUARANTEES` at-most-once or at-least-once, or with both, separated by a comma, in turn (default at-most-once)")
	f.IntVar(&o.pending, "pending", 0, "let up to `N` tuples of a spout task be tracked at a time (0: the engine's default)")
}

// promises returns the guarantees that the flags ask for, nil for the default.
func (o *benchOptions) promises() ([]bench.Guarantee, error) {
	var all []bench.Guarantee
	for _, name := range o.guarantees {
		if !slices.Contains(bench.Guarantees(), bench.Guarantee(name)) {
			return nil, usagef("--guarantee %s: use %s or %s", name, bench.AtMostOnce, bench.AtLeastOnce)
		}
		all = append(all, bench.Guarantee(name))
	}
	return all, nil
}

// workloadTable lists the workloads that run as fast as possible.
func workloadTable() string {
	var b strings.Builder
	for _, w := range bench.Workloads() {
		if w.Name != bench.Latency {
			b.WriteString("  " + w.Name + strings.Repeat(" ", 13-len(w.Name)) + w.Text + "\n")
		}
	}
	return b.String()
}

func (o *benchOptions) addTasks(f *pflag.FlagSet) {
	f.IntVar(&o.containers, "containers", 1, "run `N` stream managers, the tasks dealt to them in turn")
	f.IntVar(&o.spouts, "spouts", 0, "run `N` tasks that send (default 1)")
	f.IntVar(&o.bolts, "bolts", 0, "run `N` tasks of each bolt (default: the workload's, mostly 1)")
	f.IntVar(&o.tasksPerProcess, "tasks-per-process", 1, "let up to `N` tasks share a process")
	f.BoolVar(&o.inProcess, "in-process", false, "run everything in this process, for profiles")
}

func (o *benchOptions) addWords(f *pflag.FlagSet) {
	f.IntVar(&o.words, "words", 0, "draw from `N` different words (default: the workload's, "+strconv.Itoa(bench.DefaultWords)+" random ones)")
	f.Uint64Var(&o.seed, "seed", 1, "draw other words for another `N`")
}

func (o *benchOptions) addWindow(f *pflag.FlagSet, standard time.Duration) {
	o.addDuration(f, standard)
	f.IntVar(&o.repeat, "repeat", 4, "measure everything `N` times, in turn")
	f.StringVar(&o.json, "json", "", "write the report to `FILE`")
}

func (o *benchOptions) addDuration(f *pflag.FlagSet, standard time.Duration) {
	f.DurationVar(&o.duration, "duration", standard, "measure for `TIME` in every run")
	f.DurationVar(&o.warmUp, "warm-up", bench.DefaultWarmUp, "let a run become steady for up to `TIME` before")
}

func (o *benchOptions) addRates(f *pflag.FlagSet, rates, loads string) {
	f.Float64SliceVar(&o.rates, "rate", nil, "send `N` tuples a second; several rates are separated by commas"+rates)
	f.Lookup("rate").DefValue = "" // the usage says what happens without it
	f.Float64SliceVar(&o.loads, "load", nil, "send at `SHARES` of the capacity, which is measured before, such as 0.1,0.5,0.9"+loads)
	f.Lookup("load").DefValue = ""
}

// aboveZero are flags for which zero is no default but a mistake when it is given.
var aboveZero = []string{
	"containers", "spouts", "bolts", "words", "pending", "size", "keys", "skew", "repeat", "tasks-per-process", "duration", "warm-up",
}

// notEmpty are lists that have to have something in them when they are given.
var notEmpty = []string{"modes", "rate", "load", "bound", "guarantee", "sections", "factors"}

// checkGiven refuses values that a library would take for "nothing was said".
func checkGiven(f *pflag.FlagSet) error {
	for _, name := range aboveZero {
		if flag := f.Lookup(name); flag != nil && flag.Changed && isZero(flag.Value.String()) {
			return usagef("--%s %s: it must be above 0; leave it out for the default", name, flag.Value)
		}
	}
	for _, name := range notEmpty {
		flag := f.Lookup(name)
		if flag == nil || !flag.Changed {
			continue
		}
		list, ok := flag.Value.(pflag.SliceValue)
		if !ok {
			continue
		}
		values := list.GetSlice()
		if len(values) == 0 {
			return usagef("--%s has nothing in it: name one, or leave it out for the default", name)
		}
		for _, v := range values {
			if strings.TrimSpace(v) == "" {
				return usagef("--%s has an empty entry: separate entries by single commas", name)
			}
		}
	}
	return nil
}

// checkNames refuses names of files that begin with a dash: mostly the value of
// a flag was forgotten, and the next flag taken for it.
func checkNames(f *pflag.FlagSet) error {
	var err error
	f.Visit(func(flag *pflag.Flag) {
		kind, _ := pflag.UnquoteUsage(flag)
		value := flag.Value.String()
		if slices.Contains([]string{"FILE", "DIR", "PROGRAM"}, kind) && strings.HasPrefix(value, "-") {
			err = usagef("--%s has the value %s, which begins with a dash, so its own value seems to be missing: "+
				"give one, or write ./%s if that is its name", flag.Name, value, value)
		}
	})
	return err
}

// isZero reports whether a number or a time is zero.
func isZero(value string) bool {
	n, err := strconv.ParseFloat(value, 64)
	return err == nil && n == 0 || value == "0s"
}
