package plan

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
)

// Component is a spout or bolt and the range of its tasks' global ids.
type Component struct {
	Name      string
	Spout     bool
	FirstTask uint32
	Tasks     int
	Inputs    []Input
	Outputs   []uint16 // stream indexes, in the order declared
}

// TaskIDs returns the component's global task ids, ascending.
func (c *Component) TaskIDs() []uint32 {
	ids := make([]uint32, c.Tasks)
	for i := range ids {
		ids[i] = c.FirstTask + uint32(i)
	}
	return ids
}

// Input is a component's subscription to a stream.
type Input struct {
	Stream   uint16
	Grouping router.Grouping
	Fields   []int // of the key, for fields grouping
	KeyIndex int   // which key hash of the stream's tuples, for fields grouping
}

// Stream is an output stream; its position in Logical.Streams is its index on the wire.
type Stream struct {
	Component int // index into Logical.Components
	Name      string
	Fields    []string
	KeySets   [][]int // distinct keys that consumers group by; their order is that of a tuple's key hashes
	Log       string  // that its tuples are appended to; empty if it is not durable
}

// Logical is the plan of components, streams and tasks, without places. It
// comes from NewLogical or Unmarshal and is immutable.
type Logical struct {
	Topology    string
	Fingerprint uint64 // of everything below; equal in all processes of a run
	Components  []Component
	Streams     []Stream
	// Tracked says that tuples are tracked until all bolts have acked them, and
	// MessageTimeout how long that may take; 0 where nothing is tracked.
	Tracked        bool
	MessageTimeout time.Duration

	component []uint16 // by task, from 1: index into Components
}

// NewLogical numbers the streams and tasks of a topology. Task ids begin at 1
// and follow the order of the components.
func NewLogical(t *topology.Topology) *Logical {
	l := &Logical{Topology: t.Name, Tracked: t.Delivery.Tracked(), MessageTimeout: t.Delivery.MessageTimeout}
	next := uint32(1)
	byName := map[string]int{}
	for i := range t.Components {
		c := &t.Components[i]
		pc := Component{Name: c.Name, Spout: c.Kind == topology.KindSpout, FirstTask: next, Tasks: c.Parallelism}
		next += uint32(c.Parallelism)
		for _, s := range c.Streams {
			pc.Outputs = append(pc.Outputs, uint16(len(l.Streams)))
			l.Streams = append(l.Streams, Stream{Component: i, Name: s.Name, Fields: s.Fields, Log: s.Log})
		}
		byName[c.Name] = i
		l.Components = append(l.Components, pc)
	}
	for i := range t.Components {
		for _, in := range t.Components[i].Inputs {
			l.addInput(i, byName[in.Component], in)
		}
	}
	l.seal()
	return l
}

// seal computes what follows from the components and streams.
func (l *Logical) seal() {
	l.Fingerprint = l.fingerprint()
	l.component = make([]uint16, 1, l.TaskCount()+1)
	for i := range l.Components {
		for range l.Components[i].Tasks {
			l.component = append(l.component, uint16(i))
		}
	}
}

func (l *Logical) addInput(consumer, source int, in topology.Input) {
	for _, index := range l.Components[source].Outputs {
		s := &l.Streams[index]
		if s.Name != in.Stream {
			continue
		}
		pi := Input{Stream: index, Grouping: in.Grouping}
		if in.Grouping == router.Fields {
			for _, f := range in.Fields {
				pi.Fields = append(pi.Fields, topology.FieldIndex(s.Fields, f))
			}
			pi.KeyIndex = s.keyIndex(pi.Fields)
		}
		l.Components[consumer].Inputs = append(l.Components[consumer].Inputs, pi)
	}
}

// keyIndex returns the place of a key among the stream's key sets, adding it if it is new.
func (s *Stream) keyIndex(fields []int) int {
	for i, k := range s.KeySets {
		if slices.Equal(k, fields) {
			return i
		}
	}
	s.KeySets = append(s.KeySets, fields)
	return len(s.KeySets) - 1
}

// fingerprint hashes the printed form, which holds everything that processes must agree on.
func (l *Logical) fingerprint() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(l.String()))
	return h.Sum64()
}

// TaskCount returns the number of tasks of all components.
func (l *Logical) TaskCount() int {
	n := 0
	for i := range l.Components {
		n += l.Components[i].Tasks
	}
	return n
}

// ComponentOf returns the component of a task; nil if there is no such task.
func (l *Logical) ComponentOf(task uint32) *Component {
	if task < 1 || uint64(task) >= uint64(len(l.component)) {
		return nil
	}
	return &l.Components[l.component[task]]
}

// Container is a stream manager, its addresses and the tasks behind it.
type Container struct {
	ID      uint32 // from 1
	Tasks   []uint32
	Socket  string // path of the Unix socket for instances
	Address string // host:port of the TCP socket for other stream managers
}

// Plan is the physical plan: the logical plan with containers, addresses, the
// seed of the key hashes and the epoch. It comes from New or Unmarshal and is immutable.
type Plan struct {
	*Logical
	Epoch      uint32
	Seed       uint64
	Containers []Container // container id n at index n-1

	container []uint32 // by task, from 1: id of its container, 0 if it has no place
}

// PackRoundRobin deals the tasks, in the order of their ids, to n containers
// in turn and returns the task ids of each. Containers that would get none are left out.
func PackRoundRobin(l *Logical, n int) [][]uint32 {
	tasks := l.TaskCount()
	n = max(1, min(n, tasks))
	packed := make([][]uint32, n)
	for t := range tasks {
		packed[t%n] = append(packed[t%n], uint32(t+1))
	}
	return packed
}

// New returns a physical plan. packing holds the task ids of each container;
// place gives the addresses of container id.
func New(l *Logical, packing [][]uint32, epoch uint32, seed uint64, place func(id uint32) (socket, address string)) *Plan {
	p := &Plan{Logical: l, Epoch: epoch, Seed: seed}
	for i, tasks := range packing {
		id := uint32(i + 1)
		socket, address := place(id)
		p.Containers = append(p.Containers, Container{ID: id, Tasks: tasks, Socket: socket, Address: address})
	}
	p.seal()
	return p
}

// seal computes what follows from the containers.
func (p *Plan) seal() {
	p.container = make([]uint32, p.TaskCount()+1)
	for i := range p.Containers {
		for _, t := range p.Containers[i].Tasks {
			if int(t) < len(p.container) {
				p.container[t] = p.Containers[i].ID
			}
		}
	}
}

// ContainerOf returns the container that holds a task; nil if none does.
func (p *Plan) ContainerOf(task uint32) *Container {
	if task < 1 || uint64(task) >= uint64(len(p.container)) {
		return nil
	}
	return p.Container(p.container[task])
}

// Container returns the container of that id; nil if there is none.
func (p *Plan) Container(id uint32) *Container {
	if id < 1 || uint64(id) > uint64(len(p.Containers)) {
		return nil
	}
	return &p.Containers[id-1]
}

// Table returns the routing table as the stream manager of a container sees it.
func (p *Plan) Table(container uint32) router.Table {
	table := make(router.Table, len(p.Streams))
	local := func(task uint32) bool {
		c := p.ContainerOf(task)
		return c != nil && c.ID == container
	}
	for i := range p.Components {
		c := &p.Components[i]
		for _, in := range c.Inputs {
			table[in.Stream] = append(table[in.Stream], router.NewConsumer(in.Grouping, in.KeyIndex, c.TaskIDs(), local))
		}
	}
	return table
}

// Upstream returns the ids of all spout tasks whose tuples can reach a task,
// through any number of bolts, ascending.
func (p *Plan) Upstream(task uint32) []uint32 {
	seen := make([]bool, len(p.Components))
	var spouts []uint32
	var visit func(c *Component)
	visit = func(c *Component) {
		for _, in := range c.Inputs {
			src := p.Streams[in.Stream].Component
			if seen[src] {
				continue
			}
			seen[src] = true
			if sc := &p.Components[src]; sc.Spout {
				spouts = append(spouts, sc.TaskIDs()...)
			} else {
				visit(sc)
			}
		}
	}
	if c := p.ComponentOf(task); c != nil {
		visit(c)
	}
	slices.Sort(spouts)
	return spouts
}

// Durable reports whether a stream's tuples are appended to a log.
func (l *Logical) Durable() bool {
	return slices.ContainsFunc(l.Streams, func(s Stream) bool { return s.Log != "" })
}

// Copies returns how often each tuple of a stream that the stream manager routes is to be
// acked: by one task of each consumer, by all of one with all grouping, and for a
// durable stream that nobody consumes by the stream manager.
func (l *Logical) Copies(stream uint16) int {
	n := l.consumers(stream)
	if n == 0 && l.Streams[stream].Log != "" {
		return 1
	}
	return n
}

func (l *Logical) consumers(stream uint16) int {
	n := 0
	for i := range l.Components {
		for _, in := range l.Components[i].Inputs {
			switch {
			case in.Stream != stream || in.Grouping.Addressed():
			case in.Grouping == router.All:
				n += l.Components[i].Tasks
			default:
				n++
			}
		}
	}
	return n
}

// Feeders returns the ids of the tasks that send to a task directly, ascending.
func (p *Plan) Feeders(task uint32) []uint32 {
	var feeders []uint32
	if c := p.ComponentOf(task); c != nil {
		for _, in := range c.Inputs {
			feeders = append(feeders, p.Components[p.Streams[in.Stream].Component].TaskIDs()...)
		}
	}
	slices.Sort(feeders)
	return slices.Compact(feeders)
}

// Addresses returns a copy of the plan whose containers have other addresses.
func (p *Plan) Addresses(place func(id uint32) (socket, address string)) *Plan {
	q := *p
	q.Containers = slices.Clone(p.Containers)
	for i := range q.Containers {
		q.Containers[i].Socket, q.Containers[i].Address = place(q.Containers[i].ID)
	}
	return &q
}

// InvalidPlanError says why bytes are no plan.
type InvalidPlanError struct{ Reason string }

// Error gives the reason.
func (e *InvalidPlanError) Error() string { return "plan: not a valid plan: " + e.Reason }
