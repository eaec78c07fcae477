package profiles

// Hint is one thing to look at to make a run cheaper.
type Hint struct {
	Category Category `json:"category"`
	// NanosPerTuple is what the category costs a tuple, zero if the tuples are not known.
	NanosPerTuple float64 `json:"nanoseconds_per_tuple,omitempty"`
	// Share is that of the whole summary, 0 to 1.
	Share float64 `json:"share"`
	// Functions are those with the most own time in the category, the costliest first.
	Functions []Function `json:"functions,omitempty"`
	// Advice says in a sentence or two what usually helps.
	Advice string `json:"advice"`
}
