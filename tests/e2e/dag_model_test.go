package e2e

import (
	"cmp"
	"encoding/binary"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/router"
)

var (
	flagSeed = flag.Uint64("seed", 0, "run the random topology of this seed only")
	flagRuns = flag.Int("runs", 0, "run this number of random topologies, others every time; 0 = a few, always the same")
)

// bag is a multiset of tuple ids.
type bag map[uint64]int

func (b bag) add(id uint64, n int) { b[id] += n }

func (b bag) size() int {
	n := 0
	for _, count := range b {
		n += count
	}
	return n
}

// diff describes the first few differences between two bags; empty if there are none.
func (b bag) diff(want bag) string {
	text, n := "", 0
	note := func(id uint64) {
		if n++; n <= 5 && b[id] != want[id] {
			text += fmt.Sprintf("\n  %016x %d times, want %d", id, b[id], want[id])
		}
	}
	for id, count := range want {
		if b[id] != count {
			note(id)
		}
	}
	for id := range b {
		if want[id] == 0 {
			note(id)
		}
	}
	if n > 0 {
		text += fmt.Sprintf("\n  %d ids in all, %d tuples of %d", n, b.size(), want.size())
	}
	return text
}

// expected is what a node must receive on an input.
type expected struct {
	all    bag            // by any task
	byTask map[uint32]bag // where the grouping decides it, else nil
}

// model is what must come out of a dag, found without the engine.
type model [][]expected // by node and input

func (m model) received() int {
	n := 0
	for _, inputs := range m {
		for _, in := range inputs {
			n += in.all.size()
		}
	}
	return n
}

// model computes what every node receives, in the order of the nodes, which is that of the streams.
func (d *dag) model() model {
	emitted := make([][]bag, len(d.nodes)) // by node and stream
	m := make(model, len(d.nodes))
	for i := range d.nodes {
		n := &d.nodes[i]
		for s := range n.streams {
			b := bag{}
			if n.spout {
				for _, task := range n.ids() {
					for row := range d.rows {
						b.add(spoutID(&n.streams[s], task, row), 1)
					}
				}
			}
			emitted[i] = append(emitted[i], b)
		}
		for _, in := range n.inputs {
			got := in.expect(emitted[in.node][in.stream], n.ids())
			m[i] = append(m[i], got)
			from := &d.nodes[in.node].streams[in.stream]
			for id, count := range got.all {
				for s := range n.streams {
					for _, next := range derived(&n.streams[s], from, id) {
						emitted[i][s].add(next, count)
					}
				}
			}
		}
	}
	return m
}

// expect divides what was emitted among the consumer's tasks.
func (in input) expect(emitted bag, tasks []uint32) expected {
	e := expected{all: bag{}}
	give := func(task uint32, id uint64, n int) {
		if e.byTask == nil {
			e.byTask = map[uint32]bag{}
			for _, t := range tasks {
				e.byTask[t] = bag{}
			}
		}
		e.byTask[task].add(id, n)
		e.all.add(id, n)
	}
	for id, n := range emitted {
		switch in.grouping {
		case router.All:
			for _, t := range tasks {
				give(t, id, n)
			}
		case router.Global:
			give(tasks[0], id, n)
		case router.Direct:
			give(directTask(in.salt, id, tasks), id, n)
		case router.Custom:
			for _, t := range customTasks(in.salt, id, tasks) {
				give(t, id, n)
			}
		default:
			e.all.add(id, n)
		}
	}
	return e
}

// compare checks what the tasks published against the model.
func (d *dag) compare(t *testing.T, r *local.Result) {
	t.Helper()
	for i, inputs := range d.model() {
		n := &d.nodes[i]
		for k, want := range inputs {
			in := n.inputs[k]
			from := &d.nodes[in.node].streams[in.stream]
			what := fmt.Sprintf("%s from %s/%s by %v", n.name, d.nodes[in.node].name, from.name, in.grouping)
			all, owner := bag{}, map[string]uint32{}
			for _, task := range n.ids() {
				got := bag{}
				for ids := r.Published[fmt.Sprintf("input-%d", k)][task]; len(ids) > 0; ids = ids[8:] {
					id := binary.LittleEndian.Uint64(ids)
					got.add(id, 1)
					all.add(id, 1)
					if in.grouping != router.Fields {
						continue
					}
					key := from.key(id, in.key)
					if other, seen := owner[key]; seen && other != task {
						t.Errorf("%s: key %s met in tasks %d and %d", what, key, other, task)
					}
					owner[key] = task
				}
				if want.byTask != nil {
					if diff := got.diff(want.byTask[task]); diff != "" {
						t.Errorf("%s, task %d: %s", what, task, diff)
					}
				}
			}
			if diff := all.diff(want.all); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
		for _, task := range n.ids() {
			if faults := r.Published["faults"][task]; len(faults) > 0 {
				t.Errorf("%s, task %d: %s", n.name, task, faults)
			}
		}
	}
}

// runDAG runs the random topology of a seed and checks everything about it.
func runDAG(t *testing.T, seed uint64, mode string, run func(*testing.T, spec, local.Options) *local.Result) {
	t.Helper()
	d := newDAG(seed)
	r := run(t, spec{Kind: "dag", Seed: seed}, d.options(mode))
	checkUndisturbed(t, r)
	d.compare(t, r)
	if t.Failed() {
		t.Logf("again: go test ./tests/e2e -run TestDAG -seed %d\n%v%+v", seed, d, d.options(mode))
	}
}

// seeds returns the seeds to run: that of -seed, as many fresh ones as -runs says, or else 1 to n.
func seeds(n int) []uint64 {
	if *flagSeed != 0 {
		return []uint64{*flagSeed}
	}
	var s []uint64
	for i := range uint64(cmp.Or(*flagRuns, n)) {
		if *flagRuns != 0 {
			i = mix(uint64(time.Now().UnixNano()), i) >> 40
		}
		s = append(s, i+1)
	}
	return s
}

// few is n, or less in checked builds, which are slow.
func few(n int) int {
	if invariants.Enabled {
		return n / 3
	}
	return n
}

// modes are all that there are, some combinations included.
func modes() []string {
	some := []string{"naive+pool", "naive+inplace", "naive+lazy", "optimized-hash", "optimized-writev-passthrough-reuse-drain-batch"}
	return append(some, dataplane.Modes...)
}

// TestDAGInProcess runs random topologies in this process, in every mode.
func TestDAGInProcess(t *testing.T) {
	leaktest.Check(t)
	for _, seed := range seeds(few(12)) {
		for _, mode := range modes() {
			t.Run(fmt.Sprintf("%s/seed=%d", mode, seed), func(t *testing.T) { runDAG(t, seed, mode, inside) })
		}
	}
}

// TestDAG runs random topologies in processes of their own.
func TestDAG(t *testing.T) {
	leaktest.Check(t)
	for i, seed := range seeds(few(12)) {
		mode := dataplane.Modes[i%len(dataplane.Modes)]
		t.Run(fmt.Sprintf("%s/seed=%d", mode, seed), func(t *testing.T) { runDAG(t, seed, mode, outside) })
	}
}
