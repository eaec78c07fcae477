// Package plan holds what is to run and where, as immutable values: the
// logical plan (components, streams, tasks), the packing of tasks to
// containers, and the physical plan that adds addresses, the hash seed and the
// epoch. A process receives the physical plan as bytes, see [Plan.Marshal].
package plan
