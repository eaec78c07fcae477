package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// How long a store may take to open, appends to return after the end of a run, and a store to close.
const (
	patience      = time.Minute
	closePatience = 30 * time.Second
)

// result is the line that run prints.
type result struct {
	Engine     string   `json:"engine"`
	Version    string   `json:"version"`
	Setting    string   `json:"setting"`
	Durability string   `json:"durability"`
	Writers    int      `json:"writers"`
	Batch      int      `json:"batch"`
	Bytes      int      `json:"bytes"`
	Records    uint64   `json:"records"` // acknowledged in the measured time
	Seconds    float64  `json:"seconds"`
	PerSecond  float64  `json:"records_per_second"`
	Append     micros   `json:"append_us"`
	CPU        float64  `json:"cpu_seconds"` // of this process and its children, in the measured time
	Syncs      *int64   `json:"syncs"`       // in the measured time; null: cannot be counted
	Ended      string   `json:"ended"`       // time, or full: the engine had no more room
	Checked    checking `json:"checked"`
}

// micros is the distribution of the time of one acknowledged append, in microseconds.
type micros struct {
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99_9"`
	Max   float64 `json:"max"`
	Count int64   `json:"count"`
}

// checking is what was read back after reopening; the warm-up's records are part of it.
type checking struct {
	Records  uint64 `json:"records"`
	Checksum string `json:"checksum"`
}

// run measures e and checks what it holds afterwards.
func run(ctx context.Context, e engine, s setting) (*result, error) {
	if err := e.validate(s); err != nil {
		return nil, err
	}
	version, err := e.version()
	if err != nil {
		return nil, err
	}
	if err := claim(s.dir); err != nil {
		return nil, err
	}
	r := &result{
		Engine: e.name, Version: version, Setting: e.setting, Durability: e.durability,
		Writers: s.writers, Batch: s.batch, Bytes: s.bytes,
	}
	acknowledged, err := measured(ctx, e, s, r)
	if err == nil {
		err = reread(ctx, e, s, acknowledged, r)
	}
	if ctx.Err() != nil {
		return nil, ErrInterrupted
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// claim makes sure that dir exists and is empty.
func claim(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	found, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("%s: %w", dir, ErrDirNotEmpty)
	}
	return nil
}

// measured opens a store, appends to it, and closes it. It returns what was acknowledged, writer by writer.
func measured(ctx context.Context, e engine, s setting, r *result) ([]tally, error) {
	st, err := openInTime(ctx, e, s)
	if err != nil {
		return nil, err
	}
	l := &load{setting: s, acknowledged: make([]tally, s.writers)}
	err = l.run(ctx, st, r)
	if closeErr := closeInTime(st); err == nil {
		err = closeErr
	}
	return l.acknowledged, err
}

// reread opens the store again and checks what it holds.
func reread(ctx context.Context, e engine, s setting, acknowledged []tally, r *result) error {
	st, err := openInTime(ctx, e, s)
	if err != nil {
		return fmt.Errorf("open again: %w", err)
	}
	all, err := check(ctx, e.name, st, s.bytes, acknowledged)
	if closeErr := closeInTime(st); err == nil {
		err = closeErr
	}
	r.Checked = checking{Records: all.records, Checksum: fmt.Sprintf("%016x", all.sum)}
	return err
}

// openInTime opens a store, or gives up when that hangs.
func openInTime(ctx context.Context, e engine, s setting) (store, error) {
	type opened struct {
		st  store
		err error
	}
	done := make(chan opened, 1)
	go func() {
		st, err := e.open(s)
		done <- opened{st, err}
	}()
	over, interrupted := time.After(patience), ctx.Done()
	for {
		select {
		case o := <-done:
			return o.st, o.err
		case <-over:
			return nil, fmt.Errorf("open: %w", ErrStuck)
		case <-interrupted:
			over, interrupted = time.After(closePatience), nil
		}
	}
}

// closeInTime closes st, or gives up: appends that hang may hold what close waits for.
func closeInTime(st store) error {
	closed := make(chan error, 1)
	go func() { closed <- st.close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(closePatience):
		return fmt.Errorf("close: %w", ErrStuck)
	}
}

// load is the work of all writers of a run.
type load struct {
	setting

	acknowledged []tally   // of each writer, with the warm-up
	shards       [16]shard // of the times; a writer's is its number modulo 16
	full         atomic.Bool
	failed       atomic.Pointer[error] // the first failure
	end          atomic.Int64          // when writers stop, in nanoseconds since start; 0 at once
	start        time.Time
}

type shard struct {
	mu    sync.Mutex
	times *hdr.Histogram
}

// run has each writer append once, to warm up, then all at once until time is over, and fills in r.
func (l *load) run(ctx context.Context, st store, r *result) error {
	for i := range l.shards {
		l.shards[i].times = hdr.New(1, int64(time.Minute), 3)
	}
	var warm, all sync.WaitGroup
	begin := make(chan struct{})
	for writer := range l.writers {
		appends, err := st.writer()
		if err != nil {
			l.fail(err)
			break
		}
		warm.Add(1)
		all.Go(func() { l.write(writer, appends, warm.Done, begin) })
	}
	if err := l.wait(ctx, &warm, patience); err != nil {
		return err
	}
	warmed := l.sum()
	before, err := usedBy(st)
	if err != nil {
		l.fail(err)
	}
	l.start = time.Now()
	l.end.Store(int64(l.duration))
	if ctx.Err() != nil || l.failed.Load() != nil {
		l.end.Store(0)
	}
	close(begin)
	if err := l.wait(ctx, &all, l.duration+patience); err != nil {
		return err
	}
	r.Seconds = time.Since(l.start).Seconds()
	if failed := l.failed.Load(); failed != nil {
		return *failed
	}
	after, err := usedBy(st)
	if err != nil {
		return err
	}
	l.report(r, warmed, before, after)
	return nil
}

// wait waits for a group of writers. When the run is interrupted, it tells them to stop.
func (l *load) wait(ctx context.Context, group *sync.WaitGroup, atMost time.Duration) error {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	over := time.After(atMost)
	interrupted := ctx.Done()
	for {
		select {
		case <-done:
			return nil
		case <-over:
			return fmt.Errorf("%w: waited %v", ErrStuck, atMost)
		case <-interrupted:
			l.end.Store(0)
			interrupted = nil
		}
	}
}

func (l *load) fail(err error) {
	l.failed.CompareAndSwap(nil, &err)
	l.end.Store(0)
}

// write is one writer.
func (l *load) write(writer int, appends func([][]byte) error, warm func(), begin <-chan struct{}) {
	from := newSource(writer, l.batch, l.bytes)
	one := func() bool {
		err := appends(from.records())
		switch {
		case errors.Is(err, errFull):
			l.full.Store(true)
			return false
		case err != nil:
			l.fail(fmt.Errorf("append of writer %d: %w", writer, err))
			return false
		}
		l.acknowledged[writer].merge(from.made)
		return true
	}
	ok := one()
	warm()
	<-begin
	times := &l.shards[writer%len(l.shards)]
	for at := time.Since(l.start); ok && int64(at) < l.end.Load(); {
		if ok = one(); ok {
			now := time.Since(l.start)
			times.mu.Lock()
			_ = times.times.RecordValue(min(int64(now-at), int64(time.Minute))) // fails only out of range
			times.mu.Unlock()
			at = now
		}
	}
}

func (l *load) sum() tally {
	var all tally
	for _, t := range l.acknowledged {
		all.merge(t)
	}
	return all
}

func (l *load) report(r *result, warmed tally, before, after used) {
	r.Records = l.sum().records - warmed.records
	r.PerSecond = float64(r.Records) / r.Seconds
	r.CPU = after.cpu - before.cpu
	if after.syncs >= 0 {
		n := after.syncs - before.syncs
		r.Syncs = &n
	}
	r.Ended = "time"
	if l.full.Load() {
		r.Ended = "full"
	}
	times := l.shards[0].times
	for i := range l.shards[1:] {
		times.Merge(l.shards[i+1].times)
	}
	at := func(percent float64) float64 { return float64(times.ValueAtQuantile(percent)) / 1e3 }
	r.Append = micros{P50: at(50), P99: at(99), P999: at(99.9), Max: float64(times.Max()) / 1e3, Count: times.TotalCount()}
}
