package dlog

import "fmt"

// failure is batches of a writer that could not be made durable, of which its callers do not know all yet. It keeps
// batches that follow them from being appended in their place. All of it is under the log's ap.
type failure struct {
	err    error
	unseen int  // batches whose error Wait has not returned
	lost   bool // some were acknowledged at an earlier level, so that nobody will ask
}

// failLocked notes that a batch has failed, before its appender is told.
func (w *Writer) failLocked(f *Future, err error) {
	if f.done != nil && !f.told {
		return // it will know before anybody appends
	}
	if w.failed == nil {
		w.failed = &failure{err: err}
	}
	if f.told {
		w.failed.lost = true
		return
	}
	w.failed.unseen++
	f.failed = w.failed
}

// seen notes that somebody knows of one of the batches.
func (w *Writer) seen(of *failure) {
	w.log.ap.Lock()
	defer w.log.ap.Unlock()
	if of.unseen--; of.unseen == 0 && !of.lost && w.failed == of {
		w.failed = nil
	}
}

// refuseLocked returns the error with which an append is refused. It tells of batches that were acknowledged earlier.
func (w *Writer) refuseLocked() error {
	of := w.failed
	of.lost = false
	if of.unseen == 0 {
		w.failed = nil
	}
	return fmt.Errorf("batches before it have failed: %w", of.err)
}
