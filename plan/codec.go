package plan

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// Marshal returns the plan as protobuf bytes (message Plan of package wirepb).
func (p *Plan) Marshal() ([]byte, error) {
	m := &wirepb.Plan{Topology: p.Topology, Fingerprint: p.Fingerprint, Epoch: p.Epoch, Seed: p.Seed}
	for i := range p.Components {
		c := &p.Components[i]
		pc := &wirepb.PlanComponent{Name: c.Name, Spout: c.Spout, FirstTask: c.FirstTask, Tasks: uint32(c.Tasks)}
		for _, in := range c.Inputs {
			pi := &wirepb.PlanInput{Stream: uint32(in.Stream), Grouping: uint32(in.Grouping), KeyIndex: uint32(in.KeyIndex)}
			for _, f := range in.Fields {
				pi.Fields = append(pi.Fields, uint32(f))
			}
			pc.Inputs = append(pc.Inputs, pi)
		}
		m.Components = append(m.Components, pc)
	}
	for i := range p.Streams {
		s := &p.Streams[i]
		m.Streams = append(m.Streams, &wirepb.PlanStream{Component: uint32(s.Component), Name: s.Name, Fields: s.Fields})
	}
	for i := range p.Containers {
		c := &p.Containers[i]
		m.Containers = append(m.Containers, &wirepb.PlanContainer{Id: c.ID, Tasks: c.Tasks, Socket: c.Socket, Address: c.Address})
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// Unmarshal reads what Marshal wrote and checks it. The error is an *InvalidPlanError.
func Unmarshal(b []byte) (*Plan, error) {
	var m wirepb.Plan
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, &InvalidPlanError{Reason: err.Error()}
	}
	l := &Logical{Topology: m.GetTopology()}
	next := uint32(1)
	for _, pc := range m.GetComponents() {
		n := pc.GetTasks()
		if pc.GetFirstTask() != next || n < 1 || n > topology.MaxParallelism {
			return nil, &InvalidPlanError{Reason: fmt.Sprintf("component %q has tasks from %d, %d of them", pc.GetName(), pc.GetFirstTask(), n)}
		}
		next += n
		l.Components = append(l.Components, Component{Name: pc.GetName(), Spout: pc.GetSpout(), FirstTask: pc.GetFirstTask(), Tasks: int(n)})
	}
	if err := l.unmarshalStreams(&m); err != nil {
		return nil, err
	}
	if l.Fingerprint = l.fingerprint(); l.Fingerprint != m.GetFingerprint() {
		return nil, &InvalidPlanError{Reason: fmt.Sprintf("fingerprint %#x, content has %#x", m.GetFingerprint(), l.Fingerprint)}
	}
	p := &Plan{Logical: l, Epoch: m.GetEpoch(), Seed: m.GetSeed()}
	return p, p.unmarshalContainers(&m, next)
}

func (l *Logical) unmarshalStreams(m *wirepb.Plan) error {
	for i, ps := range m.GetStreams() {
		c := ps.GetComponent()
		if int(c) >= len(l.Components) || i > topology.MaxStreams {
			return &InvalidPlanError{Reason: fmt.Sprintf("stream %d belongs to component %d of %d", i, c, len(l.Components))}
		}
		l.Components[c].Outputs = append(l.Components[c].Outputs, uint16(i))
		l.Streams = append(l.Streams, Stream{Component: int(c), Name: ps.GetName(), Fields: ps.GetFields()})
	}
	for i, pc := range m.GetComponents() {
		for _, pi := range pc.GetInputs() {
			in := Input{Stream: uint16(pi.GetStream()), Grouping: router.Grouping(pi.GetGrouping()), KeyIndex: int(pi.GetKeyIndex())}
			if int(pi.GetStream()) >= len(l.Streams) || pi.GetGrouping() > 255 || !in.Grouping.Valid() {
				return &InvalidPlanError{Reason: fmt.Sprintf("component %d has an input of stream %d by grouping %d", i, pi.GetStream(), pi.GetGrouping())}
			}
			s := &l.Streams[in.Stream]
			for _, f := range pi.GetFields() {
				if int(f) >= len(s.Fields) {
					return &InvalidPlanError{Reason: fmt.Sprintf("component %d groups by field %d of %d", i, f, len(s.Fields))}
				}
				in.Fields = append(in.Fields, int(f))
			}
			if in.Grouping == router.Fields && (len(in.Fields) == 0 || s.keyIndex(in.Fields) != in.KeyIndex) {
				return &InvalidPlanError{Reason: fmt.Sprintf("component %d has key hash %d out of order", i, in.KeyIndex)}
			}
			l.Components[i].Inputs = append(l.Components[i].Inputs, in)
		}
	}
	return nil
}

func (p *Plan) unmarshalContainers(m *wirepb.Plan, tasks uint32) error {
	seen := map[uint32]bool{}
	for i, pc := range m.GetContainers() {
		if pc.GetId() != uint32(i+1) {
			return &InvalidPlanError{Reason: fmt.Sprintf("container %d stands at place %d", pc.GetId(), i+1)}
		}
		for _, t := range pc.GetTasks() {
			if t < 1 || t >= tasks || seen[t] {
				return &InvalidPlanError{Reason: fmt.Sprintf("container %d holds task %d, which is unknown or placed twice", pc.GetId(), t)}
			}
			seen[t] = true
		}
		p.Containers = append(p.Containers, Container{ID: pc.GetId(), Tasks: pc.GetTasks(), Socket: pc.GetSocket(), Address: pc.GetAddress()})
	}
	if len(seen) != int(tasks)-1 {
		return &InvalidPlanError{Reason: fmt.Sprintf("%d of %d tasks are placed", len(seen), tasks-1)}
	}
	return nil
}
