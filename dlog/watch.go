package dlog

import (
	"errors"
	"fmt"
	"slices"
)

// watch is somebody who must know whether anything of a log is lost that stands before an offset: others may stand in its
// place soon. It changes with ap and mu held.
type watch struct {
	upTo uint64
	lost error // what was lost failed with this
}

var errLost = errors.New("a batch that was appended before has failed")

// watch watches all that was appended. It must be given to unwatch.
func (l *Log) watch() *watch {
	l.ap.Lock()
	defer l.ap.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	x := &watch{upTo: l.ap.next}
	l.mu.watches = append(l.mu.watches, x)
	return x
}

func (l *Log) unwatch(x *watch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.mu.watches, x)
	l.mu.watches = slices.Delete(l.mu.watches, i, i+1)
}

// lost returns why something of what is watched is lost, nil if nothing is.
func (l *Log) lost(x *watch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return x.lost
}

// loseLocked tells those who watch what stood at an offset or behind it. Who calls holds ap and mu.
func (l *Log) loseLocked(first uint64, cause error) {
	for _, x := range l.mu.watches {
		if x.upTo > first && x.lost == nil {
			x.lost = fmt.Errorf("%w: %w: %w", ErrUnknown, errLost, cause)
		}
	}
}
