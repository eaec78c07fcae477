package metadata

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// listener is what Pebble logs to and tells of its failures. By itself Pebble would end the process where it cannot go
// on: it does so by Fatalf, and relies on that not to return. Here it does return, and leaves a mark that every later
// call finds, and that a commit looks for before it is believed.
//
// A flush or compaction that fails is one more such place, although Pebble thinks otherwise and tries again: how long a
// disk stays full nobody can tell, and meanwhile the memory and the log of Pebble would grow.
type listener struct {
	hooks   Hooks
	reserve *reserve
	fatal   atomic.Pointer[error]
}

var _ pebble.Logger = (*listener)(nil)

// Infof passes a line on.
func (l *listener) Infof(format string, args ...any) {
	if l.hooks.Said != nil {
		l.hooks.Said(fmt.Sprintf(format, args...))
	}
}

// Errorf passes a line on.
func (l *listener) Errorf(format string, args ...any) { l.Infof(format, args...) }

// Fatalf stops the DB.
func (l *listener) Fatalf(format string, args ...any) {
	causes := []error{ErrStopped}
	for _, a := range args {
		if err, is := a.(error); is {
			causes = append(causes, classify(err))
		}
	}
	_ = l.stop(&stoppedError{text: strings.TrimPrefix(fmt.Sprintf(format, args...), "pebble: "), causes: causes})
}

// stop has every later call fail, and returns why.
func (l *listener) stop(err error) error {
	if l.fatal.CompareAndSwap(nil, &err) {
		if l.hooks.Failed != nil {
			l.hooks.Failed(err)
		}
	}
	return *l.fatal.Load()
}

// failure returns why the DB has stopped, if it has.
func (l *listener) failure() error {
	if err := l.fatal.Load(); err != nil {
		return *err
	}
	return nil
}

func (l *listener) stopped() bool { return l.failure() != nil }

// events returns the functions that Pebble calls.
func (l *listener) events() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			_ = l.stop(&stoppedError{text: err.Error(), causes: []error{ErrStopped, classify(err)}})
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			_ = l.stop(&stoppedError{text: info.Details.Error(), causes: []error{ErrStopped, ErrCorrupt, info.Details}})
		},
	}
}

// stoppedError says why the DB takes nothing any more.
type stoppedError struct {
	text   string
	causes []error
}

func (e *stoppedError) Error() string   { return fmt.Sprintf("%v: %s", ErrStopped, e.text) }
func (e *stoppedError) Unwrap() []error { return e.causes }
