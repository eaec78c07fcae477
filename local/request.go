package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/ardea-stream/ardea/local/capture"
)

// MaxProfileDuration is the longest that one request records.
const MaxProfileDuration = time.Hour

// ProfileRequest asks for profiles over some time.
type ProfileRequest struct {
	Kinds    []ProfileKind `json:"kinds"`
	Duration time.Duration `json:"duration_ns"` // above zero, MaxProfileDuration at most
	Dir      string        `json:"dir"`         // where the files go; an absolute path of a directory that exists
	// Processes are the names of those that record, see Process.Name; none
	// means all. A run in one process is recorded as a whole.
	Processes []string `json:"processes,omitempty"`
}

// Validate returns what is wrong with the request itself, as a *RequestError.
func (r *ProfileRequest) Validate() error {
	if _, err := capture.Check(r.Kinds); err != nil {
		return &RequestError{Err: err}
	}
	if r.Duration <= 0 || r.Duration > MaxProfileDuration {
		return &RequestError{Err: fmt.Errorf("a duration of %v: use more than 0 and no more than %v", r.Duration, MaxProfileDuration)}
	}
	if !filepath.IsAbs(r.Dir) {
		return &RequestError{Err: fmt.Errorf("directory %q: give an absolute path", r.Dir)}
	}
	if _, err := checkProfileDir(r.Dir); err != nil {
		return &RequestError{Err: err}
	}
	return nil
}

// Profile has processes record for a while and returns their profiles. The
// error is a *RequestError or one of StartProfiles and StopProfiles; when ctx
// ends it is the cause, and nothing is written.
func (c *Cluster) Profile(ctx context.Context, r ProfileRequest) ([]Profile, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	for _, name := range r.Processes {
		if !slices.ContainsFunc(c.Processes(), func(p Process) bool { return p.Name() == name }) {
			return nil, &RequestError{Err: fmt.Errorf("the run has no process %q", name)}
		}
	}
	wanted := func(p *Process) bool { return len(r.Processes) == 0 || slices.Contains(r.Processes, p.Name()) }
	if err := c.startProfiles(ctx, r.Kinds, wanted); err != nil {
		return nil, err
	}
	timer := time.NewTimer(r.Duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		if _, err := checkProfileDir(r.Dir); err != nil { // it was there
			c.call(func(s *supervisor) { s.dropCapture() })
			return nil, err
		}
		return c.stopProfiles(ctx, r.Dir)
	case <-c.ended:
		return nil, ErrEnded
	case <-ctx.Done():
		c.call(func(s *supervisor) { s.dropCapture() })
		return nil, context.Cause(ctx)
	}
}

// Profile is Cluster.Profile of a run of another program. Its processes write
// the files. The error may be a *RefusedError as well, which wraps
// ErrProfiling, ErrEnded or nothing, or wrap ErrNotRunning.
func (r *Running) Profile(ctx context.Context, request ProfileRequest) ([]Profile, error) {
	if err := request.Validate(); err != nil {
		return nil, err
	}
	a, err := r.ask(ctx, controlRequest{Version: controlVersion, Profile: &request})
	return a.Profiles, err
}

// Sample is Cluster.Sample of a run of another program, of those processes that
// answer soon; ProcessSample.Elapsed says which. The error is a *RefusedError,
// ErrEnded, or the cause of ctx, or wraps ErrNotRunning.
func (r *Running) Sample(ctx context.Context) (*Sample, error) {
	a, err := r.ask(ctx, controlRequest{Version: controlVersion, Sample: true})
	if err == nil && a.Sample == nil {
		err = errors.New("local: the run answers without a sample")
	}
	return a.Sample, err
}

// ask makes a request over the control socket.
func (r *Running) ask(ctx context.Context, request controlRequest) (controlAnswer, error) {
	var a controlAnswer
	conn, err := r.dial(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return a, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	w := lineWriter{w: conn}
	if err = w.write(request); err == nil || errors.Is(err, syscall.EPIPE) { // a run that is crowded answers without reading
		err = newLineReader(conn).read(&a)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return a, context.Cause(ctx)
	case isEnd(err), errors.Is(err, syscall.ECONNRESET):
		return a, ErrEnded // it closes its connections then
	default:
		return a, fmt.Errorf("local: answer of the run: %w", err)
	}
	return a, a.err()
}

// RequestError says that a request cannot be carried out by any run, or not by this one.
type RequestError struct{ Err error }

// Error says what is wrong.
func (e *RequestError) Error() string { return fmt.Sprintf("local: request: %v", e.Err) }

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }

// RefusedError is what a run of another program said instead of doing what was asked.
type RefusedError struct {
	Code string // "malformed", "busy", "crowded", "ended" or "failed"
	Text string
}

// Error gives what the run said.
func (e *RefusedError) Error() string { return "local: the run answers: " + e.Text }

// Unwrap returns ErrProfiling or ErrEnded if that is what the run said, else nil.
func (e *RefusedError) Unwrap() error {
	switch e.Code {
	case codeBusy:
		return ErrProfiling
	case codeEnded:
		return ErrEnded
	default:
		return nil
	}
}

// codeOf sorts errors for the other side.
func codeOf(err error) string {
	var request *RequestError
	switch {
	case errors.As(err, &request):
		return codeMalformed
	case errors.Is(err, ErrProfiling):
		return codeBusy
	case errors.Is(err, errCrowded):
		return codeCrowded
	case errors.Is(err, ErrEnded):
		return codeEnded
	default:
		return codeFailed
	}
}
