package plan

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// message returns a plan of every grouping as a message.
func message(tb testing.TB) *wirepb.Plan {
	tb.Helper()
	l := NewLogical(everything(tb))
	b, err := New(l, PackRoundRobin(l, 3), 5, 7, place).Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	var m wirepb.Plan
	if err := proto.Unmarshal(b, &m); err != nil {
		tb.Fatal(err)
	}
	return &m
}

// TestFaultyPlans changes a good plan in one way each.
func TestFaultyPlans(t *testing.T) {
	const split, count, langs = 2, 3, 4
	for _, tc := range []struct {
		name   string
		change func(m *wirepb.Plan)
		want   string
	}{
		{"other fingerprint", func(m *wirepb.Plan) { m.Fingerprint++ }, "fingerprint"},
		{"other component name", func(m *wirepb.Plan) { m.Components[0].Name = "x" }, "fingerprint"},
		{"gap in the tasks", func(m *wirepb.Plan) { m.Components[1].FirstTask++ }, `component "clock" has tasks from 4`},
		{"component without tasks", func(m *wirepb.Plan) { m.Components[0].Tasks = 0 }, `component "lines" has tasks from 1, 0 of them`},
		{"too many tasks", func(m *wirepb.Plan) { m.Components[0].Tasks = 4097 }, "4097 of them"},
		{"tasks of all ones", func(m *wirepb.Plan) { m.Components[0].Tasks = 1<<32 - 1 }, "4294967295 of them"},
		{"stream of no component", func(m *wirepb.Plan) { m.Streams[0].Component = 99 }, "stream 0 belongs to component 99 of 7"},
		{"input of no stream", func(m *wirepb.Plan) { m.Components[split].Inputs[0].Stream = 5 }, "component 2 has an input of stream 5"},
		{"input of stream 2^16", func(m *wirepb.Plan) { m.Components[split].Inputs[0].Stream = 1 << 16 }, "an input of stream 65536"},
		{"unknown grouping", func(m *wirepb.Plan) { m.Components[split].Inputs[0].Grouping = 8 }, "by grouping 8"},
		{"grouping 256", func(m *wirepb.Plan) { m.Components[split].Inputs[0].Grouping = 256 }, "by grouping 256"},
		{"unknown field", func(m *wirepb.Plan) { m.Components[count].Inputs[0].Fields = []uint32{3} }, "groups by field 3 of 3"},
		{"no field", func(m *wirepb.Plan) { m.Components[count].Inputs[0].Fields = nil }, "groups stream 3 by fields and 0 fields"},
		{"field without a fields grouping", func(m *wirepb.Plan) { m.Components[split].Inputs[0].Fields = []uint32{0} }, "by shuffle and 1 fields"},
		{"key of other order", func(m *wirepb.Plan) { m.Components[langs].Inputs[0].KeyIndex = 0 }, "has key hash 0 in place of 1"},
		{"key without a fields grouping", func(m *wirepb.Plan) { m.Components[split].Inputs[0].KeyIndex = 1 }, "has key hash 1 in place of 0"},
		{"container out of order", func(m *wirepb.Plan) { m.Containers[0].Id = 2 }, "container 2 stands at place 1"},
		{"container 0", func(m *wirepb.Plan) { m.Containers[0].Id = 0 }, "container 0 stands at place 1"},
		{"unknown task", func(m *wirepb.Plan) { m.Containers[0].Tasks[0] = 15 }, "holds task 15, which is unknown"},
		{"task 0", func(m *wirepb.Plan) { m.Containers[0].Tasks[0] = 0 }, "holds task 0, which is unknown"},
		{"task placed twice", func(m *wirepb.Plan) { m.Containers[0].Tasks[0] = 2 }, "placed twice"},
		{"task without a place", func(m *wirepb.Plan) { m.Containers[0].Tasks = m.Containers[0].Tasks[1:] }, "13 of 14 tasks are placed"},
		{"no containers", func(m *wirepb.Plan) { m.Containers = nil }, "0 of 14 tasks are placed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := message(t)
			tc.change(m)
			b, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Unmarshal(b)
			checkInvalid(t, p, err)
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q in it", err, tc.want)
			}
		})
	}
	if router.Custom != 7 {
		t.Error("the numbers of groupings are part of the format")
	}
}

func TestTooLargePlans(t *testing.T) {
	var m wirepb.Plan
	for next := uint32(1); next <= 1<<16; next += 4096 {
		m.Components = append(m.Components, &wirepb.PlanComponent{Name: "c", FirstTask: next, Tasks: 4096})
	}
	m.Components = append(m.Components, &wirepb.PlanComponent{Name: "c", FirstTask: 1<<16 + 1, Tasks: 1})
	b, err := proto.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Unmarshal(b)
	checkInvalid(t, p, err)

	m.Components = m.Components[:1]
	for range 1 << 16 {
		m.Streams = append(m.Streams, &wirepb.PlanStream{Name: "s"})
	}
	if b, err = proto.Marshal(&m); err != nil {
		t.Fatal(err)
	}
	p, err = Unmarshal(b)
	checkInvalid(t, p, err)
	if !strings.Contains(err.Error(), "65536 streams") {
		t.Errorf("error is %v", err)
	}
}

func FuzzUnmarshal(f *testing.F) {
	b, err := proto.Marshal(message(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Unmarshal(b)
		if err != nil {
			checkInvalid(t, p, err)
			return
		}
		_ = p.String()
		for id := range uint32(len(p.Containers) + 2) {
			_ = p.Table(id)
		}
		for task := range uint32(p.TaskCount() + 2) {
			if (p.ComponentOf(task) == nil) != (p.ContainerOf(task) == nil) {
				t.Fatalf("task %d has a component or a place, and not both", task)
			}
			if task < 100 {
				_, _ = p.Upstream(task), p.Feeders(task)
			}
		}
		again, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Unmarshal(again); err != nil {
			t.Fatalf("not read again: %v", err)
		}
	})
}

// TestDurableStreamsTravel has the logs of streams in the plan, and in its fingerprint.
func TestDurableStreamsTravel(t *testing.T) {
	build := func(opts ...topology.Option) *Plan {
		opts = append(opts, topology.Output("w"), topology.OutputStream("side", "w"))
		top, err := topology.NewBuilder("t").Spout("s", func() topology.Spout { return spout{} }, opts...).
			Bolt("b", func() topology.Bolt { return bolt{} }, topology.All("s"), topology.Parallelism(3)).Build()
		if err != nil {
			t.Fatal(err)
		}
		l := NewLogical(top)
		return New(l, PackRoundRobin(l, 2), 5, 7, place)
	}
	plain, p := build(), build(topology.Durable("words"), topology.DurableStream("side", "others"))
	if plain.Durable() || !p.Durable() || plain.Fingerprint == p.Fingerprint {
		t.Errorf("durable: %v and %v, fingerprints %x and %x", plain.Durable(), p.Durable(), plain.Fingerprint, p.Fingerprint)
	}
	if p.Copies(0) != 3 || p.Copies(1) != 1 || plain.Copies(1) != 0 {
		t.Errorf("%d, %d and %d copies, want those of the tasks, one for the log, and none", p.Copies(0), p.Copies(1), plain.Copies(1))
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	q, err := Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if q.Streams[0].Log != "words" || q.Streams[1].Log != "others" || !strings.Contains(q.String(), "(w) log words\n") {
		t.Errorf("the plan came as\n%v", q)
	}
}
