package adapter

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// latencyDelay is how long after the driver's word the window of latencies begins or ends: all tasks know it by then.
const latencyDelay = 300 * time.Millisecond

// progressEvery is how often progress is told.
const progressEvery = time.Second

// MissingError says that something is not there that a peer needs. Its text says how to get it.
type MissingError struct{ Text string }

func (e *MissingError) Error() string { return e.Text }

// errEnded is the cause of the end of a run that the driver has given up.
var errEnded = errors.New("adapter: told to end")

// Main is the main function of an adapter with some peers; args are those behind the program's name. ctx ends when the
// program is told to end. Main returns the exit status.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer, peers []Peer) int {
	out := &printer{to: json.NewEncoder(stdout)}
	err := start(ctx, args, stdin, out, peers)
	status, kind := contract.StatusFailed, contract.Failure
	var usage *usageError
	var missing *MissingError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errEnded):
		return contract.StatusEnded
	case errors.As(err, &usage):
		status, kind = contract.StatusUsage, contract.Usage
	case errors.As(err, &missing):
		status, kind = contract.StatusMissing, contract.Missing
	}
	out.print(contract.Line{Type: contract.Failed, Kind: kind, Text: err.Error()})
	return status
}

func start(ctx context.Context, args []string, stdin io.Reader, out *printer, peers []Peer) error {
	if len(args) == 1 && args[0] == "list" {
		for i := range peers {
			peers[i].Type = contract.RowLine
			out.print(peers[i].Row)
		}
		return nil
	}
	if len(args) == 0 || args[0] != "run" {
		return usagef("say list, or run with flags; see bench/peers/README.md")
	}
	peer, run, err := parse(args[1:], peers)
	if err != nil {
		return err
	}
	if peer.Missing != "" {
		return &MissingError{peer.Missing}
	}
	if run.now, err = bench.Monotonic(); err != nil {
		return err
	}
	run.out = out
	return run.attend(ctx, peer, stdin)
}

// attend runs the job, listens to the driver meanwhile, and prints the result.
func (r *Run) attend(signaled context.Context, peer *Peer, stdin io.Reader) error {
	ctx, end := context.WithCancelCause(signaled)
	defer end(nil)
	stop, sayStop := context.WithCancel(ctx)
	defer sayStop()
	r.stop = stop
	r.begin.Store(never)
	r.end.Store(never)
	r.out.print(contract.Line{
		Type: contract.Hello, Peer: peer.Peer, Variant: peer.Variant, Settings: r.Settings,
		Versions: map[string]string{peer.Peer: peer.Version, "go": runtime.Version()}, WordsChecksum: contract.Sum(r.List.Checksum()),
	})
	go func() { // ends with standard input, or with the process
		r.listen(stdin, sayStop)
		end(errEnded)
	}()
	var told sync.WaitGroup
	finished := make(chan struct{})
	told.Go(func() { r.tell(finished) })
	job := peer.Job
	if r.generatorOnly {
		job = generate
	}
	res, err := job(ctx, r)
	close(finished)
	told.Wait()
	switch {
	case signaled.Err() != nil || errors.Is(context.Cause(ctx), errEnded):
		return errEnded
	case err != nil:
		return err
	}
	if res == nil {
		own := r.result()
		if peer.Processes <= 1 { // of others it is not known, and half of it would be taken for all
			own.GCCPUSeconds = gcSeconds()
		}
		own.Drained = true
		res = &own
	}
	res.Type = contract.Finished
	r.out.print(res)
	return nil
}

// listen does what the driver says until standard input ends.
func (r *Run) listen(stdin io.Reader, stop func()) {
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		at := r.now() + int64(latencyDelay)
		switch lines.Text() {
		case contract.Begin:
			r.begin.Store(at)
			r.answer(contract.MeasureBegin, at)
		case contract.End:
			r.end.Store(at)
			r.answer(contract.MeasureEnd, at)
		case contract.Stop:
			stop()
		}
	}
}

// answer tells the driver and the run's parts of the window.
func (r *Run) answer(what string, at int64) {
	if err := r.tellParts(); err != nil {
		r.out.print(contract.Line{Type: contract.Failed, Kind: contract.Failure, Text: err.Error()})
		return
	}
	r.out.print(contract.Line{Type: what, T: at})
}

// tell prints progress until finished is closed.
func (r *Run) tell(finished <-chan struct{}) {
	ticks := time.NewTicker(progressEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
		case <-finished:
			return
		}
		if f := r.progress(); f.Emitted > 0 {
			r.out.print(contract.Line{Type: contract.Progress, T: f.T, Emitted: f.Emitted, Counted: f.Counted})
		}
	}
}

// printer prints lines, from any goroutine.
type printer struct {
	mu sync.Mutex
	to *json.Encoder
}

// print writes a line. Nobody is left to be told when that fails: the driver is dead, and standard input ends.
func (p *printer) print(line any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.to.Encode(line)
}

// generate draws and throws away.
func generate(_ context.Context, r *Run) (*contract.Result, error) {
	sums := make([]uint64, r.Parallelism)
	var tasks sync.WaitGroup
	for i := range r.Parallelism {
		s, err := r.Source()
		if err != nil {
			return nil, err
		}
		tasks.Go(func() {
			for s.left > 0 || s.fill() {
				s.left--
				place := s.stream.Next()
				sums[i] += words.Mix(place) + uint64(s.draws[place][0])
				s.drawn++
			}
		})
	}
	r.SetFigures(func() Figures {
		f := Figures{T: r.now()}
		for _, s := range r.sources {
			f.Emitted += s.told.Load()
		}
		f.Counted = f.Emitted
		return f
	})
	tasks.Wait()
	res := &contract.Result{Drained: true}
	draws := make([]uint64, r.Parallelism)
	for i, s := range r.sources {
		draws[i] = s.drawn
		res.Sources = append(res.Sources, contract.Source{Seed: r.Seed + uint64(i), Draws: s.drawn})
		res.Counted += s.drawn
		res.Checksum += contract.Sum(sums[i])
	}
	if r.Draws > 0 {
		fill(res, r.List.Expect(r.Seed, draws))
	}
	return res, nil
}

// gcSeconds returns the CPU time of this process's garbage collector.
func gcSeconds() float64 {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64()
}

// usageError says that the command line is wrong.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf("adapter: "+format, args...)}
}
