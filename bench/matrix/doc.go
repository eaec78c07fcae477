// Package matrix runs a suite of measurements that a YAML file describes.
//
// [Load] reads the file and names everything that is wrong with it, each fault
// with its line and what to do. [Matrix.Estimate] says how long a run will take.
// [Run] measures section after section with the functions of package bench and
// returns a bench.Suite; ended early, it returns what was measured so far, marked
// as partial. [Dir] keeps results so that none is ever half-written.
//
// A matrix has a name, defaults, and sections:
//
//	name: example
//	defaults: {duration: 2s, warm_up: 1500ms, repeat: 3}
//	sections:
//	  - name: random-words
//	    kind: throughput
//	    modes: [naive, optimized]
//	    profiles: true
//
// docs/bench.md lists the fields. Those of the project are in package matrices.
//
// # Threads
//
// One Run at a time in a process: two would measure each other. Callbacks of
// [Options] are called by the goroutine that called Run or by those of the
// measuring functions, never two at once. A Matrix is not changed once loaded. A
// Dir is used by one goroutine.
package matrix
