package instance

import (
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
)

// outputSpecs describes the task's output streams to its collector.
func outputSpecs(t *topology.Topology, p *plan.Plan, c *plan.Component) []topology.OutputSpec {
	specs := make([]topology.OutputSpec, 0, len(c.Outputs))
	for _, index := range c.Outputs {
		s := &p.Streams[index]
		spec := topology.OutputSpec{Name: s.Name, Index: index, Fields: s.Fields, KeySets: s.KeySets, Routed: s.Log != "", Copies: p.Copies(index)}
		for n := range p.Components {
			addConsumers(&spec, &p.Components[n], t.Components[n].Inputs)
		}
		specs = append(specs, spec)
	}
	return specs
}

// addConsumers adds to spec how component c consumes the stream. inputs are
// the declarations that c's inputs were made of, in the same order.
func addConsumers(spec *topology.OutputSpec, c *plan.Component, inputs []topology.Input) {
	for n, in := range c.Inputs {
		switch {
		case in.Stream != spec.Index:
		case !in.Grouping.Addressed():
			spec.Routed = true
		case inputs[n].Custom != nil:
			spec.Custom = append(spec.Custom, topology.CustomTarget{Choose: inputs[n].Custom, Tasks: c.TaskIDs()})
		default:
			spec.Direct = append(spec.Direct, c.TaskIDs()...)
		}
	}
}

// oneBatch reports whether no two batches can be pending at a time.
func oneBatch(specs []topology.OutputSpec) bool {
	batches := 0
	for i := range specs {
		if specs[i].Routed {
			batches++
		}
		batches += len(specs[i].Direct)
		for _, c := range specs[i].Custom {
			batches += len(c.Tasks)
		}
	}
	return batches <= 1
}

// inputs is what a bolt receives, by stream and source task.
type inputs struct {
	streams []inputStream // by stream index; those that are not received are empty
	open    int           // pairs of stream and source task that have not ended
}

// inputStream holds the tasks that send on one stream.
type inputStream struct {
	first   uint32 // id of the first of them
	sources []topology.Source
	ended   []bool
}

// newInputs returns the inputs of component c.
func newInputs(p *plan.Plan, c *plan.Component) *inputs {
	in := &inputs{streams: make([]inputStream, len(p.Streams))}
	for _, pi := range c.Inputs {
		s := &p.Streams[pi.Stream]
		from := &p.Components[s.Component]
		st := inputStream{
			first: from.FirstTask, sources: make([]topology.Source, from.Tasks), ended: make([]bool, from.Tasks),
		}
		for n := range st.sources {
			st.sources[n] = topology.Source{
				Component: from.Name, Stream: s.Name, Task: from.FirstTask + uint32(n), Fields: s.Fields,
			}
		}
		in.streams[pi.Stream] = st
		in.open += from.Tasks
	}
	return in
}

// find returns the stream and the place of the task in it; nil if the bolt receives no such thing.
func (in *inputs) find(stream uint16, task uint32) (*inputStream, uint32) {
	if int(stream) >= len(in.streams) {
		return nil, 0
	}
	s := &in.streams[stream]
	n := task - s.first
	if uint64(n) >= uint64(len(s.sources)) {
		return nil, 0
	}
	return s, n
}

// end notes the end of a stream of one task. It may be told several times, as after a reconnect.
func (in *inputs) end(stream uint16, task uint32) {
	s, n := in.find(stream, task)
	if s != nil && !s.ended[n] {
		s.ended[n] = true
		in.open--
	}
}
