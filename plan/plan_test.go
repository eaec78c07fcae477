package plan

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
)

var update = flag.Bool("update", false, "write the golden files anew")

type spout struct{}

func (spout) Open(context.Context, *topology.Task, *topology.Collector) error { return nil }
func (spout) Next() error                                                     { return topology.ErrIdle }
func (spout) Close() error                                                    { return nil }

type bolt struct{}

func (bolt) Open(context.Context, *topology.Task, *topology.Collector) error { return nil }
func (bolt) Execute(*topology.Tuple) error                                   { return nil }
func (bolt) Close() error                                                    { return nil }

func newSpout() topology.Spout { return spout{} }
func newBolt() topology.Bolt   { return bolt{} }

func choose(_ *topology.Tuple, _, dst []uint32) []uint32 { return dst }

func build(tb testing.TB, b *topology.Builder) *topology.Topology {
	tb.Helper()
	t, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// everything is a topology with every grouping, in which keys are shared.
func everything(tb testing.TB) *topology.Topology {
	tb.Helper()
	return build(tb, topology.NewBuilder("everything").
		Spout("lines", newSpout, topology.Parallelism(2), topology.Output("line", "number"), topology.OutputStream("late", "line")).
		Spout("clock", newSpout, topology.Output("time")).
		Bolt("split", newBolt, topology.Parallelism(3), topology.Shuffle("lines"), topology.LocalShuffle("lines/late"),
			topology.Output("word", "n", "lang")).
		Bolt("count", newBolt, topology.Parallelism(4), topology.Fields("split", "word"), topology.All("clock"), topology.Output("word", "count")).
		Bolt("langs", newBolt, topology.Parallelism(2), topology.Fields("split", "lang", "word")).
		Bolt("again", newBolt, topology.Fields("split", "word"), topology.None("lines/late")).
		Bolt("top", newBolt, topology.Global("count"), topology.Direct("split"), topology.Custom("lines", choose)))
}

func place(id uint32) (socket, address string) {
	return fmt.Sprintf("run/sm-%d.sock", id), fmt.Sprintf("127.0.0.1:%d", 7000+id)
}

func TestPrintedPlan(t *testing.T) {
	l := NewLogical(everything(t))
	p := New(l, PackRoundRobin(l, 3), 5, 0x0123456789abcdef, place)
	path := filepath.Join("testdata", "everything.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(p.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", p, want)
	}
	if !strings.HasPrefix(p.String(), l.String()) {
		t.Error("the physical plan does not begin with the logical one")
	}
}

func TestStreamsAndKeys(t *testing.T) {
	l := NewLogical(everything(t))
	split := l.Streams[3]
	if split.Name != topology.DefaultStream || l.Components[split.Component].Name != "split" {
		t.Fatalf("stream 3 is %s of component %d", split.Name, split.Component)
	}
	if want := [][]int{{0}, {2, 0}}; !reflect.DeepEqual(split.KeySets, want) {
		t.Errorf("keys of split are %v, want %v", split.KeySets, want)
	}
	for i, want := range map[int]int{3: 0, 4: 1, 5: 0} {
		if in := l.Components[i].Inputs[0]; in.Stream != 3 || in.KeyIndex != want || in.Grouping != router.Fields {
			t.Errorf("component %s has input %+v, want key %d", l.Components[i].Name, in, want)
		}
	}
}

func TestComponentOf(t *testing.T) {
	l := NewLogical(everything(t))
	task := uint32(0)
	for i := range l.Components {
		c := &l.Components[i]
		for _, id := range c.TaskIDs() {
			task++
			if id != task || l.ComponentOf(id) != c {
				t.Errorf("task %d belongs to %v, want task %d of %s", id, l.ComponentOf(id), task, c.Name)
			}
		}
	}
	for _, id := range []uint32{0, task + 1, 1<<32 - 1} {
		if c := l.ComponentOf(id); c != nil {
			t.Errorf("task %d belongs to %s", id, c.Name)
		}
	}
	if l.TaskCount() != int(task) || task != 14 {
		t.Errorf("%d tasks, counted %d", l.TaskCount(), task)
	}
}

func TestContainerOf(t *testing.T) {
	l := NewLogical(everything(t))
	p := New(l, [][]uint32{{1, 3, 5}, {2, 4}, {6, 7}}, 1, 1, place) // some tasks have no place
	for task, want := range map[uint32]uint32{1: 1, 3: 1, 5: 1, 2: 2, 4: 2, 6: 3, 7: 3, 0: 0, 8: 0, 14: 0, 15: 0, 1<<32 - 1: 0} {
		c := p.ContainerOf(task)
		if want == 0 && c != nil || want != 0 && (c == nil || c.ID != want) {
			t.Errorf("task %d is in %+v, want container %d", task, c, want)
		}
	}
	for _, id := range []uint32{0, 4, 1<<32 - 1} {
		if c := p.Container(id); c != nil {
			t.Errorf("container %d is %+v", id, c)
		}
	}
	q := p.Addresses(func(id uint32) (string, string) { return fmt.Sprint("socket", id), fmt.Sprint("address", id) })
	if c := q.ContainerOf(4); c.ID != 2 || c.Socket != "socket2" || c.Address != "address2" || p.Container(2).Socket != "run/sm-2.sock" {
		t.Errorf("other addresses: %+v, before %+v", c, p.Container(2))
	}
}

func TestPackRoundRobin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := topology.NewBuilder("t").Spout("s", newSpout, topology.Output("x"), topology.Parallelism(rapid.IntRange(1, 20).Draw(t, "spouts")))
		for i := range rapid.IntRange(0, 4).Draw(t, "bolts") {
			b.Bolt(fmt.Sprint("b", i), newBolt, topology.Shuffle("s"), topology.Parallelism(rapid.IntRange(1, 20).Draw(t, "parallelism")))
		}
		top, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		l := NewLogical(top)
		n := rapid.IntRange(-1, 50).Draw(t, "containers")
		packed := PackRoundRobin(l, n)
		if want := max(1, min(n, l.TaskCount())); len(packed) != want {
			t.Fatalf("%d containers, want %d", len(packed), want)
		}
		seen := map[uint32]bool{}
		for _, tasks := range packed {
			if even := l.TaskCount() / len(packed); len(tasks) < even || len(tasks) > even+1 || !slices.IsSorted(tasks) {
				t.Fatalf("%d tasks in %d containers, one has %v", l.TaskCount(), len(packed), tasks)
			}
			for _, task := range tasks {
				if l.ComponentOf(task) == nil || seen[task] {
					t.Fatalf("task %d is unknown or packed twice", task)
				}
				seen[task] = true
			}
		}
		for i := range l.Components { // each component's tasks are spread, too
			c := &l.Components[i]
			for k, tasks := range packed {
				got := 0
				for _, task := range tasks {
					if l.ComponentOf(task) == c {
						got++
					}
				}
				if even := c.Tasks / len(packed); got < even || got > even+1 {
					t.Fatalf("container %d has %d of the %d tasks of %s", k+1, got, c.Tasks, c.Name)
				}
			}
		}
		if len(seen) != l.TaskCount() {
			t.Fatalf("%d of %d tasks are packed", len(seen), l.TaskCount())
		}
	})
}

func TestTable(t *testing.T) {
	l := NewLogical(everything(t))
	p := New(l, PackRoundRobin(l, 2), 1, 1, place)
	table := p.Table(2)
	var got []string
	for i, consumers := range table {
		for _, c := range consumers {
			got = append(got, fmt.Sprintf("%d %v key %d tasks %v local %v owners %v", i, c.Grouping, c.KeyIndex, c.Tasks, c.Local, c.Owners != nil))
		}
	}
	want := []string{
		"0 shuffle key 0 tasks [4 5 6] local [true false true] owners false",
		"0 custom key 0 tasks [14] local [true] owners false",
		"1 local-shuffle key 0 tasks [4 5 6] local [true false true] owners false",
		"1 none key 0 tasks [13] local [false] owners false",
		"2 all key 0 tasks [7 8 9 10] local [false true false true] owners false",
		"3 fields key 0 tasks [7 8 9 10] local [false true false true] owners true",
		"3 fields key 1 tasks [11 12] local [false true] owners true",
		"3 fields key 0 tasks [13] local [false] owners true",
		"3 direct key 0 tasks [14] local [true] owners false",
		"4 global key 0 tasks [14] local [true] owners false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(p.Table(99)) != len(l.Streams) {
		t.Error("a container that is not there has no table")
	}
}

func TestUpstreamAndFeeders(t *testing.T) {
	l := NewLogical(everything(t))
	p := New(l, PackRoundRobin(l, 1), 1, 1, place)
	for _, tc := range []struct {
		task              uint32
		upstream, feeders []uint32
	}{
		{1, nil, nil},
		{4, []uint32{1, 2}, []uint32{1, 2}},
		{8, []uint32{1, 2, 3}, []uint32{3, 4, 5, 6}},
		{11, []uint32{1, 2}, []uint32{4, 5, 6}},
		{13, []uint32{1, 2}, []uint32{1, 2, 4, 5, 6}},
		{14, []uint32{1, 2, 3}, []uint32{1, 2, 4, 5, 6, 7, 8, 9, 10}},
		{0, nil, nil},
		{15, nil, nil},
	} {
		if got := p.Upstream(tc.task); !slices.Equal(got, tc.upstream) {
			t.Errorf("spouts upstream of task %d are %v, want %v", tc.task, got, tc.upstream)
		}
		if got := p.Feeders(tc.task); !slices.Equal(got, tc.feeders) {
			t.Errorf("tasks that feed task %d are %v, want %v", tc.task, got, tc.feeders)
		}
	}
}

func TestFingerprint(t *testing.T) {
	base := func() *topology.Builder {
		return topology.NewBuilder("t").Spout("s", newSpout, topology.Output("a", "b"), topology.OutputStream("o", "a"))
	}
	one := NewLogical(build(t, base().Bolt("x", newBolt, topology.Fields("s", "a")))).Fingerprint
	if two := NewLogical(build(t, base().Bolt("x", newBolt, topology.Fields("s", "a")))).Fingerprint; two != one {
		t.Error("the same topology has two fingerprints")
	}
	seen := map[uint64]string{one: "the base"}
	for name, b := range map[string]*topology.Builder{
		"other field":       base().Bolt("x", newBolt, topology.Fields("s", "b")),
		"other order":       base().Bolt("x", newBolt, topology.Fields("s", "b", "a")),
		"other grouping":    base().Bolt("x", newBolt, topology.Shuffle("s")),
		"other stream":      base().Bolt("x", newBolt, topology.Fields("s/o", "a")),
		"other name":        base().Bolt("y", newBolt, topology.Fields("s", "a")),
		"other parallelism": base().Bolt("x", newBolt, topology.Fields("s", "a"), topology.Parallelism(2)),
		"another output":    base().Bolt("x", newBolt, topology.Fields("s", "a"), topology.Output("z")),
		"another component": base().Bolt("x", newBolt, topology.Fields("s", "a")).Spout("s2", newSpout),
	} {
		f := NewLogical(build(t, b)).Fingerprint
		if other, dup := seen[f]; dup {
			t.Errorf("%s has the fingerprint of %s", name, other)
		}
		seen[f] = name
	}
}

// randomPlan draws a plan of a random topology.
func randomPlan(t *rapid.T) *Plan {
	b := topology.NewBuilder("random")
	type stream struct {
		from   string
		fields []string
	}
	var streams []stream
	outputs := func(component string) []topology.Option {
		var opts []topology.Option
		for i := range rapid.IntRange(0, 3).Draw(t, "streams") {
			s := stream{from: fmt.Sprintf("%s/s%d", component, i)}
			for f := range rapid.IntRange(0, 4).Draw(t, "fields") {
				s.fields = append(s.fields, fmt.Sprint("f", f))
			}
			streams = append(streams, s)
			opts = append(opts, topology.OutputStream(fmt.Sprint("s", i), s.fields...))
		}
		return append(opts, topology.Parallelism(rapid.IntRange(1, 5).Draw(t, "parallelism")))
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "spouts") {
		name := fmt.Sprint("spout", i)
		b.Spout(name, newSpout, append(outputs(name), topology.OutputStream("always", "x", "y"))...)
		streams = append(streams, stream{name + "/always", []string{"x", "y"}})
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "bolts") {
		inputs := rapid.SliceOfNDistinct(rapid.IntRange(0, len(streams)-1), 1, 4, rapid.ID[int]).Draw(t, "inputs")
		var opts []topology.Option
		for _, in := range inputs {
			s := streams[in]
			grouping := rapid.SampledFrom([]func(string) topology.Option{
				topology.Shuffle, topology.LocalShuffle, topology.All, topology.Global, topology.Direct, topology.None,
				func(from string) topology.Option { return topology.Custom(from, choose) },
			}).Draw(t, "grouping")
			if len(s.fields) > 0 && rapid.Bool().Draw(t, "keyed") {
				key := rapid.SliceOfNDistinct(rapid.SampledFrom(s.fields), 1, len(s.fields), rapid.ID[string]).Draw(t, "key")
				grouping = func(from string) topology.Option { return topology.Fields(from, key...) }
			}
			opts = append(opts, grouping(s.from))
		}
		name := fmt.Sprint("bolt", i)
		b.Bolt(name, newBolt, append(outputs(name), opts...)...)
	}
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	l := NewLogical(top)
	return New(l, PackRoundRobin(l, rapid.IntRange(1, 8).Draw(t, "containers")), rapid.Uint32().Draw(t, "epoch"), rapid.Uint64().Draw(t, "seed"), place)
}

func TestMarshalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		q, err := Unmarshal(b)
		if err != nil {
			t.Fatalf("%v\n%s", err, p)
		}
		if !reflect.DeepEqual(p, q) {
			t.Fatalf("wrote\n%s\nread\n%s", p, q)
		}
		if again, err := q.Marshal(); err != nil || !bytes.Equal(b, again) {
			t.Fatalf("other bytes the second time: %v", err)
		}
	})
}

func TestUnmarshalTakesNothingElse(t *testing.T) {
	l := NewLogical(everything(t))
	b, err := New(l, PackRoundRobin(l, 3), 5, 7, place).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if p, err := Unmarshal(b[:n]); err == nil {
			t.Fatalf("cut at %d of %d it is a plan:\n%s", n, len(b), p)
		} else {
			checkInvalid(t, p, err)
		}
	}
	if p, err := Unmarshal([]byte("no plan")); err == nil {
		t.Errorf("text is a plan:\n%s", p)
	}
}

func checkInvalid(t *testing.T, p *Plan, err error) {
	t.Helper()
	var ie *InvalidPlanError
	if p != nil || !errors.As(err, &ie) || !strings.HasPrefix(err.Error(), "plan: not a valid plan: ") {
		t.Fatalf("plan %v with error %v", p, err)
	}
}
