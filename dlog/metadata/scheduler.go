package metadata

import "github.com/cockroachdb/pebble/v2"

// scheduler lets one compaction run at a time, none while the reserve is short, and none after the DB has stopped: Pebble
// begins a compaction that has failed again at once, and for ever.
//
// Pebble has given the scheduler within a name for tests as it does not look ten times a second whether more compactions
// may run than before. That goroutine would go on for ever when pebble.Open fails, as nothing ends it then. It is not
// missed: here it is always one, so that the end of each is when the next may begin, which is when the scheduler looks.
type scheduler struct {
	*pebble.ConcurrencyLimitScheduler

	may func() bool
}

func newScheduler(may func() bool) scheduler {
	return scheduler{pebble.NewConcurrencyLimitSchedulerWithNoPeriodicGrantingForTest(), may}
}

// Register puts a gate between the scheduler and Pebble.
func (s scheduler) Register(goroutines int, db pebble.DBForCompaction) {
	s.ConcurrencyLimitScheduler.Register(goroutines, gate{db, s.may})
}

// gate is Pebble as the scheduler sees it.
type gate struct {
	pebble.DBForCompaction

	may func() bool
}

// GetAllowedWithoutPermission returns how many compactions may run.
func (g gate) GetAllowedWithoutPermission() int {
	if !g.may() {
		return 0
	}
	return 1
}
