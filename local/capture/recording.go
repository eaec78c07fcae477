package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/pprof/profile"

	"github.com/ardea-stream/ardea/internal/atomicfile"
)

// busy says that a recording is on: the runtime's profilers are the process's.
var busy atomic.Bool

// Recording is a recording of this process that is on. It belongs to one
// goroutine, which ends it with Stop or Abandon.
type Recording struct {
	kinds []Kind
	began time.Time
	cpu   bytes.Buffer
	trace *os.File        // without a name: nothing stays if the process dies
	base  map[Kind][]byte // of the kinds that the runtime counts from its start
	ends  map[Kind]func() // what ends the kinds that are on
}

// Start begins to record. If one kind cannot be, none is. The error is an error
// of Check, ErrBusy, or a *KindFault, for instance when the program records a
// CPU profile of its own.
func Start(kinds []Kind) (*Recording, error) {
	kinds, err := Check(kinds)
	if err != nil {
		return nil, err
	}
	if !busy.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	r := &Recording{kinds: kinds, base: map[Kind][]byte{}, ends: map[Kind]func(){}}
	for _, k := range []Kind{Mutex, Block, Allocs, Trace, CPU} { // the costliest to begin comes first, so that CPU has none of it
		if !slices.Contains(kinds, k) {
			continue
		}
		if err := r.begin(k); err != nil {
			r.Abandon()
			return nil, &KindFault{Kind: k, Err: err}
		}
	}
	r.began = time.Now()
	return r, nil
}

// begin begins one kind and notes how to end it.
func (r *Recording) begin(k Kind) error {
	switch k {
	case CPU:
		if err := pprof.StartCPUProfile(&r.cpu); err != nil {
			return err
		}
		r.ends[k] = pprof.StopCPUProfile
	case Trace:
		return r.beginTrace()
	case Allocs:
		runtime.GC() // which brings the counts up to date
		return r.remember(k)
	case Mutex:
		before := runtime.SetMutexProfileFraction(MutexFraction)
		r.ends[k] = func() { runtime.SetMutexProfileFraction(before) }
		return r.remember(k)
	case Block:
		runtime.SetBlockProfileRate(BlockRate)
		r.ends[k] = func() { runtime.SetBlockProfileRate(0) } // the runtime does not tell what it was
		return r.remember(k)
	case Heap, Goroutine: // of the end
	}
	return nil
}

func (r *Recording) beginTrace() error {
	f, err := os.CreateTemp("", "ardea-trace-")
	if err != nil {
		return err
	}
	r.trace = f
	if err := os.Remove(f.Name()); err != nil {
		return err
	}
	if err := trace.Start(f); err != nil {
		return err
	}
	r.ends[Trace] = trace.Stop
	return nil
}

// remember keeps what the runtime has counted until now.
func (r *Recording) remember(k Kind) error {
	b, err := lookup(k)
	r.base[k] = b
	return err
}

// end ends one kind, if it is on.
func (r *Recording) end(k Kind) {
	if f := r.ends[k]; f != nil {
		f()
		delete(r.ends, k)
	}
}

// Abandon ends the recording and leaves nothing.
func (r *Recording) Abandon() {
	for _, k := range Kinds() {
		r.end(k)
	}
	if r.trace != nil {
		_ = r.trace.Close()
	}
	busy.Store(false)
}

// Stop ends the recording and writes a file a kind into dir, which must exist,
// under the names of FileName. It returns their paths by kind; files are
// complete or not there, and only their owner may read them. The error joins a
// *KindFault for every kind that could not be written.
func (r *Recording) Stop(dir, process string) (map[Kind]string, error) {
	lasted := time.Since(r.began)
	defer r.Abandon()
	r.end(CPU) // first, so that it has nothing of what follows
	r.end(Trace)
	paths := map[Kind]string{}
	var faults []error
	for _, k := range r.kinds {
		path := filepath.Join(dir, FileName(process, k))
		if err := writeFile(path, func(w io.Writer) error { return r.write(w, k, lasted) }); err != nil {
			faults = append(faults, &KindFault{Kind: k, Err: err})
			continue
		}
		paths[k] = path
	}
	return paths, errors.Join(faults...)
}

// write writes what one kind came to.
func (r *Recording) write(w io.Writer, k Kind, lasted time.Duration) error {
	switch k {
	case CPU:
		_, err := w.Write(r.cpu.Bytes())
		return err
	case Trace:
		if _, err := r.trace.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := io.Copy(w, r.trace)
		return err
	case Heap, Allocs:
		runtime.GC()
	case Mutex, Block, Goroutine:
	}
	now, err := lookup(k)
	if err != nil {
		return err
	}
	base, counted := r.base[k]
	if !counted {
		_, err := w.Write(now)
		return err
	}
	return difference(w, base, now, r.began, lasted)
}

// lookup takes one of the runtime's profiles.
func lookup(k Kind) ([]byte, error) {
	var b bytes.Buffer
	err := pprof.Lookup(string(k)).WriteTo(&b, 0)
	return b.Bytes(), err
}

// difference writes what came to a profile since base.
func difference(w io.Writer, base, now []byte, began time.Time, lasted time.Duration) error {
	before, err := profile.ParseData(base)
	if err != nil {
		return err
	}
	after, err := profile.ParseData(now)
	if err != nil {
		return err
	}
	before.Scale(-1)
	d, err := profile.Merge([]*profile.Profile{before, after})
	if err != nil {
		return err
	}
	d.TimeNanos, d.DurationNanos = began.UnixNano(), int64(lasted)
	return d.Write(w)
}

// writeFile makes a file that is complete or not there.
func writeFile(path string, write func(io.Writer) error) error {
	if err := atomicfile.Write(path, ".capture-*", 0o600, write); err != nil {
		return fmt.Errorf("cannot be written: %w", err)
	}
	return nil
}
