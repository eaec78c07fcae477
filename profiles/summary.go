package profiles

// Category is where a sample belongs.
type Category string

// The categories, in the order in which reports show them.
const (
	UserCode    Category = "user code"
	Encode      Category = "encode"
	Decode      Category = "decode"
	Allocate    Category = "allocate"
	GC          Category = "garbage collection"
	Copy        Category = "copy"
	Route       Category = "hash and route"
	Ack         Category = "ack"
	SocketRead  Category = "socket read"
	SocketWrite Category = "socket write"
	Scheduler   Category = "scheduler"
	Timers      Category = "timers"
	Metrics     Category = "metrics"
	Other       Category = "other"
)

// Categories lists all of them, in the order in which reports show them.
func Categories() []Category {
	return []Category{
		UserCode, Encode, Decode, Allocate, GC, Copy, Route, Ack, SocketRead, SocketWrite, Scheduler, Timers, Metrics, Other,
	}
}

// Summary is what the CPU profiles of some processes came to. Its JSON stands
// in reports: fields are added, not changed.
type Summary struct {
	// Variant is what was run, for instance a forwarding mode.
	Variant string `json:"variant"`
	// Role is what the processes do: spouts, stream managers, bolts, or all.
	Role string `json:"role"`
	// CPUSeconds is the sampled time.
	CPUSeconds float64 `json:"cpu_seconds"`
	// NanosPerTuple is the CPU time for each tuple counted meanwhile, zero if that is not known: the sampled time
	// or, where who took the profiles knows it, the time that the system accounts, which misses no short bursts.
	NanosPerTuple float64 `json:"nanoseconds_per_tuple,omitempty"`
	// Shares has every category once, in the order of Categories.
	Shares []Share `json:"shares"`
	// Top is the functions responsible for most of each category, the costliest first.
	Top []Function `json:"top,omitempty"`
	// Flame is the call tree, nil where it was not asked for.
	Flame *Frame `json:"flame,omitempty"`
	// Files are the profiles that were read, relative to the report.
	Files []string `json:"files,omitempty"`
}

// Share is a category's part.
type Share struct {
	Category Category `json:"category"`
	Seconds  float64  `json:"seconds"`
	Share    float64  `json:"share"` // of all, 0 to 1; those of a summary add up to 1
}

// Function is the time that a function is responsible for in one category: its
// own and that of what works for it, such as system calls, maps, and the runtime
// that allocates or copies. What it calls of other packages that do work of
// their own is not part of it.
type Function struct {
	Name     string   `json:"name"`
	Category Category `json:"category"`
	Share    float64  `json:"share"` // of the whole summary, 0 to 1
}

// Frame is a node of a call tree.
type Frame struct {
	Name     string   `json:"n"`
	Category Category `json:"c,omitempty"` // of the samples that end here or, if none do, of most below
	Nanos    int64    `json:"v"`           // with callees
	Children []*Frame `json:"k,omitempty"` // the costliest first
}
