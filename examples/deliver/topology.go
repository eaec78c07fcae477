package deliver

import (
	"errors"

	"github.com/ardea-stream/ardea/topology"
)

// Options says what to deliver.
type Options struct {
	Input   string // file to read; required
	Output  string // file to append to; required
	Text    string // that lines must contain; empty = all lines
	Bolts   int    // tasks that look for it; 0 = 1
	Pending int    // most lines under way; 0 = topology.DefaultMaxPending
}

// Topology returns the topology for the options. The error names a file that is
// missing, or is that of topology.Builder.Build.
func Topology(o Options) (*topology.Topology, error) {
	if o.Input == "" || o.Output == "" {
		return nil, errors.New("deliver: name a file to read and one to append to")
	}
	b := topology.NewBuilder("deliver")
	b.Deliver(topology.Delivery{Guarantee: topology.AtLeastOnce, MaxPending: o.Pending})
	b.Spout("lines", func() topology.Spout { return &lines{path: o.Input} },
		topology.Output("offset", "line"))
	b.Bolt("grep", func() topology.Bolt { return &grep{text: []byte(o.Text)} },
		topology.Parallelism(max(1, o.Bolts)),
		topology.Shuffle("lines"),
		topology.Output("offset", "line"))
	b.Bolt("sink", func() topology.Bolt { return &sink{path: o.Output} },
		topology.Global("grep"),
		topology.ManualAck(),
		topology.TickEvery(batchTime))
	return b.Build()
}
