package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	controlVersion = 1
	// maxRequest bounds a request, in bytes, and requestPatience how long it may take to arrive.
	maxRequest      = 1 << 20
	requestPatience = 10 * time.Second
	// maxRequests is how many requests are carried out at a time, and
	// maxConnections how many may be under way: more are not even read.
	maxRequests    = 64
	maxConnections = 4 * maxRequests
)

// Codes of a controlAnswer.
const (
	codeMalformed = "malformed"
	codeBusy      = "busy"
	codeEnded     = "ended"
	codeFailed    = "failed"
	codeCrowded   = "crowded"
)

// controlRequest is what another program of the user asks of a run: one line of
// JSON. It is withdrawn by closing the connection. One thing is asked for.
type controlRequest struct {
	Version int             `json:"version"`
	Profile *ProfileRequest `json:"profile,omitempty"`
	Sample  bool            `json:"sample,omitempty"`
}

// controlAnswer is a line of JSON as well.
type controlAnswer struct {
	Profiles []Profile `json:"profiles,omitempty"`
	Sample   *Sample   `json:"sample,omitempty"`
	Code     string    `json:"code,omitempty"` // empty: no error
	Text     string    `json:"text,omitempty"`
}

func (a *controlAnswer) err() error {
	if a.Code == "" {
		return nil
	}
	return &RefusedError{Code: a.Code, Text: a.Text}
}

var (
	errWithdrawn = errors.New("local: who asked has gone")
	errNoRequest = errors.New("local: no request: somebody has looked whether the run lives")
	errCrowded   = fmt.Errorf("local: %d requests are being carried out already: try again later", maxRequests)
)

// control serves the control socket of a run. Who may connect is decided by the
// mode of the run directory: the user alone.
type control struct {
	c        *Cluster
	listener net.Listener
	ctx      context.Context // of requests
	cancel   context.CancelCauseFunc
	running  sync.WaitGroup

	connections, requests atomic.Int64 // now
}

// serveControl serves until close.
func serveControl(ctx context.Context, c *Cluster, path string) (*control, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("local: control socket: %w", err)
	}
	s := &control{c: c, listener: l}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	s.running.Go(func() {
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			switch {
			case err != nil && !s.pause():
				return
			case err == nil && s.connections.Add(1) > maxConnections:
				s.connections.Add(-1)
				answer(conn, controlAnswer{Code: codeCrowded, Text: errCrowded.Error()})
				_ = conn.Close()
			case err == nil:
				s.running.Go(func() {
					defer s.connections.Add(-1)
					s.serve(conn)
				})
			}
		}
	})
	return s, nil
}

// pause waits for better times, such as a free file descriptor.
func (s *control) pause() bool {
	t := time.NewTimer(100 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// close removes the socket and waits until nobody is served any more.
func (s *control) close() {
	s.cancel(ErrEnded)
	_ = s.listener.Close()
	s.running.Wait()
}

// serve answers the one request of a connection.
func (s *control) serve(conn net.Conn) {
	ctx, withdraw := context.WithCancelCause(s.ctx)
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer withdraw(nil)
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	_ = conn.SetReadDeadline(time.Now().Add(requestPatience))
	in := bufio.NewReader(io.LimitReader(conn, maxRequest))
	request, err := readRequest(in)
	if errors.Is(err, errNoRequest) || ctx.Err() != nil {
		return
	}
	if n := s.requests.Add(1); n > maxRequests && err == nil {
		err = errCrowded
	}
	defer s.requests.Add(-1)
	var a controlAnswer
	if err == nil {
		_ = conn.SetReadDeadline(time.Time{})
		watcher.Go(func() {
			_, _ = in.ReadByte() // nothing more comes, until the end
			withdraw(errWithdrawn)
		})
		err = s.carryOut(ctx, request, &a)
	}
	if err != nil {
		a.Code, a.Text = codeOf(err), clip(err.Error(), maxText)
	}
	answer(conn, a)
}

// answer writes an answer. It fails when nobody waits for it.
func answer(conn net.Conn, a controlAnswer) {
	_ = conn.SetWriteDeadline(time.Now().Add(requestPatience))
	w := lineWriter{w: conn}
	if errors.Is(w.write(a), errLineTooLong) {
		_ = w.write(controlAnswer{Code: codeFailed, Text: errLineTooLong.Error()})
	}
}

// carryOut does what is asked for, once the run is up.
func (s *control) carryOut(ctx context.Context, r *controlRequest, a *controlAnswer) (err error) {
	select {
	case <-s.c.up:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if !r.Sample {
		a.Profiles, err = s.c.Profile(ctx, *r.Profile)
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, samplePatience)
	defer cancel()
	a.Sample, _ = s.c.Sample(bounded) // of those that answer in time
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// readRequest reads a line that must be a request. The error is errNoRequest or
// a *RequestError.
func readRequest(in *bufio.Reader) (*controlRequest, error) {
	line, err := in.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return nil, errNoRequest
	}
	if err != nil {
		return nil, &RequestError{Err: fmt.Errorf("no line of less than %d bytes came in %v: %w", maxRequest, requestPatience, err)}
	}
	var r controlRequest
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	switch err := d.Decode(&r); {
	case err != nil:
		return nil, &RequestError{Err: err}
	case r.Version != controlVersion:
		return nil, &RequestError{Err: fmt.Errorf("it is of version %d, this run understands %d: use the program of the same version", r.Version, controlVersion)}
	case (r.Profile != nil) == r.Sample:
		return nil, &RequestError{Err: errors.New("not one thing is asked for")}
	}
	return &r, nil
}
