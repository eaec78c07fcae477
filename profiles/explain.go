package profiles

import (
	"cmp"
	"slices"
)

const (
	// minHintShare is the share of the time under which a category is not worth a hint.
	minHintShare = 0.01
	// hintFunctions is how many functions a hint names.
	hintFunctions = 3
)

// Hint is one thing to look at to make a run cheaper.
type Hint struct {
	Category Category `json:"category"`
	// NanosPerTuple is what the category costs a tuple, zero if the tuples are not known.
	NanosPerTuple float64 `json:"nanoseconds_per_tuple,omitempty"`
	// Share is that of the whole summary, 0 to 1.
	Share float64 `json:"share"`
	// Functions are those responsible for most of it, the costliest first.
	Functions []Function `json:"functions,omitempty"`
	// Advice says in a sentence or two what usually helps.
	Advice string `json:"advice"`
}

// Explain says what the next nanoseconds would buy: a hint for each category of
// at least 1 % of the time, the costliest first. A hint's figure is what there
// would be to gain if its category cost nothing.
func Explain(s Summary) []Hint {
	var hints []Hint
	for _, share := range s.Shares {
		if share.Share < minHintShare {
			continue
		}
		h := Hint{
			Category: share.Category, Share: share.Share,
			NanosPerTuple: share.Share * s.NanosPerTuple,
			Advice:        advice[share.Category],
		}
		for _, f := range s.Top {
			if f.Category == share.Category && len(h.Functions) < hintFunctions {
				h.Functions = append(h.Functions, f)
			}
		}
		hints = append(hints, h)
	}
	slices.SortStableFunc(hints, func(a, b Hint) int { return cmp.Compare(b.Share, a.Share) })
	return hints
}

// advice is what usually helps, for every category.
var advice = map[Category]string{
	UserCode: "This is your spouts' and bolts' own work, the engine cannot make it cheaper. " +
		"Look at the functions named here; maps keyed by string and formatting are the usual suspects.",
	Encode: "Values are turned into bytes. Emit fewer or smaller fields, and bytes rather than " +
		"values that have to be formatted; of the modes naive and heron2017 this is what optimized leaves out in stream managers.",
	Decode: "Bytes are turned into values. Read only the fields that are needed, and each once; " +
		"a stream manager in the mode optimized decodes no values, it only finds where records begin.",
	Allocate: "Memory is taken from the heap or from a pool. Reuse values in user code, read fields " +
		"as borrowed bytes instead of new strings, and give maps their size from the start.",
	GC: "The collector marks and sweeps what was allocated. Allocate less, hold fewer pointers, " +
		"or let the heap grow with GOGC or GOMEMLIMIT where memory is to spare.",
	Copy: "Bytes are moved from one buffer to another. Larger batches and fewer hops help; fields " +
		"grouping has to copy a record once, all other groupings pass frames on as they are.",
	Route: "Keys are hashed and the frames of tuples find their way. Short keys, larger batches and " +
		"shuffle or local grouping where keys do not matter make it cheaper.",
	Ack: "Tuples are tracked until they are executed. Leave a stream unanchored where its loss does not matter.",
	SocketRead: "The kernel hands over what has arrived. Larger batches mean fewer and larger reads; " +
		"tasks that share a container save the way through a second stream manager.",
	SocketWrite: "The kernel takes what is sent. Larger batches mean fewer and larger writes; " +
		"tasks that share a container save the way through a second stream manager.",
	Scheduler: "Goroutines and threads are put to sleep and woken. It is large where little work " +
		"comes at a time: larger batches, fewer processes than cores, and fewer goroutines in user code help.",
	Timers: "The clock is read and timers are set. In user code read the clock once for a batch, " +
		"or use tick intervals in place of timers of its own.",
	Metrics: "The run is measured, logged or supervised. Log less per tuple and sample less often.",
	Other: "No rule knows these functions. Add rules for them to a rule file of your own, " +
		"beginning with those named here.",
}
