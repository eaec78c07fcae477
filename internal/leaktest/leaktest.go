package leaktest

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines may take to end after the test has: a closed connection's reader, for example, ends
// soon, but not at once.
const patience = 5 * time.Second

// resident lists the packages whose goroutines may stay: a stack with frames of these only belongs to the runtime, to
// the test binary, or to the pool of workers that gnet shares among all engines of a process and never stops.
var resident = []string{
	"runtime.",
	"runtime/pprof.",
	"runtime/trace.",
	"os/signal.",
	"testing.",
	"github.com/panjf2000/ants/",
}

// Check fails the test at its end if goroutines run that did not run when Check was called. A test that has failed
// already is let be: it may have stopped half-way.
func Check(tb testing.TB) {
	tb.Helper()
	check(tb, patience)
}

func check(tb testing.TB, patience time.Duration) {
	tb.Helper()
	before := goroutines()
	tb.Cleanup(func() {
		tb.Helper()
		if tb.Failed() {
			return
		}
		leaked := newSince(before)
		deadline := time.Now().Add(patience)
		for wait := time.Millisecond; len(leaked) > 0 && time.Now().Before(deadline); wait = min(2*wait, 200*time.Millisecond) {
			time.Sleep(wait)
			leaked = newSince(before)
		}
		if len(leaked) > 0 {
			tb.Errorf("leaktest: %d goroutines are left:\n\n%s", len(leaked), strings.Join(leaked, "\n\n"))
		}
	})
}

// newSince returns the stacks of the goroutines that run now, are not in before, and may not stay.
func newSince(before map[string]string) []string {
	var stacks []string
	for id, stack := range goroutines() {
		if _, old := before[id]; !old && !mayStay(stack) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// goroutines returns the stack of every goroutine by its id. The runtime never gives an id twice.
func goroutines() map[string]string {
	buf := make([]byte, 64<<10)
	n := runtime.Stack(buf, true)
	for n == len(buf) {
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	byID := map[string]string{}
	for stack := range strings.SplitSeq(string(buf[:n]), "\n\n") {
		stack = strings.TrimSpace(stack)
		// "goroutine 18 [chan receive, 2 minutes]:"
		if fields := strings.Fields(stack); len(fields) > 1 {
			byID[fields[1]] = stack
		}
	}
	return byID
}

// mayStay reports whether all functions on the stack belong to resident packages.
func mayStay(stack string) bool {
	for line := range strings.Lines(stack) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "", strings.HasPrefix(line, "goroutine "), strings.HasPrefix(line, "\t"), strings.HasPrefix(line, "created by "):
		case strings.HasPrefix(line, "..."): // frames that the runtime left out
		case !isResident(line):
			return false
		}
	}
	return true
}

func isResident(function string) bool {
	for _, prefix := range resident {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}
