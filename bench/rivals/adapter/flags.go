package adapter

import (
	"flag"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// parse reads the flags of run.
func parse(args []string, peers []Peer) (*Peer, *Run, error) {
	r := &Run{Settings: map[string]string{}}
	var name, variant, guarantee string
	var processes int
	var set []string
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&name, "peer", "", "")
	f.StringVar(&variant, "variant", "", "")
	f.StringVar(&r.Workload, "workload", words.Words175k, "")
	f.Uint64Var(&r.Seed, "seed", 1, "")
	f.IntVar(&r.Parallelism, "parallelism", 1, "")
	f.Float64Var(&r.Rate, "rate", 0, "")
	f.StringVar(&guarantee, "guarantee", "", "")
	f.IntVar(&processes, "processes", 0, "")
	f.Func("set", "", func(s string) error { set = append(set, s); return nil })
	f.StringVar(&r.Dir, "dir", "", "")
	f.Uint64Var(&r.Draws, "draws", 0, "")
	f.BoolVar(&r.generatorOnly, "generator-only", false, "")
	f.StringVar(&r.plant, "plant-wrong-count", "", "")
	if err := f.Parse(args); err != nil {
		return nil, nil, usagef("%w", err)
	}
	i := slices.IndexFunc(peers, func(p Peer) bool { return p.Peer == name && p.Variant == variant })
	if i < 0 || f.NArg() > 0 {
		return nil, nil, usagef("no peer %q with the variant %q, or too many arguments: see list", name, variant)
	}
	p := &peers[i]
	switch {
	case !slices.Contains(p.Workloads, r.Workload):
		return nil, nil, usagef("%s has no workload %q: use one of %s", p.Name(), r.Workload, strings.Join(p.Workloads, ", "))
	case guarantee != "" && guarantee != p.Guarantee || processes != 0 && processes != p.Processes:
		return nil, nil, usagef("%s has the guarantee %s and %d processes", p.Name(), p.Guarantee, p.Processes)
	case r.Parallelism < 1 || r.Parallelism > contract.MaxParallelism || r.Rate < 0:
		return nil, nil, usagef("a parallelism of %d and a rate of %g: the first must be 1 to %d, the second not negative", r.Parallelism, r.Rate, contract.MaxParallelism)
	case r.plant != "" && !slices.Contains(contract.Plants(), r.plant):
		return nil, nil, usagef("no wrong count %q: plant one of %s", r.plant, strings.Join(contract.Plants(), ", "))
	}
	maps.Copy(r.Settings, p.Allowed)
	for _, one := range set {
		key, value, _ := strings.Cut(one, "=")
		if _, known := p.Allowed[key]; !known {
			return nil, nil, usagef("%s has no setting %q: use one of %s", p.Name(), key, strings.Join(slices.Sorted(maps.Keys(p.Allowed)), ", "))
		}
		r.Settings[key] = value
	}
	var err error
	r.List, err = words.NewList(r.Workload, r.Seed)
	return p, r, err
}
