package rivals

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

const (
	// leastRate is the share of a rate that must have been sent for a run to count. A source that is late, because the
	// system holds it back or the machine is busy, only makes latencies longer.
	leastRate = 0.98
	// mostRate is the share of a rate up to which a source is at its rate, and does not work off what it is late with.
	mostRate = 1.02
	// leastCounted is the share of the words drawn in a window that must have been counted in it: of less, a queue grows.
	leastCounted = 0.95
	// catchUp bounds how long a run at a rate is given, behind its warm-up, to work off what it was late with.
	catchUp = 5 * time.Second
	// generatorTime is how long drawing alone is measured, after as much to warm up.
	generatorTime = 2 * time.Second
)

// point is how far a run is, at the moment of a line of progress.
type point struct {
	t                int64 // nanoseconds
	emitted, counted uint64
	cpu              float64 // seconds, of all processes
}

// job is one run to be made.
type job struct {
	row      *Row
	adapter  Adapter
	workload string
	rate     float64 // 0: as fast as possible
	warmUp   time.Duration
}

// run makes a run and checks it.
func (d *driver) run(ctx context.Context, j job) (*Run, error) {
	s, done, err := d.begin(ctx, j)
	if err != nil {
		return nil, err
	}
	defer done()
	first, err := d.start(ctx, s, j.workload)
	if err != nil {
		return nil, err
	}
	r := &Run{Rate: j.rate, versions: s.hello.Versions}
	if j.rate > 0 {
		err = d.paced(ctx, s, j, r, first)
	} else {
		err = d.flatOut(ctx, s, j, r, first)
	}
	if err != nil {
		return nil, err
	}
	if err := s.say(contract.Stop); err != nil {
		return nil, err
	}
	if err := s.finish(ctx); err != nil {
		return nil, err
	}
	r.RunCPUSeconds = s.family.look()
	r.PeakRSSBytes, r.Processes = s.family.peak()
	if s.first > 0 {
		r.FirstResultSeconds = max(0, float64(s.first-s.started)/1e9)
	}
	res := s.result
	for _, source := range res.Sources {
		r.Draws += source.Draws
	}
	r.Counted, r.Replayed, r.GCCPUSeconds, r.Notes = res.Counted, res.Replayed, res.GCCPUSeconds, res.Notes
	r.Latency, r.Pacer = res.Latency, res.Pacer
	if j.rate > 0 {
		r.judge()
	}
	r.Extra, err = check(&j.row.Row, j.workload, d.lists[j.workload], d.c.Parallelism, res)
	if said := s.counted; err == nil && said > r.Counted+r.Replayed {
		err = s.fault("it has said that %d words were counted, and at the end %d", said, r.Counted)
	}
	return r, err
}

// begin starts the adapter in a folder of its own; done ends it and removes the folder.
func (d *driver) begin(ctx context.Context, j job, more ...string) (s *session, done func(), err error) {
	dir, err := os.MkdirTemp(d.dir, "run-")
	if err != nil {
		return nil, nil, err
	}
	scratch := filepath.Join(dir, "scratch")
	if err := os.Mkdir(scratch, 0o700); err != nil {
		return nil, nil, err
	}
	args := append([]string{
		"run", "--peer", j.row.Peer, "--variant", j.row.Variant, "--workload", j.workload, "--seed", strconv.Itoa(seed),
		"--parallelism", strconv.Itoa(d.c.Parallelism), "--guarantee", j.row.Guarantee, "--processes", strconv.Itoa(j.row.Processes), "--dir", scratch,
	}, more...)
	if j.rate > 0 {
		args = append(args, "--rate", strconv.FormatFloat(j.rate, 'f', 0, 64))
	}
	if d.c.Plant != "" {
		args = append(args, "--plant-wrong-count", d.c.Plant)
	}
	if s, err = j.adapter.begin(ctx, j.row.Name(), dir, d.now, args...); err != nil {
		_ = os.RemoveAll(dir) // there is nothing in it
		return nil, nil, err
	}
	return s, func() {
		s.end()
		_ = os.RemoveAll(dir) // below a folder that is removed at the end, and then it is said
	}, nil
}

// start waits until something was counted. The kind of its errors is noStart, unless the adapter has told another.
func (d *driver) start(ctx context.Context, s *session, workload string) (point, error) {
	limit := time.Now().Add(startTimeout)
	err := d.greet(ctx, s, workload, limit)
	for err == nil {
		var p point
		if p, err = s.point(ctx, time.Until(limit)); err == nil && p.counted > 0 {
			return p, nil
		}
	}
	if a, is := errors.AsType[*AdapterError](err); is && a.Kind == contract.Failure {
		a.Kind = noStart
	}
	return point{}, err
}

// greet hears hello and checks the list of words.
func (d *driver) greet(ctx context.Context, s *session, workload string, limit time.Time) (err error) {
	if s.hello, err = s.next(ctx, time.Until(limit), contract.Hello); err != nil {
		return err
	}
	if got, want := s.hello.WordsChecksum, contract.Sum(d.lists[workload].Checksum()); got != want {
		return s.fault("its list of words has the checksum %s instead of %s: it does not make them as the contract says", got, want)
	}
	return nil
}

// point waits for the next line of progress. Its CPU time is that of the moment at which the line came.
func (s *session) point(ctx context.Context, limit time.Duration) (point, error) {
	l, err := s.next(ctx, limit, contract.Progress)
	s.counted = max(s.counted, l.Counted)
	return point{l.T, l.Emitted, l.Counted, s.family.look()}, err
}

// flatOut warms the run up and measures it, as fast as it can.
func (d *driver) flatOut(ctx context.Context, s *session, j job, r *Run, first point) error {
	last := first
	var history []float64
	for !r.Steady && float64(last.t-first.t) < float64(j.warmUp) {
		now, err := s.point(ctx, silentTimeout)
		if err != nil {
			return err
		}
		history = append(history, perSecond(now.counted-last.counted, last, now))
		last = now
		r.Steady = bench.IsSteady(history)
	}
	r.WarmUpSeconds = float64(last.t-first.t) / 1e9
	return d.measure(ctx, s, r, last)
}

// measure measures for the configured time, from a point on.
func (d *driver) measure(ctx context.Context, s *session, r *Run, from point) error {
	noise := bench.NewNoiseMeter()
	now := from
	for float64(now.t-from.t) < float64(d.c.Duration) {
		var err error
		if now, err = s.point(ctx, silentTimeout); err != nil {
			return err
		}
	}
	r.fill(from, now)
	r.Noise = noise.Noise(r.CPUSeconds)
	if now.counted == from.counted {
		return s.fault("nothing was counted in %.0f s", r.Seconds)
	}
	return nil
}

// fill takes the figures between two points.
func (r *Run) fill(from, to point) {
	r.Seconds = float64(to.t-from.t) / 1e9
	r.Tuples = to.counted - from.counted
	r.CPUSeconds = to.cpu - from.cpu
	r.TuplesPerSecond = perSecond(r.Tuples, from, to)
	r.TuplesPerCPUSecond = ratio(float64(r.Tuples), r.CPUSeconds)
	r.DrawsPerSecond = perSecond(to.emitted-from.emitted, from, to)
}

func perSecond(n uint64, from, to point) float64 { return ratio(float64(n)*1e9, float64(to.t-from.t)) }

// paced warms the run up and measures its latency.
func (d *driver) paced(ctx context.Context, s *session, j job, r *Run, first point) (err error) {
	if err := s.settle(ctx, j, r, first); err != nil {
		return err
	}
	if err := s.say(contract.Begin); err != nil {
		return err
	}
	begin, err := s.next(ctx, silentTimeout, contract.MeasureBegin)
	if err != nil {
		return err
	}
	from, err := s.point(ctx, silentTimeout)
	if err == nil {
		err = d.measure(ctx, s, r, from)
	}
	if err == nil {
		err = s.say(contract.End)
	}
	var end contract.Line
	if err == nil {
		end, err = s.next(ctx, silentTimeout, contract.MeasureEnd)
	}
	r.window = float64(end.T-begin.T) / 1e9
	if err == nil { // the window ends a little later, and what belongs to it has to arrive
		_, err = s.point(ctx, silentTimeout)
	}
	return err
}

// settle lets a run at a rate warm up, and then work off what its sources were late with when it began.
func (s *session) settle(ctx context.Context, j job, r *Run, first point) error {
	last, lately := first, 0.0
	for passed := 0.0; passed < float64(j.warmUp) || lately > mostRate*j.rate && passed < float64(j.warmUp+catchUp); {
		now, err := s.point(ctx, silentTimeout)
		if err != nil {
			return err
		}
		lately = perSecond(now.emitted-last.emitted, last, now)
		last, passed = now, float64(now.t-first.t)
		r.WarmUpSeconds = passed / 1e9
	}
	return nil
}

// judge rejects a run that was not at its rate, whose queues grew, or that has not recorded the latencies of all draws that
// were due in its window.
func (r *Run) judge() {
	var recorded int64
	for _, bar := range r.Latency {
		recorded += bar[1]
	}
	due := r.Rate * r.window
	drawn := r.DrawsPerSecond * r.Seconds * ratio(float64(r.Counted), float64(r.Draws)) // words
	switch {
	case r.DrawsPerSecond < leastRate*r.Rate:
		r.Rejected = fmt.Sprintf("it has sent %s instead of %s a second", bench.Amount(r.DrawsPerSecond), bench.Amount(r.Rate))
	case r.DrawsPerSecond > mostRate*r.Rate:
		r.Rejected = fmt.Sprintf("it has sent %s instead of %s a second, since it was late before", bench.Amount(r.DrawsPerSecond), bench.Amount(r.Rate))
	case float64(r.Tuples) < leastCounted*drawn:
		r.Rejected = fmt.Sprintf("it has counted %s words a second of %s drawn, so its queue grew", bench.Amount(r.TuplesPerSecond), bench.Amount(ratio(drawn, r.Seconds)))
	case float64(recorded) < leastRate*due:
		r.Rejected = fmt.Sprintf("it has recorded %d latencies of %.0f draws", recorded, due)
	}
}

// generator measures what drawing alone takes.
func (d *driver) generator(ctx context.Context, j job) (GeneratorCost, error) {
	s, done, err := d.begin(ctx, j, "--generator-only")
	if err != nil {
		return GeneratorCost{}, err
	}
	defer done()
	first, err := d.start(ctx, s, j.workload)
	for from := first; err == nil; {
		var now point
		if now, err = s.point(ctx, silentTimeout); err != nil {
			break
		}
		if float64(from.t-first.t) < float64(generatorTime) {
			from = now
			continue
		}
		if float64(now.t-from.t) < float64(generatorTime) {
			continue
		}
		cpu, draws := now.cpu-from.cpu, now.emitted-from.emitted
		return GeneratorCost{
			Adapter: j.adapter.Name, Workload: j.workload, DrawsPerSecond: perSecond(draws, from, now),
			NanosPerDraw: ratio(cpu*1e9, float64(draws)), TuplesPerCPUSecond: ratio(float64(draws), cpu),
		}, nil
	}
	return GeneratorCost{}, err
}

// lists makes the lists of some workloads.
func lists(workloads []string) (map[string]*words.List, error) {
	all := map[string]*words.List{}
	for _, w := range workloads {
		l, err := words.NewList(w, seed)
		if err != nil {
			return nil, err
		}
		all[w] = l
	}
	return all, nil
}
