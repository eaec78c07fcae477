package trending

import (
	"fmt"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

// Options says what tweets there are and what is ranked.
type Options struct {
	Tags   int           // different hashtags; 0 = 1000
	Tweets uint64        // tweets that every spout task sends before it ends; 0 = no end
	Rate   float64       // tweets a second of every spout task; 0 = as fast as they can go
	Window time.Duration // that counts are for, in whole seconds; 0 = 10s
	Top    int           // length of the ranking; 0 = 10
	Spouts int           // tasks that send; 0 = 1
	Bolts  int           // tasks that count; 0 = 1
	Seed   uint64        // of the tweets
	Print  bool          // every ranking to standard output
}

// tick is how often counts are sent and ranked, and what one bucket of the window is for.
const tick = time.Second

func (o Options) withDefaults() Options {
	for _, n := range []struct {
		field *int
		value int
	}{{&o.Tags, 1000}, {&o.Top, 10}, {&o.Spouts, 1}, {&o.Bolts, 1}} {
		if *n.field == 0 {
			*n.field = n.value
		}
	}
	if o.Window == 0 {
		o.Window = 10 * time.Second
	}
	return o
}

// Topology returns the topology for the options. The error names what is out
// of range, or is that of topology.Builder.Build.
func Topology(o Options) (*topology.Topology, error) {
	o = o.withDefaults()
	switch {
	case o.Tags < 1 || o.Top < 1 || o.Rate < 0:
		return nil, fmt.Errorf("trending: %d tags, a ranking of %d and a rate of %v: the least are 1, 1 and 0", o.Tags, o.Top, o.Rate)
	case o.Window < tick || o.Window > time.Hour || o.Window%tick != 0:
		return nil, fmt.Errorf("trending: a window of %v, allowed are whole seconds up to an hour", o.Window)
	}
	b := topology.NewBuilder("trending")
	b.Spout("tweets", func() topology.Spout { return &tweets{o: o} },
		topology.Parallelism(o.Spouts),
		topology.Output("text"))
	b.Bolt("hashtags", func() topology.Bolt { return &hashtags{} },
		topology.Shuffle("tweets"),
		topology.Output("tag"))
	b.Bolt("counts", func() topology.Bolt { return &counts{buckets: int(o.Window / tick), top: o.Top} },
		topology.Parallelism(o.Bolts),
		topology.Fields("hashtags", "tag"),
		topology.TickEvery(tick),
		topology.Output("place", "tag", "count"))
	b.Bolt("ranking", func() topology.Bolt { return &ranking{top: o.Top, print: o.Print} },
		topology.Global("counts"),
		topology.TickEvery(tick))
	return b.Build()
}
