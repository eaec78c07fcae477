package local

import "time"

// Result is what is left of a run.
type Result struct {
	Topology    string        `json:"topology"`
	Mode        string        `json:"mode"`
	Containers  int           `json:"containers"`
	Elapsed     time.Duration `json:"elapsed_ns"`  // from the moment all processes were up to the end of the last task
	Interrupted bool          `json:"interrupted"` // the context ended, and so the run
	// Sample is made of the last that each process said, which is from the
	// end of its work unless it was killed.
	Sample *Sample `json:"sample"`
	// Published is what tasks published, by name and task; of equal ones the last.
	Published map[string]map[uint32][]byte `json:"published,omitempty"`
	// Exits are in the order of Sample.Processes; empty with Options.InProcess.
	Exits []Exit `json:"exits,omitempty"`
	// Deaths are those of processes whose work was not done, in their order; of many the last 100.
	Deaths []Death `json:"deaths,omitempty"`
}

// Exit is how a process ended and what the kernel says it used.
type Exit struct {
	Process

	ExitCode      int     `json:"exit_code"`        // -1 if a signal killed it
	Signal        string  `json:"signal,omitempty"` // that killed it
	Forced        bool    `json:"forced,omitempty"` // it was killed because it did not stop when told to
	Restarts      int     `json:"restarts,omitempty"`
	UserSeconds   float64 `json:"user_seconds"` // of all its starts together, as below
	SystemSeconds float64 `json:"system_seconds"`
}
