package plan

import (
	"fmt"
	"strings"
)

// String prints the logical plan, a line per component, stream and input.
func (l *Logical) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "topology %s\n", l.Topology)
	if l.Tracked {
		fmt.Fprintf(&b, "  tracked, message timeout %v\n", l.MessageTimeout)
	}
	for i := range l.Components {
		c := &l.Components[i]
		kind := "bolt"
		if c.Spout {
			kind = "spout"
		}
		fmt.Fprintf(&b, "  %s %s tasks %d-%d\n", kind, c.Name, c.FirstTask, c.FirstTask+uint32(c.Tasks)-1)
		for _, in := range c.Inputs {
			s := &l.Streams[in.Stream]
			fmt.Fprintf(&b, "    in  %d %s/%s %v", in.Stream, l.Components[s.Component].Name, s.Name, in.Grouping)
			if len(in.Fields) > 0 {
				fmt.Fprintf(&b, " by")
				for _, f := range in.Fields {
					fmt.Fprintf(&b, " %s", s.Fields[f])
				}
				fmt.Fprintf(&b, " (key hash %d)", in.KeyIndex)
			}
			b.WriteByte('\n')
		}
		for _, o := range c.Outputs {
			s := &l.Streams[o]
			fmt.Fprintf(&b, "    out %d %s (%s)", o, s.Name, strings.Join(s.Fields, ", "))
			if s.Log != "" {
				fmt.Fprintf(&b, " log %s", s.Log)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// String prints the physical plan: the logical plan, then a line per container.
func (p *Plan) String() string {
	var b strings.Builder
	b.WriteString(p.Logical.String())
	fmt.Fprintf(&b, "  epoch %d seed %#016x fingerprint %#016x\n", p.Epoch, p.Seed, p.Fingerprint)
	for i := range p.Containers {
		c := &p.Containers[i]
		fmt.Fprintf(&b, "  container %d tasks %v socket %s address %s\n", c.ID, c.Tasks, c.Socket, c.Address)
	}
	return b.String()
}
