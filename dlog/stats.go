package dlog

import (
	"sync/atomic"

	"github.com/ardea-stream/ardea/dlog/pace"
)

// counts are what a store counts.
type counts struct {
	checkpoints, failures, lostEarly, retired, scrubs, scrubbed, damaged atomic.Int64
	lastFailure                                                          atomic.Pointer[error]
}

// Stats are counts and gauges of a store.
type Stats struct {
	Logs            int
	WindowBytes     int64 // in use
	UnflushedBytes  int64 // of it, in no segment file yet
	SinceCheckpoint int64 // bytes
	Checkpoints     int64
	Retired         int64 // segment files that were removed
	Scrubs          int64 // that have come to their end
	ScrubbedBytes   int64
	Damaged         int64      // places that scrubs have found damaged
	Pace            pace.Stats // of what reads from files
	Failures        int64      // behind the back of all calls
	LostEarly       int64      // batches that were acknowledged at an earlier level and could not be made durable
	LastFailure     error
	Stopped         error // why the store appends nothing any more, nil if it does
}

// Stats returns what the store counts.
func (s *Store) Stats() Stats {
	s.window.mu.Lock()
	bytes := s.window.mu.bytes
	s.window.mu.Unlock()
	s.logs.RLock()
	logs := len(s.logs.byID)
	s.logs.RUnlock()
	stats := Stats{
		Logs: logs, WindowBytes: bytes, UnflushedBytes: s.window.unflushed.Load(), SinceCheckpoint: s.sinceCheckpoint.Load(),
		Checkpoints: s.counts.checkpoints.Load(), Retired: s.counts.retired.Load(), Failures: s.counts.failures.Load(),
		Scrubs: s.counts.scrubs.Load(), ScrubbedBytes: s.counts.scrubbed.Load(), Damaged: s.counts.damaged.Load(), Pace: s.pacer.Stats(),
		LostEarly: s.counts.lostEarly.Load(), Stopped: s.Err(),
	}
	if err := s.counts.lastFailure.Load(); err != nil {
		stats.LastFailure = *err
	}
	return stats
}
