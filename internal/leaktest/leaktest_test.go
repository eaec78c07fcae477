package leaktest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// recorder stands in for a test: it keeps its cleanup and what it was told.
type recorder struct {
	testing.TB

	cleanup func()
	failed  bool
	said    string
}

func (*recorder) Helper()            {}
func (r *recorder) Cleanup(f func()) { r.cleanup = f }
func (r *recorder) Failed() bool     { return r.failed }
func (r *recorder) Errorf(format string, args ...any) {
	r.failed, r.said = true, fmt.Sprintf(format, args...)
}

func waitFor(stop chan struct{}) { <-stop }

func TestLeakIsReportedWithItsStack(t *testing.T) {
	r := &recorder{}
	check(r, 20*time.Millisecond)
	stop := make(chan struct{})
	go waitFor(stop)
	r.cleanup()
	close(stop)
	if !r.failed || !strings.Contains(r.said, "1 goroutines are left") || !strings.Contains(r.said, "leaktest.waitFor") {
		t.Errorf("the leak was reported as %q", r.said)
	}
}

func TestGoroutineThatEndsInTimeIsNoLeak(t *testing.T) {
	r := &recorder{}
	check(r, patience)
	stop := make(chan struct{})
	go waitFor(stop)
	time.AfterFunc(10*time.Millisecond, func() { close(stop) })
	r.cleanup()
	if r.failed {
		t.Errorf("reported: %s", r.said)
	}
}

func TestOlderGoroutinesAreNoLeak(t *testing.T) {
	stop := make(chan struct{})
	go waitFor(stop)
	defer close(stop)
	r := &recorder{}
	check(r, 0)
	r.cleanup()
	if r.failed {
		t.Errorf("reported: %s", r.said)
	}
}

func TestFailedTestIsLetBe(t *testing.T) {
	r := &recorder{}
	check(r, 0)
	stop := make(chan struct{})
	go waitFor(stop)
	defer close(stop)
	r.failed = true
	r.cleanup()
	if r.said != "" {
		t.Errorf("reported: %s", r.said)
	}
}

func TestCheckRunsOnARealTest(t *testing.T) {
	Check(t)
	done := make(chan struct{})
	go close(done)
	<-done
}

func TestWhoMayStay(t *testing.T) {
	const ants = `goroutine 9 [chan receive]:
github.com/panjf2000/ants/v2.(*goWorker).run.func1()
	ants/worker.go:67 +0x9c
created by github.com/panjf2000/ants/v2.(*goWorker).run in goroutine 7
	ants/worker.go:50 +0x5c`
	const busyWorker = `goroutine 9 [chan receive]:
example.com/user.block()
	user.go:3 +0x9c
github.com/panjf2000/ants/v2.(*goWorker).run.func1()
	ants/worker.go:67 +0x9c
created by github.com/panjf2000/ants/v2.(*goWorker).run in goroutine 7
	ants/worker.go:50 +0x5c`
	const signals = `goroutine 4 [syscall]:
os/signal.signal_recv()
	runtime/sigqueue.go:152 +0x98
os/signal.loop()
	os/signal/signal_unix.go:23 +0x13
created by os/signal.Notify.func1.1 in goroutine 1
	os/signal/signal.go:152 +0x1f`
	const group = `goroutine 5 [sync.WaitGroup.Wait]:
sync.(*WaitGroup).Wait(0xc0)
	sync/waitgroup.go:118 +0x48
created by testing.(*T).Run in goroutine 1
	testing/testing.go:1 +0x1f`
	for _, tc := range []struct {
		name, stack string
		want        bool
	}{
		{"an idle pool worker", ants, true},
		{"a pool worker inside user code", busyWorker, false},
		{"the signal loop", signals, true},
		{"a wait that a test forgot", group, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := mayStay(tc.stack); got != tc.want {
				t.Errorf("mayStay is %v, want %v", got, tc.want)
			}
		})
	}
}
