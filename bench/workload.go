package bench

import (
	"slices"

	"github.com/ardea-stream/ardea/topology"
)

// The workloads.
const (
	// RandomWords: spouts draw words as fast as they can, bolts count them.
	RandomWords = "randomwords"
	// Latency: a spout sends its clock at a fixed rate to a bolt.
	Latency = "latency"
)

// Workload names a workload and tells what it does.
type Workload struct {
	Name string `json:"name"`
	Text string `json:"text"` // one line, without a dot
}

// Workloads returns all workloads, in the order in which help shows them.
func Workloads() []Workload {
	all := make([]Workload, len(workloads))
	for i, w := range workloads {
		all[i] = w.Workload
	}
	return all
}

// workload is how a workload is made and checked.
type workload struct {
	Workload
	// parameters are the names of those that it has, see Spec.parameters; "map" is one too.
	parameters []string
	defaults   Spec
	build      func(Spec) (*topology.Topology, error)
	// counting is the component whose tuples are the throughput. Each of its tasks publishes countedTally.
	counting string
	// everyTask says that each counting task gets every tuple.
	everyTask bool
	// loops says that programs without an engine can do its work.
	loops bool
}

// workloads is the registry.
var workloads = []workload{
	{
		Workload:   Workload{RandomWords, "count words of 3 to 11 letters, drawn uniformly"},
		parameters: []string{"spouts", "bolts", "words", "map"},
		defaults:   Spec{Words: DefaultWords},
		build:      randomWordsTopology, counting: countComponent, loops: true,
	},
	{
		Workload:   Workload{Latency, "send the clock to a bolt, at a fixed rate or as fast as possible"},
		parameters: []string{"rate"},
		build:      latencyTopology, counting: timerComponent,
	},
}

func (w *workload) has(parameter string) bool { return slices.Contains(w.parameters, parameter) }

func workloadOf(name string) (*workload, bool) {
	for i := range workloads {
		if workloads[i].Name == name {
			return &workloads[i], true
		}
	}
	return nil, false
}

func workloadNames() []string {
	var names []string
	for _, w := range Workloads() {
		names = append(names, w.Name)
	}
	return names
}
