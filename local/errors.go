package local

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrKilled is what Wait returns after Kill.
	ErrKilled = errors.New("local: the run was killed")
	// ErrInChild is returned by Start in a process that Start made: it has to call RunChild.
	ErrInChild = errors.New("local: this process is the child of a run: call RunChild instead of Start")
	// ErrParentGone is returned by RunChild when the parent has died.
	ErrParentGone = errors.New("local: the parent process is gone")
	// ErrNoLogDir says that a topology with durable streams has no place for its logs.
	ErrNoLogDir = errors.New("local: the topology has durable streams and there is no place for their logs: name one by LogDir, or --log-dir")
	// ErrEnded is returned by methods of a cluster that need a running one.
	ErrEnded = errors.New("local: the run has ended")
	// ErrNotRunning says that there is no such run, or no more.
	ErrNotRunning = errors.New("local: there is no running topology")
	// ErrProfiling says that profiles are being recorded or written already.
	ErrProfiling = errors.New("local: profiles of this run are being recorded already: stop that first")
	// ErrNotProfiling says that no profiles are being recorded.
	ErrNotProfiling = errors.New("local: no profiles of this run are being recorded: start that first")
)

// StartError says that a run could not be started. Nothing of it is left.
type StartError struct {
	Topology string
	Err      error
}

// Error names the topology and the cause.
func (e *StartError) Error() string {
	return fmt.Sprintf("local: start topology %s: %v", e.Topology, e.Err)
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// ProcessDiedError says that a process ended before its work did and was not
// started again, or not once more.
type ProcessDiedError struct {
	Process  Process
	Signal   string // that killed it; empty if it exited
	ExitCode int    // -1 if a signal killed it
	Line     string // of its standard error that tells most: the panic, or the last one
	Hung     bool   // it was killed because it did not answer
	Restarts int    // how often it had been started again
	// Limit and Window are Options.MaxRestarts and Options.RestartWindow if that many restarts were used up.
	Limit  int
	Window time.Duration
}

// Error names the process, how it ended, the line, and how often it was started again.
func (e *ProcessDiedError) Error() string {
	text := fmt.Sprintf("local: %s %s", e.Process.describe(), howEnded(e.ExitCode, e.Signal, e.Line, e.Hung))
	if e.Restarts > 0 {
		text += fmt.Sprintf("; it had been started again %d times", e.Restarts)
	}
	if e.Limit > 0 {
		text += fmt.Sprintf(", %d are allowed within %v: cure the cause, or raise MaxRestarts", e.Limit, e.Window)
	}
	return text
}

// howEnded says how a process ended whose work was not done.
func howEnded(exitCode int, signal, line string, hung bool) string {
	how := fmt.Sprintf("exited with status %d before its work was done", exitCode)
	switch {
	case hung:
		how = "did not answer and was killed"
	case signal != "":
		how = "was killed by signal: " + signal
	}
	if line != "" {
		how += ": " + line
	}
	return how
}

// TaskError is an error that a child reported: of a spout or bolt, with the
// stack if it panicked, or of the child itself.
type TaskError struct {
	Process   Process
	Component string // empty if the process as a whole failed
	Task      uint32 // 0 if the process as a whole failed
	Text      string
}

// Error names the process and gives the report.
func (e *TaskError) Error() string {
	if e.Task == 0 {
		return fmt.Sprintf("local: %s failed: %s", e.Process.describe(), e.Text)
	}
	return fmt.Sprintf("local: task %d of %s (pid %d) failed: %s", e.Task, e.Component, e.Process.PID, e.Text)
}

// DrainTimeoutError says which tasks had not ended in time after a drain began.
type DrainTimeoutError struct {
	Timeout    time.Duration
	Unfinished []Process // each with the tasks that were left
}

// Error names the tasks.
func (e *DrainTimeoutError) Error() string {
	names := make([]string, len(e.Unfinished))
	for i := range e.Unfinished {
		names[i] = e.Unfinished[i].describe()
	}
	return fmt.Sprintf("local: the drain was not done after %v, everything was stopped; unfinished: %s", e.Timeout, strings.Join(names, "; "))
}

// PublishError says that a task published more than MaxPublished bytes at once. They are lost.
type PublishError struct {
	Component string
	Task      uint32
	Name      string
	Size      int // in bytes
}

// Error names the task, the result and both sizes.
func (e *PublishError) Error() string {
	return fmt.Sprintf("local: task %d of %s published %q of %d bytes, more than the limit of %d", e.Task, e.Component, e.Name, e.Size, MaxPublished)
}

// DirInUseError says that another run has the run directory.
type DirInUseError struct {
	Dir string
	PID string // of the other parent, as it wrote it; empty if unknown
}

// Error names the directory and the process.
func (e *DirInUseError) Error() string {
	return fmt.Sprintf("local: run directory %s is in use by process %s: choose another one", e.Dir, e.PID)
}

// LogDirError says that the logs of durable streams cannot be where they should be.
type LogDirError struct {
	Dir string // of the store, of one container
	Err error  // of dlog.Open, or of the file system
}

// Error names the folder and the cause.
func (e *LogDirError) Error() string {
	return fmt.Sprintf("local: log directory %s: %v", e.Dir, e.Err)
}

// Unwrap returns the cause.
func (e *LogDirError) Unwrap() error { return e.Err }

// ProfileError says that a process has not recorded or not written profiles.
type ProfileError struct {
	Process Process
	Text    string // what it said, or what became of it
}

// Error names the process and says why.
func (e *ProfileError) Error() string {
	return fmt.Sprintf("local: profiles of %s: %s", e.Process.describe(), e.Text)
}

// errAddressInUse is the cause of a StartError that fresh ports may cure.
var errAddressInUse = errors.New("local: a port that was free is in use now")
