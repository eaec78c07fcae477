package bench

import (
	"context"
	"fmt"
	"math"
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
	// mostWindows is how often a window in which nothing is counted is extended by its length.
	mostWindows = 100
	// longestSyscallWindow bounds the time for which system calls are counted.
	longestSyscallWindow = 500 * time.Millisecond
)

// reading is the figures of a system at one moment.
type reading struct {
	parts    []part           // always the same ones, in the same order
	sample   *local.Sample    // of a cluster, nil for a loop
	switches map[int]switches // of context, by process
	machine  processors
	mallocs  uint64 // objects allocated by this process, of a loop
}

// part is the figures of one process. Processes answer at different moments, a
// stream manager in the naive mode late; each is taken by its own clock.
type part struct {
	at     time.Duration
	tuples float64 // counted so far
	acked  float64 // tuples of spouts that were complete so far
	cpu    float64 // seconds
}

// switches is how often threads of a process have left a processor: voluntary
// ones to wait, others because it was taken from them.
type switches struct{ voluntary, involuntary uint64 }

// tuples returns how many were counted so far.
func (r *reading) tuples() float64 {
	var n float64
	for _, p := range r.parts {
		n += p.tuples
	}
	return n
}

// rates returns the tuples and the CPU seconds for each second between two readings.
func rates(before, after *reading) (tuples, cpu float64) {
	for i, p := range after.parts {
		seconds := (p.at - before.parts[i].at).Seconds()
		tuples += ratio(p.tuples-before.parts[i].tuples, seconds)
		cpu += ratio(p.cpu-before.parts[i].cpu, seconds)
	}
	return tuples, cpu
}

// ackRate returns the tuples of spouts that became complete for each second between two readings.
func ackRate(before, after *reading) (acked float64) {
	for i, p := range after.parts {
		acked += ratio(p.acked-before.parts[i].acked, (p.at - before.parts[i].at).Seconds())
	}
	return acked
}

// subject is a running system that can be measured.
type subject interface {
	// read takes a reading: parts and, of a cluster, sample, of a loop, mallocs.
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
	began = time.Now()
	for tries := 0; w.after.tuples() <= w.before.tuples(); tries++ {
		if tries == mostWindows {
			return window{}, fmt.Errorf("bench: nothing was counted in %v: the system stands still", time.Since(began))
		}
		if err := sleep(ctx, d); err != nil {
			return window{}, err
		}
		if w.after, err = readAll(ctx, s); err != nil {
			return window{}, err
		}
	}
	w.cost.Seconds = time.Since(began).Seconds()
	w.fill()
	return w, w.countSyscalls(ctx, s, min(d, longestSyscallWindow))
}

// fill works out what follows from the readings.
func (w *window) fill() {
	c := &w.cost
	tuples, cpu := rates(&w.before, &w.after)
	c.TuplesPerSecond, c.TuplesPerCPUSecond = tuples, ratio(tuples, cpu)
	counted := w.after.tuples() - w.before.tuples()
	c.Tuples = uint64(counted)
	// Threads that have ended in between took their switches along.
	var all, wakeUps float64
	for pid, after := range w.after.switches {
		before := w.before.switches[pid]
		all += max(0, float64(after.voluntary+after.involuntary)-float64(before.voluntary+before.involuntary))
		wakeUps += w.wakeUps(pid)
	}
	c.ContextSwitches, c.WakeUps = perThousand(all, counted), perThousand(wakeUps, counted)
	c.Noise = noiseBetween(w.before.machine, w.after.machine, cpu*c.Seconds)
}

// settle waits until the throughput of the last windows is about the same, for about limit at most.
func settle(ctx context.Context, s subject, limit time.Duration) (steady bool, err error) {
	began := time.Now()
	last, err := s.read(ctx)
	if err != nil {
		return false, err
	}
	var history []float64
	for time.Since(began) < limit {
		if err := sleep(ctx, limit/windowsPerWarmUp); err != nil {
			return false, err
		}
		now, err := s.read(ctx)
		if err != nil {
			return false, err
		}
		tuples, _ := rates(&last, &now)
		history = append(history, tuples)
		last = now
		if isSteady(history) {
			return true, nil
		}
	}
	return false, nil
}

// isSteady reports whether throughput, of windows one after the other, has
// stopped to rise and to fall. Comparing means lets the noise of a shared
// machine pass, and a trend not.
func isSteady(history []float64) bool {
	n := len(history)
	if n < 2*steadyWindows {
		return false
	}
	before, last := mean(history[n-2*steadyWindows:n-steadyWindows]), mean(history[n-steadyWindows:])
	return last > 0 && math.Abs(last-before) <= steadyShare*last
}

// countSyscalls counts the system calls of every process in a window of d. It
// falls back on what the kernel accounts as reads and writes.
func (w *window) countSyscalls(ctx context.Context, s subject, d time.Duration) error {
	pids := s.pids()
	source := AllSyscalls
	counter, err := openSyscallCounter(pids)
	read := func() (map[int]uint64, error) { return counter.read() }
	if err == nil {
		defer counter.close()
	} else {
		source = ReadsAndWrites
		read = func() (map[int]uint64, error) { return readsAndWrites(pids), nil }
	}
	before, err := s.read(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	callsBefore, err := read()
	if err != nil {
		return err
	}
	if err := sleep(ctx, d); err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	calls, err := read()
	if err != nil {
		return err
	}
	after, err := s.read(ctx)
	if err != nil {
		return err
	}
	tuples, _ := rates(&before, &after)
	w.callTuples = tuples * seconds
	w.calls = map[int]uint64{}
	var all uint64
	for pid, n := range calls {
		w.calls[pid] = n - callsBefore[pid]
		all += w.calls[pid]
	}
	if len(calls) == 0 {
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
	r.switches = map[int]switches{}
	for _, pid := range s.pids() {
		if n, ok := contextSwitches(pid); ok {
			r.switches[pid] = n
		}
	}
	r.machine = readProcessors()
	return r, nil
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
