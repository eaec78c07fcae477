package instance

import (
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

// Calls of user code, as TaskError.Op names them.
const (
	opNew     = "New"
	opOpen    = "Open"
	opNext    = "Next"
	opExecute = "Execute"
	opTick    = "Tick"
	opFinish  = "Finish"
	opClose   = "Close"
	opSeek    = "Seek"
	opReplay  = "Replay"
	opAck     = "Ack"
	opFail    = "Fail"
	opSave    = "position" // of the spout, written to a file: not a call of user code
)

// reportEvery is the time in which one error is reported and the others are only counted.
const reportEvery = int64(time.Second)

// report limits the rate of reported errors.
type report struct {
	next       int64 // when one may be reported again, by task.clock
	suppressed int   // not reported since the last one
}

func (r *report) ready(now int64) bool {
	if now < r.next {
		r.suppressed++
		return false
	}
	r.next = now + reportEvery
	return true
}

// guard runs f and turns a panic of user code, that is, one while t.op names a
// call, into a *TaskError. Other panics are bugs of this package and go on.
func (t *task) guard(f func() error) (panicked bool, err error) {
	defer func() {
		op := t.op
		if op == "" {
			return
		}
		t.op = ""
		if v := recover(); v != nil {
			panicked, err = true, t.panicked(op, v)
		}
	}()
	return false, f()
}

// panicked counts a panic and returns it as an error. The stack is that of the
// deferred call, which still holds the frames that panicked.
func (t *task) panicked(op string, value any) error {
	t.count.panics++
	t.count.errors++
	e := t.taskError(op, &PanicError{Value: value})
	survivable := op == opExecute || op == opTick
	report := !survivable || t.report.ready(t.clock())
	if report || t.acks != nil { // a fail frame holds it too
		e.Stack = string(debug.Stack())
	}
	if report {
		t.tell(e)
	}
	return e
}

// fault counts an error that the task survives, and reports it if none was reported lately. One that it does not survive
// is reported and kept in t.fatal.
func (t *task) fault(op string, err error) {
	if errors.Is(err, topology.ErrFatal) {
		t.fatal = t.failure(op, err)
		return
	}
	t.count.errors++
	if t.report.ready(t.clock()) {
		t.tell(t.taskError(op, err))
	}
}

// failure counts and reports an error that ends the task, and returns it as a *TaskError.
func (t *task) failure(op string, err error) error {
	t.count.errors++
	e := t.taskError(op, err)
	t.tell(e)
	return e
}

func (t *task) taskError(op string, err error) *TaskError {
	return &TaskError{Component: t.inst.placed.Name, Task: t.inst.cfg.Task, Op: op, Err: err}
}

// tell reports an error by the log and by Metrics.
func (t *task) tell(e *TaskError) {
	detail := e.Detail()
	t.inst.published.lastError.Store(&detail)
	attrs := []any{slog.String("op", e.Op), slog.Any("err", e.Err), slog.Int("suppressed", t.report.suppressed)}
	if e.Stack != "" {
		attrs = append(attrs, slog.String("stack", e.Stack))
	}
	t.report.suppressed = 0
	t.log.Error("user code failed", attrs...)
}

// call guards one call of user code outside the loops. An error that the code
// returns because the task is stopping is replaced by the reason for that.
func (t *task) call(op string, f func() error) error {
	panicked, err := t.guard(func() error {
		t.op = op
		err := f()
		t.op = ""
		return err
	})
	if panicked || err == nil {
		return err
	}
	if stop := t.stopped(); stop != nil && op != opClose {
		return stop
	}
	return t.failure(op, err)
}
