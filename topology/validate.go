package topology

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/router"
)

// Limits of a topology.
const (
	MaxParallelism = router.KeyGroups // tasks of a component
	MaxTasks       = 1 << 16          // tasks of a topology
	MaxStreams     = 1<<16 - 1        // streams of a topology
	MaxFields      = 1024             // fields of a stream
	maxName        = 64
)

// InvalidError lists everything that is wrong with a topology.
type InvalidError struct {
	Topology string
	Faults   []string
}

// Error gives all faults, a line each.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("topology: %q is not valid:\n  - %s", e.Topology, strings.Join(e.Faults, "\n  - "))
}

// Build checks everything and returns the topology, or an *InvalidError that
// names all that is wrong with it.
func (b *Builder) Build() (*Topology, error) {
	v := &validation{byName: map[string]*Component{}, logs: map[string]string{}, faults: slices.Clone(b.faults)}
	v.name("topology name", b.name)
	if len(b.components) == 0 {
		v.fault("it has no components: add a spout with Spout")
	}
	for i := range b.components {
		v.component(&b.components[i])
	}
	for i := range b.components {
		v.inputs(&b.components[i])
	}
	v.delivery(b.delivery, b.components)
	v.totals(b.components)
	v.cycle(b.components)
	if len(v.faults) > 0 {
		return nil, &InvalidError{Topology: b.name, Faults: v.faults}
	}
	return &Topology{Name: b.name, Components: slices.Clone(b.components), Delivery: b.delivery.withDefaults()}, nil
}

type validation struct {
	faults []string
	byName map[string]*Component
	logs   map[string]string // stream of each
}

func (v *validation) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// name checks the alphabet of names, which must be safe in paths, sources ("a/b") and metrics.
func (v *validation) name(what, s string) {
	ok := s != "" && len(s) <= maxName
	for i := 0; ok && i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		ok = letter || i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	}
	if !ok {
		v.fault("%s %q must be 1 to %d letters, digits, '-', '_' or '.' and begin with a letter", what, s, maxName)
	}
}

func (v *validation) component(c *Component) {
	v.name(c.Kind.String()+" name", c.Name)
	if v.byName[c.Name] == nil {
		v.byName[c.Name] = c
	} else {
		v.fault("component %q is added twice", c.Name)
	}
	if c.Parallelism < 1 || c.Parallelism > MaxParallelism {
		v.fault("%s %q has parallelism %d, allowed are 1 to %d", c.Kind, c.Name, c.Parallelism, MaxParallelism)
	}
	if c.Kind == KindSpout && c.NewSpout == nil || c.Kind == KindBolt && c.NewBolt == nil {
		v.fault("%s %q has no constructor function", c.Kind, c.Name)
	}
	if c.TickEvery != 0 && c.TickEvery < time.Millisecond {
		v.fault("%s %q ticks every %v, the least is 1ms", c.Kind, c.Name, c.TickEvery)
	}
	if c.TickEvery != 0 && c.Kind == KindSpout {
		v.fault("spout %q cannot tick: only bolts get ticks", c.Name)
	}
	if c.Kind == KindBolt && c.TickEvery != 0 && c.NewBolt != nil {
		if _, ok := c.NewBolt().(Ticker); !ok {
			v.fault("bolt %q has TickEvery but no Tick method", c.Name)
		}
	}
	v.streams(c)
}

func (v *validation) streams(c *Component) {
	seen := map[string]bool{}
	for _, s := range c.Streams {
		v.name("stream of "+c.Name, s.Name)
		if seen[s.Name] {
			v.fault("component %q declares stream %q twice", c.Name, s.Name)
		}
		seen[s.Name] = true
		if len(s.Fields) > MaxFields {
			v.fault("stream %s/%s has %d fields, allowed are %d", c.Name, s.Name, len(s.Fields), MaxFields)
		}
		if s.Log != "" {
			v.log(c.Name+"/"+s.Name, s.Log)
		}
		fields := map[string]bool{}
		for _, f := range s.Fields {
			v.name(fmt.Sprintf("field of %s/%s", c.Name, s.Name), f)
			if fields[f] {
				v.fault("stream %s/%s has field %q twice", c.Name, s.Name, f)
			}
			fields[f] = true
		}
	}
}

// log checks the name of the log of a durable stream.
func (v *validation) log(stream, log string) {
	v.name("log of "+stream, log)
	if other := v.logs[log]; other != "" {
		v.fault("streams %s and %s are durable in the same log %q: give each its own", other, stream, log)
	}
	v.logs[log] = stream
}

func (v *validation) inputs(c *Component) {
	if c.Kind == KindSpout && len(c.Inputs) > 0 {
		v.fault("spout %q cannot have inputs", c.Name)
	}
	if c.Kind == KindBolt && len(c.Inputs) == 0 {
		v.fault("bolt %q has no input: add a grouping such as Shuffle", c.Name)
	}
	seen := map[string]bool{}
	for _, in := range c.Inputs {
		from := in.Component + "/" + in.Stream
		if seen[from] {
			v.fault("bolt %q subscribes to %s twice", c.Name, from)
		}
		seen[from] = true
		v.input(c, in, from)
	}
}

func (v *validation) input(c *Component, in Input, from string) {
	src := v.byName[in.Component]
	if src == nil {
		v.fault("bolt %q subscribes to %s, but there is no component %q", c.Name, from, in.Component)
		return
	}
	var stream *Stream
	for i := range src.Streams {
		if src.Streams[i].Name == in.Stream {
			stream = &src.Streams[i]
		}
	}
	if stream == nil {
		v.fault("bolt %q subscribes to %s, but %q declares no stream %q", c.Name, from, in.Component, in.Stream)
		return
	}
	if stream.Log != "" && in.Grouping.Addressed() {
		v.fault("bolt %q has a %v grouping of %s, which is durable: of such a stream the stream manager has to make the copies", c.Name, in.Grouping, from)
	}
	if in.Grouping == router.Custom && in.Custom == nil {
		v.fault("bolt %q has a custom grouping of %s without a function", c.Name, from)
	}
	if in.Grouping != router.Fields {
		return
	}
	if len(in.Fields) == 0 {
		v.fault("bolt %q groups %s by no field", c.Name, from)
	}
	key := map[string]bool{}
	for _, f := range in.Fields {
		if FieldIndex(stream.Fields, f) < 0 {
			v.fault("bolt %q groups %s by field %q, the stream has %q", c.Name, from, f, stream.Fields)
		}
		if key[f] {
			v.fault("bolt %q groups %s by field %q twice", c.Name, from, f)
		}
		key[f] = true
	}
}

// FieldIndex returns the index of name in fields, or -1.
func FieldIndex(fields []string, name string) int {
	for i, f := range fields {
		if f == name {
			return i
		}
	}
	return -1
}

func (v *validation) totals(components []Component) {
	spouts, tasks, streams := 0, 0, 0
	for i := range components {
		if components[i].Kind == KindSpout {
			spouts++
		}
		tasks += components[i].Parallelism
		streams += len(components[i].Streams)
	}
	if spouts == 0 && len(components) > 0 {
		v.fault("it has no spout, so nothing would ever flow")
	}
	if tasks > MaxTasks {
		v.fault("it has %d tasks, allowed are %d", tasks, MaxTasks)
	}
	if streams > MaxStreams {
		v.fault("it has %d streams, allowed are %d", streams, MaxStreams)
	}
}

// cycle looks for a path from a component to itself and reports the first one found.
func (v *validation) cycle(components []Component) {
	const visiting, done = 1, 2
	mark := map[string]int{}
	var path []string
	var visit func(name string) bool
	visit = func(name string) bool {
		c := v.byName[name]
		if c == nil || mark[name] == done {
			return false
		}
		path = append(path, name)
		if mark[name] == visiting {
			return true
		}
		mark[name] = visiting
		for _, in := range c.Inputs {
			if visit(in.Component) {
				return true
			}
		}
		mark[name] = done
		path = path[:len(path)-1]
		return false
	}
	for i := range components {
		path = path[:0]
		if visit(components[i].Name) {
			v.fault("components form a cycle: %s", describeCycle(path))
			return
		}
	}
}

// describeCycle writes the loop at the end of path, which runs against the streams, in their direction.
func describeCycle(path []string) string {
	last := path[len(path)-1]
	start := slices.Index(path, last)
	loop := slices.Clone(path[start:])
	slices.Reverse(loop)
	return strings.Join(loop, " -> ")
}
