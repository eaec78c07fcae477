package instance

import (
	"sync/atomic"
)

// Metrics is how a task has done so far. Counts rise from 0 at New; sizes are
// in bytes with frame headers. Frames and bytes are those of data frames.
type Metrics struct {
	Emitted     int64 `json:"emitted"`      // tuples, each once however many consumers it has
	Received    int64 `json:"received"`     // tuples handed to Execute
	FramesIn    int64 `json:"frames_in"`    // data frames handled
	FramesOut   int64 `json:"frames_out"`   // data frames written
	BytesIn     int64 `json:"bytes_in"`     // of data frames handled
	BytesOut    int64 `json:"bytes_out"`    // of data frames written
	Errors      int64 `json:"errors"`       // errors of user code, panics included
	Panics      int64 `json:"panics"`       // panics of user code
	Clamps      int64 `json:"clamps"`       // times that a destination began to hold the spout back
	CreditWaits int64 `json:"credit_waits"` // times that a batch or a spout had to wait for credit
	Reconnects  int64 `json:"reconnects"`   // links that followed the first
	Malformed   int64 `json:"malformed"`    // links closed because of what the stream manager sent
	Syscalls    int64 `json:"syscalls"`     // reads and writes of the socket
	Pending     int64 `json:"pending"`      // tuples of a spout that are tracked now, those that wait to be replayed included
	Acked       int64 `json:"acked"`        // tuples of a spout that are complete
	Failed      int64 `json:"failed"`       // tuples of a spout that were given up
	Replayed    int64 `json:"replayed"`     // tuples that a spout has emitted again, dead letters included
	TimedOut    int64 `json:"timed_out"`    // times that a tuple was not acked within the message timeout
	Lost        int64 `json:"lost"`         // times that a tuple was taken for lost with a process or link
	DeadLetters int64 `json:"dead_letters"` // dead letters that were acked
	// Latency is the time from EmitID until all was done, of one in eight tuples.
	Latency   LatencyBuckets `json:"latency,omitzero"`
	Ended     bool           `json:"ended"`      // all streams of the task have ended
	LastError string         `json:"last_error"` // last error that was reported, with the stack of a panic
}

// counters is what the task counts, without synchronization.
type counters struct {
	received, framesIn, framesOut, bytesIn, bytesOut int64
	errors, panics, clamps, creditWaits              int64
	reconnects, malformed, syscalls                  int64
	failed, replayed, timedOut, lost                 int64
	deadLetters                                      int64
}

// published is what Metrics reads: the counters as they were about a batch ago.
type published struct {
	emitted, received, framesIn, framesOut, bytesIn, bytesOut atomic.Int64
	errors, panics, clamps, creditWaits                       atomic.Int64
	reconnects, malformed, syscalls                           atomic.Int64
	pending, acked, failed, replayed, timedOut, lost          atomic.Int64
	deadLetters                                               atomic.Int64
	latency                                                   LatencyRecorder
	ended                                                     atomic.Bool
	lastError                                                 atomic.Pointer[string]
}

// Metrics returns the task's figures as of about the last batch. Any goroutine
// may call it, also before and after Run.
func (i *Instance) Metrics() Metrics {
	p := &i.published
	m := Metrics{
		Emitted: p.emitted.Load(), Received: p.received.Load(),
		FramesIn: p.framesIn.Load(), FramesOut: p.framesOut.Load(),
		BytesIn: p.bytesIn.Load(), BytesOut: p.bytesOut.Load(),
		Errors: p.errors.Load(), Panics: p.panics.Load(),
		Clamps: p.clamps.Load(), CreditWaits: p.creditWaits.Load(),
		Reconnects: p.reconnects.Load(), Malformed: p.malformed.Load(),
		Syscalls: p.syscalls.Load(), Ended: p.ended.Load(),
		Pending: p.pending.Load(), Acked: p.acked.Load(), Failed: p.failed.Load(), Replayed: p.replayed.Load(),
		TimedOut: p.timedOut.Load(), Lost: p.lost.Load(), DeadLetters: p.deadLetters.Load(),
		Latency: p.latency.Snapshot(),
	}
	if s := p.lastError.Load(); s != nil {
		m.LastError = *s
	}
	return m
}

// publish makes the counters visible to other goroutines.
func (t *task) publish() {
	p, c := &t.inst.published, &t.count
	p.emitted.Store(int64(t.out.Emitted()))
	p.received.Store(c.received)
	p.framesIn.Store(c.framesIn)
	p.framesOut.Store(c.framesOut)
	p.bytesIn.Store(c.bytesIn)
	p.bytesOut.Store(c.bytesOut)
	p.errors.Store(c.errors)
	p.panics.Store(c.panics)
	p.clamps.Store(c.clamps)
	p.creditWaits.Store(c.creditWaits)
	p.reconnects.Store(c.reconnects)
	p.malformed.Store(c.malformed)
	syscalls := c.syscalls
	if t.link != nil {
		syscalls += t.link.calls
	}
	p.syscalls.Store(syscalls)
	if s, ok := t.worker.(*spout); ok && s.tracked != nil {
		s.tracked.publishTracked()
	}
}
