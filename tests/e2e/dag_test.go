package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
)

// dag is a random topology. Everything about it, and about every tuple that
// flows through it, follows from the seed: what a tuple holds is a function of
// its stream and its id, and the ids that a bolt emits are a function of the id
// that it received.
type dag struct {
	seed  uint64
	nodes []node
	rows  int // that every spout task sends, a tuple of each stream
}

// node is a component.
type node struct {
	name    string
	spout   bool
	tasks   int
	first   uint32 // task id
	streams []stream
	inputs  []input
}

// stream is an output of a node: fields id, seq, and as many more as it has ranges.
type stream struct {
	name   string
	id     uint64   // of the stream, among all
	ranges []uint64 // numbers of different values
	uses   []use
}

// use is a subscription to a stream, as its source sees it.
type use struct {
	grouping router.Grouping
	salt     uint64 // of the choices of direct and custom grouping
	tasks    []uint32
}

// input is a subscription as the consumer sees it.
type input struct {
	node, stream int
	grouping     router.Grouping
	salt         uint64
	key          []int // ranges that it groups by
}

// Fields in front of the random ones.
const (
	fieldID = iota
	fieldSeq
	fieldRandom
)

// newDAG makes the random topology of a seed: one to two spouts, one to four bolts.
func newDAG(seed uint64) *dag {
	r := rand.New(rand.NewPCG(seed, 1))
	d := &dag{seed: seed, rows: 20 + r.IntN(1000)}
	spouts, bolts := 1+r.IntN(2), 1+r.IntN(4)
	next := uint32(1)
	for i := range spouts + bolts {
		n := node{name: fmt.Sprintf("n%d", i), spout: i < spouts, tasks: 1 + r.IntN(4), first: next}
		next += uint32(n.tasks)
		for s := range 1 + r.IntN(3) {
			st := stream{name: fmt.Sprintf("s%d", s), id: uint64(i*16 + s)}
			if s == 0 {
				st.name = topology.DefaultStream
			}
			for range r.IntN(5) {
				st.ranges = append(st.ranges, []uint64{1, 3, 20, 1 << 40}[r.IntN(4)])
			}
			n.streams = append(n.streams, st)
		}
		if !n.spout {
			n.inputs = d.randomInputs(r)
		}
		d.nodes = append(d.nodes, n)
		for k := range n.inputs {
			in := &n.inputs[k]
			src := &d.nodes[in.node].streams[in.stream]
			src.uses = append(src.uses, use{grouping: in.grouping, salt: in.salt, tasks: n.ids()})
		}
	}
	const most = 40_000 // tuples received in all; "all" grouping multiplies
	for d.rows > 1 && d.model().received() > most {
		d.rows /= 2
	}
	return d
}

// randomInputs subscribes to one to three streams of the nodes there are.
func (d *dag) randomInputs(r *rand.Rand) []input {
	var from [][2]int
	for i := range d.nodes {
		for s := range d.nodes[i].streams {
			from = append(from, [2]int{i, s})
		}
	}
	r.Shuffle(len(from), func(a, b int) { from[a], from[b] = from[b], from[a] })
	var inputs []input
	for _, f := range from[:min(len(from), 1+r.IntN(3))] {
		in := input{node: f[0], stream: f[1], salt: r.Uint64(), grouping: router.Grouping(r.IntN(int(router.Custom) + 1))}
		if in.grouping == router.Fields {
			in.key = r.Perm(len(d.nodes[f[0]].streams[f[1]].ranges))
			if len(in.key) == 0 {
				in.grouping = router.Shuffle
			} else {
				in.key = in.key[:1+r.IntN(len(in.key))]
			}
		}
		inputs = append(inputs, in)
	}
	return inputs
}

// options are the random options of a run: little batches, little queues.
func (d *dag) options(mode string) local.Options {
	r := rand.New(rand.NewPCG(d.seed, 2))
	size := func(least, most int) int { return least + r.IntN(r.IntN(most-least)+1) }
	o := local.Options{
		Mode: mode, Containers: 1 + r.IntN(3), TasksPerProcess: 1 + r.IntN(3), Seed: r.Uint64() | 1,
		MinBatch: size(64, 8<<10), MaxAge: time.Duration(1 + r.IntN(int(2*time.Millisecond))),
		LowMark: size(1, 16<<10), Window: size(64<<10, 128<<10),
	}
	o.MaxBatch = o.MinBatch + size(0, 32<<10)
	o.HighMark = o.LowMark + size(0, 16<<10)
	o.HardMark = o.HighMark + size(0, 16<<10)
	return o
}

func (n *node) ids() []uint32 {
	ids := make([]uint32, n.tasks)
	for i := range ids {
		ids[i] = n.first + uint32(i)
	}
	return ids
}

// String prints the topology for a failure.
func (d *dag) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows of every spout task\n", d.rows)
	for i := range d.nodes {
		n := &d.nodes[i]
		fmt.Fprintf(&b, "%s: tasks %v, %d streams\n", n.name, n.ids(), len(n.streams))
		for _, in := range n.inputs {
			src := &d.nodes[in.node]
			fmt.Fprintf(&b, "  from %s/%s by %v %v\n", src.name, src.streams[in.stream].name, in.grouping, in.key)
		}
	}
	return b.String()
}

// topology builds it.
func (d *dag) topology() (*topology.Topology, error) {
	b := topology.NewBuilder("dag")
	for i := range d.nodes {
		n := &d.nodes[i]
		opts := []topology.Option{topology.Parallelism(n.tasks)}
		for _, s := range n.streams {
			opts = append(opts, topology.OutputStream(s.name, s.fields()...))
		}
		for _, in := range n.inputs {
			opts = append(opts, d.subscribe(in))
		}
		if n.spout {
			b.Spout(n.name, func() topology.Spout { return &dagSpout{emitter: emitter{d: d, n: n}} }, opts...)
		} else {
			b.Bolt(n.name, func() topology.Bolt { return &dagBolt{emitter: emitter{d: d, n: n}} }, opts...)
		}
	}
	return b.Build()
}

func (d *dag) subscribe(in input) topology.Option {
	src := &d.nodes[in.node]
	s := &src.streams[in.stream]
	from := src.name + "/" + s.name
	switch in.grouping {
	case router.Fields:
		var key []string
		for _, f := range in.key {
			key = append(key, s.fields()[fieldRandom+f])
		}
		return topology.Fields(from, key...)
	case router.Custom:
		return topology.Custom(from, func(t *topology.Tuple, tasks, dst []uint32) []uint32 {
			id, err := t.Int(fieldID)
			if err != nil || t.Len() != fieldRandom+len(s.ranges) {
				panic(fmt.Sprintf("custom grouping saw a tuple of %d fields, %v", t.Len(), err))
			}
			return append(dst, customTasks(in.salt, uint64(id), tasks)...)
		})
	case router.LocalShuffle:
		return topology.LocalShuffle(from)
	case router.All:
		return topology.All(from)
	case router.Global:
		return topology.Global(from)
	case router.Direct:
		return topology.Direct(from)
	case router.None:
		return topology.None(from)
	default:
		return topology.Shuffle(from)
	}
}

func (s *stream) fields() []string {
	fields := []string{"id", "seq"}
	for i := range s.ranges {
		fields = append(fields, fmt.Sprintf("x%d", i))
	}
	return fields
}

// mix is a hash of numbers (the finalizer of SplitMix64, chained).
func mix(parts ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, p := range parts {
		h += p + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// directTask is the task that the emitter names for direct grouping.
func directTask(salt, id uint64, tasks []uint32) uint32 {
	return tasks[mix(salt, id)%uint64(len(tasks))]
}

// customTasks are those that the custom function chooses: none, one, two, or all.
func customTasks(salt, id uint64, tasks []uint32) []uint32 {
	h := mix(salt, id)
	i := int(h >> 8 % uint64(len(tasks)))
	switch h % 4 {
	case 0:
		return nil
	case 1:
		return tasks[i : i+1]
	case 2:
		two := []uint32{tasks[i], tasks[(i+1)%len(tasks)]}
		return slices.Compact(two)
	default:
		return tasks
	}
}

// spoutID is the id of a tuple that a spout task sends.
func spoutID(s *stream, task uint32, row int) uint64 { return mix(s.id, uint64(task), uint64(row)) }

// derived are the ids of the tuples that a bolt emits on s for one it received: none, one or two.
func derived(s *stream, from *stream, id uint64) []uint64 {
	switch h := mix(s.id, from.id, id); h % 4 {
	case 0:
		return nil
	case 1:
		return []uint64{mix(h, 1), mix(h, 2)}
	default:
		return []uint64{h}
	}
}

// key is what a tuple has in the given fields, as a comparable thing.
func (s *stream) key(id uint64, fields []int) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%d ", s.pick(id, f))
	}
	return b.String()
}

// pick is the number, below the field's range, of the value that a tuple has in a random field.
func (s *stream) pick(id uint64, field int) uint64 { return mix(id, uint64(field)) % s.ranges[field] }
