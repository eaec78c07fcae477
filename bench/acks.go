package bench

import (
	"encoding/json"
	"fmt"

	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// acksTally is the name under which a spout task publishes its acks.
const acksTally = "acks"

// acks numbers the tuples of a spout task and counts what becomes of them.
// Spouts embed it: it is their topology.Acker. Nothing of it is used unless
// tuples are tracked.
type acks struct {
	tracked bool
	count   ackTally
}

// ackTally is what became of the tuples of a spout task, or of all together.
type ackTally struct {
	Emitted uint64 `json:"emitted"` // with the ids from 1 on
	Acked   uint64 `json:"acked"`   // calls of Ack
	Sum     uint64 `json:"sum"`     // of the ids that were acked
	Failed  uint64 `json:"failed"`  // calls of Fail
	Why     string `json:"why"`     // of the first Fail
}

// acks returns what counts the acks of a spout task.
func (s Spec) acks() acks { return acks{tracked: s.promise().Tracked()} }

// emit is Emit, or EmitID with the next id if tuples are tracked.
func (a *acks) emit(out *topology.Collector, values ...topology.Value) error {
	if !a.tracked {
		return out.Emit(values...)
	}
	return a.emitID(out, values...)
}

// emitID is EmitID with the next id. Acks of earlier tuples may come meanwhile.
func (a *acks) emitID(out *topology.Collector, values ...topology.Value) error {
	a.count.Emitted++
	err := out.EmitID(a.count.Emitted, values...)
	if err != nil {
		a.count.Emitted--
	}
	return err
}

// Ack counts a tuple that is complete.
func (a *acks) Ack(id uint64) {
	a.count.Acked++
	a.count.Sum += id
}

// Fail counts a tuple that was given up.
func (a *acks) Fail(id uint64, f *topology.Failure) {
	if a.count.Failed++; a.count.Failed == 1 {
		a.count.Why = fmt.Sprintf("tuple %d: %v", id, f)
	}
}

// publish publishes the tally, if there is one.
func (a *acks) publish(task *topology.Task) error {
	if !a.tracked {
		return nil
	}
	return publishJSON(task, acksTally, a.count)
}

// complete reports whether each tuple was acked, once, and none failed.
func (t ackTally) complete() bool {
	n, m := t.Emitted, t.Emitted+1 // one of which is even
	if n%2 == 0 {
		n /= 2
	} else {
		m /= 2
	}
	return t.Acked == t.Emitted && t.Sum == n*m && t.Failed == 0
}

// AckError says that a run's tuples were not each acked, once. Its figures are
// worth nothing.
type AckError struct {
	Run      string // which one
	Emitted  uint64 // by spouts, tracked
	Acked    uint64 // told to spouts
	Failed   uint64 // told to spouts
	Replayed uint64 // emitted again, though nothing was killed
	Text     string // what else is known, may be empty
}

// Error says what is wrong.
func (e *AckError) Error() string {
	text := e.Text
	if text != "" {
		text = ": " + text
	}
	switch {
	case e.Failed > 0:
		return fmt.Sprintf("bench: %s is wrong: %d of %d tuples failed%s", e.Run, e.Failed, e.Emitted, text)
	case e.Acked != e.Emitted:
		return fmt.Sprintf("bench: %s is wrong: %d tuples were emitted and %d acked%s", e.Run, e.Emitted, e.Acked, text)
	case e.Replayed > 0:
		return fmt.Sprintf("bench: %s is wrong: %d of %d tuples were replayed though nothing was lost%s", e.Run, e.Replayed, e.Emitted, text)
	default:
		return fmt.Sprintf("bench: %s is wrong: %d tuples were acked as often as emitted, but some twice and others never%s", e.Run, e.Acked, text)
	}
}

// ackCounts are the counts of acks of a whole run.
type ackCounts struct{ acked, failed, replayed uint64 }

// checkAcks checks that every tuple of a run was acked, once, and that none was
// replayed. Without tracking there is nothing to check. The error is an
// *AckError, or says which task has not published its tally.
func checkAcks(name string, spec Spec, result *local.Result) (ackCounts, error) {
	if !spec.promise().Tracked() {
		return ackCounts{}, nil
	}
	tallies := result.Published[acksTally]
	if len(tallies) != spec.Spouts {
		return ackCounts{}, fmt.Errorf("bench: %d of %d spouts published their acks, so the run cannot be checked; published are %s",
			len(tallies), spec.Spouts, publishedNames(result.Published))
	}
	e := &AckError{Run: name}
	sound := true
	for task, data := range tallies {
		var t ackTally
		if err := json.Unmarshal(data, &t); err != nil {
			return ackCounts{}, fmt.Errorf("bench: acks of task %d: %w", task, err)
		}
		sound = sound && t.complete()
		e.Emitted += t.Emitted
		e.Acked += t.Acked
		e.Failed += t.Failed
		if t.Why != "" {
			e.Text = t.Why
		}
	}
	e.Replayed = replayedIn(result.Sample)
	counts := ackCounts{acked: e.Acked, failed: e.Failed, replayed: e.Replayed}
	if !sound || e.Replayed > 0 {
		return counts, e
	}
	return counts, nil
}

// replayedIn returns how many tuples the spouts of a run have emitted again.
func replayedIn(s *local.Sample) uint64 {
	var n uint64
	for i := range s.Processes {
		for j := range s.Processes[i].Instances {
			n += uint64(s.Processes[i].Instances[j].Metrics.Replayed)
		}
	}
	return n
}
