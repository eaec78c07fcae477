package local

import (
	"context"
	"fmt"

	"github.com/ardea-stream/ardea/local/capture"
)

// ProfileKind is what a profile is of.
type ProfileKind = capture.Kind

// The kinds of profiles. See package capture for what each is.
const (
	ProfileCPU       = capture.CPU
	ProfileHeap      = capture.Heap
	ProfileAllocs    = capture.Allocs
	ProfileMutex     = capture.Mutex
	ProfileBlock     = capture.Block
	ProfileGoroutine = capture.Goroutine
	ProfileTrace     = capture.Trace
)

// RoleAll is the role of a profile of everything, which is what there is with Options.InProcess.
const RoleAll Role = "all"

// Profile is a profile of one process in a file.
type Profile struct {
	Process    string      `json:"process"` // its name, see Process.Name; "all" with Options.InProcess
	Role       Role        `json:"role"`
	Container  uint32      `json:"container"`            // zero for RoleAll
	Components []string    `json:"components,omitempty"` // of its tasks, each once; none for a stream manager
	Spout      bool        `json:"spout,omitempty"`      // all its tasks are spouts'
	PID        int         `json:"pid"`
	Kind       ProfileKind `json:"kind"`
	Path       string      `json:"path"`
}

// StartProfiles makes every process record profiles, until StopProfiles, and
// returns when all do. With Options.InProcess there is one recording of the
// whole process. Recording costs little but for traces; it does not change what
// is computed.
//
// The error is ErrProfiling, ErrEnded, an error of capture.Check, the cause of
// ctx's end, or joins a *ProfileError for every process that cannot record.
// Nothing is recorded after any of them.
func (c *Cluster) StartProfiles(ctx context.Context, kinds []ProfileKind) error {
	return c.startProfiles(ctx, kinds, func(*Process) bool { return true })
}

// startProfiles is StartProfiles for the processes that which selects.
func (c *Cluster) startProfiles(ctx context.Context, kinds []ProfileKind, which func(*Process) bool) error {
	kinds, err := capture.Check(kinds)
	if err != nil {
		return fmt.Errorf("local: %w", err)
	}
	reply := make(chan captured, 1)
	if !c.call(func(s *supervisor) { s.startCapture(kinds, which, reply) }) {
		return ErrEnded
	}
	select {
	case r := <-reply:
		return r.err
	case <-c.ended:
		return ErrEnded
	case <-ctx.Done():
		c.call(func(s *supervisor) { s.abandonStart(reply) })
		return context.Cause(ctx)
	}
}

// StopProfiles ends the recording and returns its files, the stream managers'
// first, then by kind in the order of StartProfiles. Every process writes its
// own into dir, which must exist: PROCESS.KIND.pprof, or PROCESS.trace, complete
// or not there, for their owner alone. Files of the same name are replaced.
//
// The error is ErrNotProfiling, ErrEnded, the cause of ctx's end, or joins a
// *ProfileError for every process that has not written all its files, for
// instance because it has ended meanwhile; the profiles of the others are there
// then. The recording is over in all these cases. It goes on after an error that
// says that dir is no directory.
func (c *Cluster) StopProfiles(ctx context.Context, dir string) ([]Profile, error) {
	dir, err := checkProfileDir(dir)
	if err != nil {
		return nil, err
	}
	return c.stopProfiles(ctx, dir)
}

// stopProfiles is StopProfiles with a directory that was there a moment ago.
func (c *Cluster) stopProfiles(ctx context.Context, dir string) ([]Profile, error) {
	reply := make(chan captured, 1)
	if !c.call(func(s *supervisor) { s.stopCapture(dir, reply) }) {
		return nil, ErrEnded
	}
	select {
	case r := <-reply:
		return r.profiles, r.err
	case <-c.ended:
	case <-ctx.Done():
		c.call(func(s *supervisor) { s.abandonCapture(reply) })
		return nil, context.Cause(ctx)
	}
	select {
	case r := <-reply: // just before the end
		return r.profiles, r.err
	default:
		return nil, ErrEnded
	}
}
