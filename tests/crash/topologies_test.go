package crash

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

// spec is a topology that a test and its child processes build alike.
type spec struct {
	Kind    string
	Dir     string        // of the records
	Rate    int           // tuples a second of each spout; 0 = as fast as it goes
	Aside   int           // the same of a branch that shares nothing but the stream managers; 0 = there is none
	Tuples  uint64        // of each spout; 0 = until stop
	Payload int           // bytes
	Hold    int           // tuples that a leaf collects before it records and acks them
	HoldFor time.Duration // how long at most
	Forget  uint64        // a leaf forgets every so manieth tuple when it comes first; 0 = none
	Sleep   time.Duration // of a slow leaf, for every tuple
	Gated   bool          // spouts and slow leaves handle as many tuples as their gates say
	Timeout time.Duration // of messages; 0 = the default
	Pending int           // most tuples pending; 0 = the default
	Retries int
}

// place is a leaf that tuples must reach: of any of its tasks or of one, by a way.
type place struct {
	component string
	index     int // of a task; anyTask = whichever
	way       int
}

const anyTask = -1

// Components of all topologies but that for poison.
const (
	numbersName = "numbers"
	leafName    = "leaf"
	asideName   = "aside"
	besideName  = "beside"
)

// kinds are the topologies that processes are killed in.
var kinds = []string{"chain", "diamond", "fanout", "join"}

// build builds the topology.
func (s *spec) build() (*topology.Topology, error) {
	b := topology.NewBuilder(s.Kind)
	b.Deliver(topology.Delivery{
		Guarantee: topology.AtLeastOnce, MessageTimeout: s.Timeout, MaxPending: s.Pending, MaxRetries: s.Retries,
	})
	more := []topology.Option(nil)
	pass := func(name, from string, way int, more ...topology.Option) {
		b.Bolt(name, func() topology.Bolt { return &relay{s: s} }, append(more, topology.Fields(from, "id"),
			topology.Output(fields...), topology.Config(configWay, strconv.Itoa(way)))...)
	}
	end := func(name string, inputs ...topology.Option) {
		b.Bolt(name, func() topology.Bolt { return &leaf{s: s} }, append(inputs, topology.ManualAck(), topology.TickEvery(max(s.HoldFor, time.Millisecond)))...)
	}
	switch s.Kind {
	case "chain":
		pass("relay", numbersName, 1, topology.Parallelism(2))
		end(leafName, topology.Fields("relay", "id"), topology.Parallelism(2))
	case "diamond":
		pass("left", numbersName, 1)
		pass("right", numbersName, 2)
		end(leafName, topology.Fields("left", "id"), topology.Fields("right", "id"), topology.Parallelism(2))
	case "fanout":
		pass("relay", numbersName, 1)
		end(leafName, topology.All("relay"), topology.Parallelism(fanOut))
	case "join":
		pass("left", numbersName, 1)
		pass("right", numbersName, 2)
		b.Bolt("join", func() topology.Bolt { return &join{s: s} }, topology.ManualAck(), topology.Parallelism(2),
			topology.Fields("left", "id"), topology.Fields("right", "id"), topology.Output(fields...))
		end(leafName, topology.Shuffle("join"), topology.Parallelism(2))
	case "slow":
		pass("left", numbersName, 1)
		pass("right", numbersName, 2)
		b.Bolt(leafName, func() topology.Bolt { return &slow{leaf: leaf{s: s}, sleep: s.Sleep} }, topology.ManualAck(),
			topology.Shuffle("left"), topology.Shuffle("right"))
	case "poison":
		b.Bolt(fragileName, func() topology.Bolt { return &fragile{relay{s: s}} }, topology.Parallelism(2),
			topology.Fields(numbersName, "id"), topology.Output(fields...), topology.Config(configWay, "1"))
		end(leafName, topology.Shuffle(fragileName))
		b.Bolt(lettersName, func() topology.Bolt { return &letters{s: s} }, topology.ManualAck(),
			topology.Shuffle(numbersName+"/"+topology.DeadLetterStream))
		more = append(more, topology.DeadLetters())
	default:
		return nil, fmt.Errorf("crash: no topology of kind %q", s.Kind)
	}
	b.Spout(numbersName, func() topology.Spout { return &generator{s: s, rate: s.Rate} },
		append(more, topology.Parallelism(s.spouts(numbersName)), topology.Output(fields...))...)
	if s.Aside > 0 {
		b.Spout(asideName, func() topology.Spout { return &generator{s: s, rate: s.Aside} }, topology.Output(fields...))
		end(besideName, topology.Shuffle(asideName))
	}
	return b.Build()
}

const fanOut = 3

// spouts returns the number of a spout's tasks.
func (s *spec) spouts(name string) int {
	if name == asideName || s.Kind == "slow" || s.Kind == "poison" {
		return 1
	}
	return 2
}

// places are where the tuples of each spout must arrive.
func (s *spec) places() map[string][]place {
	leaves := map[string][]place{
		"chain":   {{leafName, anyTask, 1}},
		"diamond": {{leafName, anyTask, 1}, {leafName, anyTask, 2}},
		"fanout":  {{leafName, 0, 1}, {leafName, 1, 1}, {leafName, 2, 1}},
		"join":    {{leafName, anyTask, joined}},
		"slow":    {{leafName, anyTask, 1}, {leafName, anyTask, 2}},
	}
	all := map[string][]place{numbersName: leaves[s.Kind]}
	if s.Aside > 0 {
		all[asideName] = []place{{besideName, anyTask, 0}}
	}
	return all
}
