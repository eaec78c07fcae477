package rivals

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

// How long an adapter may take.
const (
	startTimeout  = 2 * time.Minute  // until it has counted a word
	silentTimeout = 30 * time.Second // between two lines of progress
	drainTimeout  = 90 * time.Second // from stop to the result
	leaveTimeout  = 30 * time.Second // from the result to the end of the program: brokers close their files
	endTimeout    = 10 * time.Second // from SIGTERM
)

// noStart is the Kind of an AdapterError of a run in which nothing was counted: other runs of the row would wait as long.
const noStart = "start"

// Kinds of a CountError, as Skipped has them.
const (
	wrongCount = "count"
	notDrained = "drain" // words were still under way, so the count tells nothing
)

// AdapterError says that an adapter has not done what it was asked for.
type AdapterError struct {
	Row  string
	Kind string // contract.Usage, contract.Missing, contract.Failure, or "start" if it has counted nothing
	Text string
}

func (e *AdapterError) Error() string {
	if e.Kind == contract.Missing {
		return fmt.Sprintf("rivals: %s cannot run here: %s", e.Row, e.Text)
	}
	return fmt.Sprintf("rivals: %s: %s", e.Row, e.Text)
}

// session is an adapter that runs. It is for one goroutine.
type session struct {
	row     string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	lines   chan heard
	exited  chan struct{} // closed when the adapter has ended
	status  error         // of its end; read after exited
	family  *family
	log     string // file of standard error
	counted uint64 // as the last line of progress said
	started int64  // on CLOCK_MONOTONIC
	first   int64  // instant of the first result; 0: not known yet
	result  *contract.Result
	hello   contract.Line
}

// heard is a line of an adapter.
type heard struct {
	contract.Line
	result *contract.Result
	err    error // the line is not what the contract allows
}

// runs numbers the runs of this process.
var runs atomic.Uint64

// begin starts an adapter; dir is an empty folder of its own. The caller must call end.
func (a Adapter) begin(ctx context.Context, row, dir string, now func() int64, args ...string) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	mark := strconv.Itoa(os.Getpid()) + "-" + strconv.FormatUint(runs.Add(1), 10) + "-" + strconv.FormatInt(now(), 36)
	s := &session{row: row, lines: make(chan heard, 64), exited: make(chan struct{}), family: newFamily(mark), log: filepath.Join(dir, "stderr")}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own
	all := append(append([]string{}, a.Args[1:]...), args...)
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), a.Args[0], all...) // it is told to end before it is killed
	s.cmd.Env = append(os.Environ(), markName+"="+mark)
	s.cmd.Stderr = log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the driver, which stops it
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stdout = to
	s.started = now()
	err = s.cmd.Start()
	_ = to.Close() // the child has its own
	if err != nil {
		_ = stdout.Close()
		return nil, fmt.Errorf("rivals: %s: %w", row, err)
	}
	go s.read(stdout)
	go func() { // until the adapter has ended
		s.status = s.cmd.Wait()
		close(s.exited)
	}()
	return s, nil
}

// read hears lines until standard output ends, which it does when the last process of the run has closed it.
func (s *session) read(stdout io.ReadCloser) {
	defer close(s.lines)
	defer func() { _ = stdout.Close() }() // it is only read
	const longest = 64 << 20              // a result with histograms
	scan := bufio.NewScanner(stdout)
	scan.Buffer(nil, longest)
	for scan.Scan() {
		if !bytes.HasPrefix(scan.Bytes(), []byte("{")) {
			continue // libraries of the systems print what they like
		}
		var h heard
		h.err = json.Unmarshal(scan.Bytes(), &h.Line)
		if h.err == nil && h.Type == contract.Finished {
			h.result = &contract.Result{}
			h.err = json.Unmarshal(scan.Bytes(), h.result)
		}
		if h.err != nil {
			h.err = fmt.Errorf("it says %.200q, which is not a line of the contract: %w", scan.Bytes(), h.err)
		}
		s.lines <- h
	}
}

// next waits for a line of a type and handles those of other types.
func (s *session) next(ctx context.Context, limit time.Duration, kind string) (contract.Line, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return contract.Line{}, context.Cause(ctx)
		case <-timer.C:
			return contract.Line{}, s.fault("it has not said %q within %v", kind, limit)
		case h, more := <-s.lines:
			switch {
			case !more:
				return contract.Line{}, s.fault("it has ended without saying %q", kind)
			case h.err != nil:
				return contract.Line{}, s.fault("%v", h.err)
			case h.Type == contract.Failed:
				return contract.Line{}, &AdapterError{s.row, h.Kind, h.Text}
			case h.Type == contract.FirstResult:
				s.first = h.T
			case h.Type == contract.Finished:
				s.result = h.result
			}
			if h.Type == kind {
				return h.Line, nil
			}
			if s.result != nil {
				return contract.Line{}, s.fault("it has finished before it has said %q", kind)
			}
		}
	}
}

// stderrText stands before the last lines of standard error.
const stderrText = "; its standard error ends with: "

// fault is an error with the last lines of standard error.
func (s *session) fault(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if tail := tailOf(s.log); tail != "" {
		text += stderrText + tail
	}
	return &AdapterError{s.row, contract.Failure, text}
}

// tailOf returns the last lines of a file.
func tailOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	const most = 1500
	text = bytes.TrimSpace(text)
	return strings.ToValidUTF8(string(text[max(0, len(text)-most):]), "?")
}

// say tells the adapter something.
func (s *session) say(word string) error {
	if _, err := io.WriteString(s.stdin, word+"\n"); err != nil {
		return s.fault("it does not listen: %v", err)
	}
	return nil
}

// finish waits for the result and for the end of the adapter.
func (s *session) finish(ctx context.Context) error {
	if _, err := s.next(ctx, drainTimeout, contract.Finished); err != nil {
		return err
	}
	s.family.look()
	select {
	case <-s.exited:
		if s.status != nil { // its counts are complete all the same
			s.result.Notes = append(s.result.Notes, fmt.Sprintf("it ended with %v behind its result", s.status))
		}
		return nil
	case <-time.After(leaveTimeout):
		return s.fault("it has not ended %v after its result", leaveTimeout)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end makes sure that nothing of the run is left: it asks first, and kills what does not go.
func (s *session) end() {
	_ = s.stdin.Close() // which tells the adapter to end; it may have ended
	self := process{pid: s.cmd.Process.Pid}
	select {
	case <-s.exited:
	default:
		if now, _, ok := readStat(self.pid); ok {
			now.signal(syscall.SIGTERM)
		}
		select {
		case <-s.exited:
		case <-time.After(endTimeout):
			_ = s.cmd.Process.Kill() // it ends at this moment otherwise
			<-s.exited
		}
	}
	for range killRounds {
		s.family.look()
		left := s.family.alive()
		if len(left) == 0 {
			break
		}
		for _, p := range left {
			p.signal(syscall.SIGKILL)
		}
		time.Sleep(killPause) // the kernel tells nobody when a process of others has ended
	}
	for range s.lines { // ends when the last has closed standard output
	}
}

const (
	killRounds = 50
	killPause  = 20 * time.Millisecond
)

// errKind returns what an error of a row is for the report.
func errKind(err error) string {
	if a, is := errors.AsType[*AdapterError](err); is {
		return a.Kind
	}
	if c, is := errors.AsType[*CountError](err); is {
		if c.Undrained {
			return notDrained
		}
		return wrongCount
	}
	return contract.Failure
}
