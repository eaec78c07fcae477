package plan

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// Marshal returns the plan as protobuf bytes (message Plan of package wirepb).
func (p *Plan) Marshal() ([]byte, error) {
	m := &wirepb.Plan{Topology: p.Topology, Fingerprint: p.Fingerprint, Epoch: p.Epoch, Seed: p.Seed}
	if p.Tracked {
		m.Guarantee, m.MessageTimeoutNanos = guaranteeTracked, int64(p.MessageTimeout)
	}
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
		m.Streams = append(m.Streams, &wirepb.PlanStream{Component: uint32(s.Component), Name: s.Name, Fields: s.Fields, Log: s.Log})
	}
	for i := range p.Containers {
		c := &p.Containers[i]
		m.Containers = append(m.Containers, &wirepb.PlanContainer{Id: c.ID, Tasks: c.Tasks, Socket: c.Socket, Address: c.Address})
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// Values of the field guarantee.
const (
	guaranteeNone    = 0
	guaranteeTracked = 1
)

// Unmarshal reads what Marshal wrote and checks it. The error is an *InvalidPlanError.
func Unmarshal(b []byte) (*Plan, error) {
	var m wirepb.Plan
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, &InvalidPlanError{Reason: err.Error()}
	}
	if g, timeout := m.GetGuarantee(), m.GetMessageTimeoutNanos(); g > guaranteeTracked || (g == guaranteeTracked) != (timeout > 0) {
		return nil, invalid("guarantee %d with a message timeout of %d ns", g, timeout)
	}
	l := &Logical{
		Topology: m.GetTopology(),
		Tracked:  m.GetGuarantee() != guaranteeNone, MessageTimeout: time.Duration(m.GetMessageTimeoutNanos()),
	}
	for _, read := range []func(*wirepb.Plan) error{l.readComponents, l.readStreams, l.readInputs} {
		if err := read(&m); err != nil {
			return nil, err
		}
	}
	l.seal()
	if l.Fingerprint != m.GetFingerprint() {
		return nil, invalid("fingerprint %#x, content has %#x", m.GetFingerprint(), l.Fingerprint)
	}
	p := &Plan{Logical: l, Epoch: m.GetEpoch(), Seed: m.GetSeed()}
	if err := p.readContainers(&m); err != nil {
		return nil, err
	}
	p.seal()
	return p, nil
}

func invalid(format string, args ...any) error {
	return &InvalidPlanError{Reason: fmt.Sprintf(format, args...)}
}

func (l *Logical) readComponents(m *wirepb.Plan) error {
	next := uint32(1)
	for _, pc := range m.GetComponents() {
		n := pc.GetTasks()
		if pc.GetFirstTask() != next || n < 1 || n > topology.MaxParallelism || next+n-1 > topology.MaxTasks {
			return invalid("component %q has tasks from %d, %d of them", pc.GetName(), pc.GetFirstTask(), n)
		}
		next += n
		l.Components = append(l.Components, Component{Name: pc.GetName(), Spout: pc.GetSpout(), FirstTask: pc.GetFirstTask(), Tasks: int(n)})
	}
	return nil
}

func (l *Logical) readStreams(m *wirepb.Plan) error {
	if n := len(m.GetStreams()); n > topology.MaxStreams {
		return invalid("%d streams", n)
	}
	for i, ps := range m.GetStreams() {
		c := ps.GetComponent()
		if uint64(c) >= uint64(len(l.Components)) {
			return invalid("stream %d belongs to component %d of %d", i, c, len(l.Components))
		}
		l.Components[c].Outputs = append(l.Components[c].Outputs, uint16(i))
		l.Streams = append(l.Streams, Stream{Component: int(c), Name: ps.GetName(), Fields: ps.GetFields(), Log: ps.GetLog()})
	}
	return nil
}

func (l *Logical) readInputs(m *wirepb.Plan) error {
	for i, pc := range m.GetComponents() {
		for _, pi := range pc.GetInputs() {
			in, err := l.readInput(i, pi)
			if err != nil {
				return err
			}
			l.Components[i].Inputs = append(l.Components[i].Inputs, in)
		}
	}
	return nil
}

func (l *Logical) readInput(component int, pi *wirepb.PlanInput) (Input, error) {
	if uint64(pi.GetStream()) >= uint64(len(l.Streams)) || pi.GetGrouping() > 255 || !router.Grouping(pi.GetGrouping()).Valid() {
		return Input{}, invalid("component %d has an input of stream %d by grouping %d", component, pi.GetStream(), pi.GetGrouping())
	}
	in := Input{Stream: uint16(pi.GetStream()), Grouping: router.Grouping(pi.GetGrouping())}
	s := &l.Streams[in.Stream]
	for _, f := range pi.GetFields() {
		if uint64(f) >= uint64(len(s.Fields)) {
			return Input{}, invalid("component %d groups by field %d of %d", component, f, len(s.Fields))
		}
		in.Fields = append(in.Fields, int(f))
	}
	if (in.Grouping == router.Fields) != (len(in.Fields) > 0) {
		return Input{}, invalid("component %d groups stream %d by %v and %d fields", component, in.Stream, in.Grouping, len(in.Fields))
	}
	if in.Grouping == router.Fields {
		in.KeyIndex = s.keyIndex(in.Fields)
	}
	if uint64(in.KeyIndex) != uint64(pi.GetKeyIndex()) {
		return Input{}, invalid("component %d has key hash %d in place of %d", component, pi.GetKeyIndex(), in.KeyIndex)
	}
	return in, nil
}

func (p *Plan) readContainers(m *wirepb.Plan) error {
	tasks := p.TaskCount()
	placed := make([]bool, tasks+1)
	n := 0
	for i, pc := range m.GetContainers() {
		if uint64(pc.GetId()) != uint64(i)+1 {
			return invalid("container %d stands at place %d", pc.GetId(), i+1)
		}
		for _, t := range pc.GetTasks() {
			if t < 1 || uint64(t) > uint64(tasks) || placed[t] {
				return invalid("container %d holds task %d, which is unknown or placed twice", pc.GetId(), t)
			}
			placed[t] = true
			n++
		}
		p.Containers = append(p.Containers, Container{ID: pc.GetId(), Tasks: pc.GetTasks(), Socket: pc.GetSocket(), Address: pc.GetAddress()})
	}
	if n != tasks {
		return invalid("%d of %d tasks are placed", n, tasks)
	}
	return nil
}
