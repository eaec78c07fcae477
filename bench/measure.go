package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/local"
)

const (
	// A run is steady when the throughput of its last windows and of those just
	// before them, as many, differ by no more than steadyShare.
	steadyWindows = 3
	steadyShare   = 0.05
	// windowsPerWarmUp is how many windows the longest warm-up has.
	windowsPerWarmUp = 15
	// longestSyscallWindow bounds the time for which system calls are counted.
	longestSyscallWindow = 500 * time.Millisecond
)

// reading is the figures of a system at one moment.
type reading struct {
	at       time.Time
	tuples   float64 // counted so far
	cpu      float64 // seconds of all processes
	mallocs  uint64  // objects allocated by this process, of a loop
	switches uint64  // of context, in all processes
	machine  processors
	sample   *local.Sample // of a cluster, nil for a loop
	calls    map[int]uint64
}

// subject is a running system that can be measured.
type subject interface {
	// read takes a reading: at, tuples, cpu and, of a cluster, sample.
	read(ctx context.Context) (reading, error)
	// pids are the processes of the system, the caller's included.
	pids() []int
}

// window is a measured stretch of time and the one in which system calls were counted.
type window struct {
	cost          Cost
	before, after reading
	calls         map[int]uint64 // by process
	callTuples    float64        // that were counted meanwhile
}

// observe warms a system up, measures it for d and then counts its system calls.
func observe(ctx context.Context, s subject, warmUp, d time.Duration) (window, error) {
	began := time.Now()
	steady, err := settle(ctx, s, warmUp)
	if err != nil {
		return window{}, err
	}
	w := window{cost: Cost{WarmUpSeconds: time.Since(began).Seconds(), Steady: steady}}
	if w.before, err = readAll(ctx, s); err != nil {
		return window{}, err
	}
	if err := sleep(ctx, d); err != nil {
		return window{}, err
	}
	if w.after, err = readAll(ctx, s); err != nil {
		return window{}, err
	}
	c := &w.cost
	c.Seconds = w.after.at.Sub(w.before.at).Seconds()
	tuples := w.after.tuples - w.before.tuples
	c.Tuples = uint64(tuples)
	c.TuplesPerSecond = tuples / c.Seconds
	c.TuplesPerCPUSecond = ratio(tuples, w.after.cpu-w.before.cpu)
	c.ContextSwitches = perThousand(float64(w.after.switches)-float64(w.before.switches), tuples)
	c.Noise = noiseBetween(w.before.machine, w.after.machine, w.after.cpu-w.before.cpu)
	if c.Tuples == 0 {
		return window{}, fmt.Errorf("bench: nothing was counted in %v: the system stands still", d)
	}
	return w, w.countSyscalls(ctx, s, min(d, longestSyscallWindow))
}

// settle waits until the throughput of the last windows is about the same, for at most limit.
func settle(ctx context.Context, s subject, limit time.Duration) (steady bool, err error) {
	last, err := s.read(ctx)
	if err != nil {
		return false, err
	}
	var rates []float64
	for range windowsPerWarmUp {
		if err := sleep(ctx, limit/windowsPerWarmUp); err != nil {
			return false, err
		}
		now, err := s.read(ctx)
		if err != nil {
			return false, err
		}
		rates = append(rates, (now.tuples-last.tuples)/now.at.Sub(last.at).Seconds())
		last = now
		if isSteady(rates) {
			return true, nil
		}
	}
	return false, nil
}

// isSteady reports whether throughput has stopped to rise and to fall.
// Comparing means lets the noise of a shared machine pass, and a trend not.
func isSteady(rates []float64) bool {
	n := len(rates)
	if n < 2*steadyWindows {
		return false
	}
	before, last := mean(rates[n-2*steadyWindows:n-steadyWindows]), mean(rates[n-steadyWindows:])
	return last > 0 && math.Abs(last-before) <= steadyShare*last
}

// countSyscalls counts the system calls of every process in a window of d. It
// falls back on what the kernel accounts as reads and writes.
func (w *window) countSyscalls(ctx context.Context, s subject, d time.Duration) error {
	pids := s.pids()
	counter, err := openSyscallCounter(pids)
	source := AllSyscalls
	read := func() (map[int]uint64, error) { return counter.read() }
	if err == nil {
		defer counter.close()
	} else {
		source = ReadsAndWrites
		read = func() (map[int]uint64, error) { return readsAndWrites(pids), nil }
	}
	ends := [2]reading{}
	for i := range ends {
		if i > 0 {
			if err := sleep(ctx, d); err != nil {
				return err
			}
		}
		r, err := s.read(ctx)
		if err != nil {
			return err
		}
		if r.calls, err = read(); err != nil {
			return err
		}
		ends[i] = r
	}
	w.callTuples = ends[1].tuples - ends[0].tuples
	w.calls = map[int]uint64{}
	var all uint64
	for pid, n := range ends[1].calls {
		w.calls[pid] = n - ends[0].calls[pid]
		all += w.calls[pid]
	}
	if len(w.calls) == 0 {
		source = NoSyscalls
	}
	w.cost.SyscallSource = source
	w.cost.Syscalls = perThousand(float64(all), w.callTuples)
	return nil
}

// readAll completes a subject's reading.
func readAll(ctx context.Context, s subject) (reading, error) {
	r, err := s.read(ctx)
	if err != nil {
		return reading{}, err
	}
	for _, pid := range s.pids() {
		n, _ := contextSwitches(pid)
		r.switches += n
	}
	r.machine = readProcessors()
	return r, nil
}

// cluster is a subject.
type cluster struct {
	*local.Cluster
	counting string // component whose tuples count
}

func (c cluster) read(ctx context.Context) (reading, error) {
	s, err := c.Sample(ctx)
	if err != nil {
		return reading{}, err
	}
	r := reading{at: time.Now(), sample: s, cpu: s.Total().CPUSeconds()}
	for _, t := range s.Tasks() {
		if t.Component == c.counting {
			r.tuples += float64(t.Metrics.Received)
		}
		if t.Metrics.Ended {
			return reading{}, fmt.Errorf("bench: task %d of %s has ended while it was measured", t.Task, t.Component)
		}
	}
	return r, nil
}

func (c cluster) pids() []int {
	pids := []int{ownPID}
	for _, p := range c.Processes() {
		pids = append(pids, p.PID)
	}
	slices.Sort(pids)
	return slices.Compact(pids) // a run in one process has one
}

// sleep waits for d or for the end of ctx, whose cause it returns then.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// ratio returns a/b, zero if b is.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// perThousand returns n for every 1,000 tuples.
func perThousand(n, tuples float64) float64 { return 1000 * ratio(n, tuples) }
