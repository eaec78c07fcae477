package router

import "fmt"

// Grouping says how a consumer divides a stream among its tasks.
type Grouping uint8

// The groupings.
const (
	Shuffle      Grouping = iota // evenly, to the task with the least queued
	LocalShuffle                 // as Shuffle, tasks of the same container first
	Fields                       // by the hash of key fields
	All                          // a copy to every task
	Global                       // all to the task with the lowest id
	Direct                       // the emitter names the task
	None                         // the consumer does not care; as Shuffle
	Custom                       // a user's function in the emitter names the tasks

	groupingLimit
)

var groupingNames = [groupingLimit]string{
	"shuffle", "local-shuffle", "fields", "all", "global", "direct", "none", "custom",
}

// String returns the grouping's name.
func (g Grouping) String() string {
	if g < groupingLimit {
		return groupingNames[g]
	}
	return fmt.Sprintf("grouping(%d)", uint8(g))
}

// Valid reports whether g is one of the groupings.
func (g Grouping) Valid() bool { return g < groupingLimit }

// Addressed reports whether the emitter names the destination, so that the
// stream manager forwards such frames only to the task in their header.
func (g Grouping) Addressed() bool { return g == Direct || g == Custom }

// PerBatch reports whether one decision holds for a whole batch of tuples.
func (g Grouping) PerBatch() bool { return g != Fields }
