package bench

import (
	"slices"

	"github.com/ardea-stream/ardea/topology"
)

// The workloads.
const (
	// RandomWords: spouts draw words as fast as they can, bolts count them.
	RandomWords = "randomwords"
	// LongWords: the same with fewer, longer words.
	LongWords = "longwords"
	// ZipfWords: the same with words of which few are frequent and most are rare.
	ZipfWords = "zipfwords"
	// KeyWords: the same with words that are numbers, for any number of keys.
	KeyWords = "keys"
	// Sentences: spouts draw sentences, bolts split them, others count the words.
	Sentences = "sentences"
	// Chain: words pass two bolts before they are counted.
	Chain = "chain"
	// FanOut: every counting task gets every word.
	FanOut = "fanout"
	// Ordered: tuples are numbered, and their order by key is checked.
	Ordered = "ordered"
	// Sized: the same with a payload, which is checked too.
	Sized = "sized"
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
	// parameters are the names of those that it has, see Spec.parameters; "map" and "stamps" are some too.
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
		parameters: []string{"spouts", "bolts", "words", "map", "stamps"},
		defaults:   Spec{Words: DefaultWords},
		build:      randomWordsTopology, counting: countComponent, loops: true,
	},
	{
		Workload:   Workload{LongWords, "count 131,072 words of 20 letters, drawn uniformly"},
		parameters: []string{"spouts", "bolts", "words", "size", "map"},
		defaults:   Spec{Words: 131_072, Size: 20},
		build:      randomWordsTopology, counting: countComponent, loops: true,
	},
	{
		Workload:   Workload{ZipfWords, "count a million words, drawn by Zipf's law with exponent 1.07"},
		parameters: []string{"spouts", "bolts", "words", "skew", "map"},
		defaults:   Spec{Words: 1_000_000, Skew: 1.07},
		build:      randomWordsTopology, counting: countComponent, loops: true,
	},
	{
		Workload:   Workload{KeyWords, "count words of 8 letters, 131,072 different ones or any other number"},
		parameters: []string{"spouts", "bolts", "keys", "map"},
		defaults:   Spec{Keys: 131_072},
		build:      randomWordsTopology, counting: countComponent, loops: true,
	},
	{
		Workload:   Workload{Sentences, "split sentences of 8 words and count the words"},
		parameters: []string{"spouts", "bolts", "words", "map"},
		defaults:   Spec{Words: DefaultWords},
		build:      sentencesTopology, counting: countComponent, loops: true,
	},
	{
		Workload:   Workload{Chain, "count words that have passed two more bolts: three hops"},
		parameters: []string{"spouts", "bolts", "words", "map"},
		defaults:   Spec{Words: DefaultWords},
		build:      chainTopology, counting: countComponent, loops: true,
	},
	{
		Workload:   Workload{FanOut, "count every word in every one of 4 tasks or another number"},
		parameters: []string{"spouts", "bolts", "words", "map"},
		defaults:   Spec{Words: DefaultWords, Bolts: 4},
		build:      fanOutTopology, counting: countComponent, everyTask: true,
	},
	{
		Workload:   Workload{Ordered, "check the order of numbered tuples by key"},
		parameters: []string{"spouts", "bolts", "keys"},
		defaults:   Spec{Keys: 131_072},
		build:      numbersTopology, counting: checkComponent,
	},
	{
		Workload:   Workload{Sized, "check numbered tuples with a payload of 200 bytes or another size"},
		parameters: []string{"spouts", "bolts", "keys", "size"},
		defaults:   Spec{Keys: 131_072, Size: 200},
		build:      numbersTopology, counting: checkComponent,
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
