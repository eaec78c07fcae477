package pace

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

// fake is a clock that stands still but for Sleep and what tests add.
type fake struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
	wake  func(d time.Duration) // called in Sleep, with no lock held
}

func newFake() *fake { return &fake{now: time.Unix(1, 0)} }

func (f *fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) Sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	f.slept = append(f.slept, d)
	f.mu.Unlock()
	if f.wake != nil {
		f.wake(d)
	} else {
		f.add(d)
	}
	return ctx.Err()
}

func (f *fake) add(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func newPacer(tb testing.TB, o Options) (*Pacer, *fake) {
	tb.Helper()
	clock := newFake()
	o.Clock = clock
	p, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return p, clock
}

const chunk = 256 << 10

// read reads for a time and returns how many bytes it got.
func read(tb testing.TB, p *Pacer, clock *fake, d time.Duration, each time.Duration) (bytes int) {
	tb.Helper()
	for end := clock.Now().Add(d); clock.Now().Before(end); {
		turn, err := p.Wait(tb.Context(), chunk)
		if err != nil {
			tb.Fatal(err)
		}
		bytes += chunk
		clock.add(each) // what the read itself takes
		turn.Done()
	}
	return bytes
}

func TestReadersAreFreeWhileNothingIsAppended(t *testing.T) {
	p, clock := newPacer(t, Options{})
	const each = 50 * time.Microsecond
	if got, want := read(t, p, clock, time.Second, each), int(time.Second/each)*chunk; got != want || len(clock.slept) > 0 {
		t.Errorf("%d bytes, want %d; %d sleeps", got, want, len(clock.slept))
	}
	if s := p.Stats(); !s.Idle || s.Waited != 0 || s.Granted == 0 || s.Reading != time.Second {
		t.Errorf("%+v", s)
	}
}

func TestMaxHoldsWhileNothingIsAppended(t *testing.T) {
	const rate = 10 << 20
	p, clock := newPacer(t, Options{Max: rate})
	got := read(t, p, clock, 10*time.Second, time.Microsecond)
	if ratio := float64(got) / (10 * rate); ratio < 0.99 || ratio > 1.01 {
		t.Errorf("%d bytes in 10 s", got)
	}
	for _, d := range clock.slept {
		if d < shortest || d > longest {
			t.Fatalf("a sleep of %v", d)
		}
	}
}

// disk is a model of one: a sync takes usual, and while somebody reads only a part of the syncs come through that there
// would be. Appends wait for each sync, as many as there are.
type disk struct {
	usual time.Duration
	lost  float64                   // of syncs while one reads
	takes func(n int) time.Duration // a read

	p       *Pacer
	clock   *fake
	entries int           // that became durable
	done    time.Duration // of the next sync
	start   time.Time
}

func newDisk(tb testing.TB, o Options, usual time.Duration, lost float64, takes func(int) time.Duration) *disk {
	tb.Helper()
	m := &disk{usual: usual, lost: lost, takes: takes}
	m.p, m.clock = newPacer(tb, o)
	m.clock.wake = func(d time.Duration) { m.pass(d, 1) }
	m.start = m.clock.Now()
	return m
}

// pass lets time pass in which syncs get on at a speed.
func (m *disk) pass(d time.Duration, speed float64) {
	const step = 10 * time.Microsecond
	for ; d > 0; d -= step {
		m.clock.add(min(d, step))
		if m.done += time.Duration(float64(min(d, step)) * speed); m.done >= m.usual {
			m.done -= m.usual
			m.entries += 64
			m.p.Observe(64, time.Duration(float64(m.usual)/max(speed, 0.01)))
		}
	}
}

// run reads for a time, and returns which part of the entries was lost by that and how many bytes a second were read.
func (m *disk) run(tb testing.TB, d time.Duration) (lost, rate float64) {
	tb.Helper()
	m.entries, m.start = 0, m.clock.Now()
	bytes := 0
	for m.clock.Now().Sub(m.start) < d {
		turn, err := m.p.Wait(tb.Context(), chunk)
		if err != nil {
			tb.Fatal(err)
		}
		m.pass(m.takes(bytes/chunk), 1-m.lost)
		turn.Done()
		bytes += chunk
	}
	took := m.clock.Now().Sub(m.start)
	return 1 - float64(m.entries)/(64*float64(took)/float64(m.usual)), float64(bytes) / took.Seconds()
}

// TestReadersCostNoMoreThanIsAllowed has disks of many kinds: what appends lose is bounded on all of them, and readers get
// what that leaves.
func TestReadersCostNoMoreThanIsAllowed(t *testing.T) {
	steady := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	for name, takes := range map[string]func(int) time.Duration{
		"slow":  steady(4 * time.Millisecond),
		"quick": steady(300 * time.Microsecond),
		"uneven": func(n int) time.Duration {
			if n%10 == 0 {
				return 20 * time.Millisecond
			}
			return 500 * time.Microsecond
		},
	} {
		for _, lost := range []float64{0, 0.1, 0.3, 0.6, 1} {
			m := newDisk(t, Options{Min: 1}, 300*time.Microsecond, lost, takes)
			m.pass(2*time.Second, 1)
			first, _ := m.run(t, 2*time.Second)
			cost, rate := m.run(t, 20*time.Second)
			s := m.p.Stats()
			if max(first, cost) > 1.3*allowed {
				t.Errorf("%s, %.1f lost while one reads: %.3f, then %.3f of the appends are; %+v", name, lost, first, cost, s)
			}
			if share := s.Reading.Seconds() / 22; share < 0.5*min(allowed/max(lost, 0.01), 0.7) {
				t.Errorf("%s, %.1f lost while one reads: they read %.3f of the time, %.0f MB/s; %+v", name, lost, share, rate/1e6, s)
			}
		}
	}
}

// TestSlowSyncsCountAsLost has appends that do not become fewer, as they come at a rate of their own, but slow.
func TestSlowSyncsCountAsLost(t *testing.T) {
	p, clock := newPacer(t, Options{Min: 1})
	clock.wake = func(d time.Duration) {
		for ; d > 0; d -= time.Millisecond {
			clock.add(min(d, time.Millisecond))
			p.Observe(1, 100*time.Microsecond)
		}
	}
	clock.wake(time.Second)
	for range 500 {
		turn, err := p.Wait(t.Context(), chunk)
		if err != nil {
			t.Fatal(err)
		}
		clock.add(time.Millisecond)
		p.Observe(1, 500*time.Microsecond)
		turn.Done()
	}
	if s := p.Stats(); s.Cost < 0.75 || s.Cost > 0.9 || s.Share > allowed/0.75 {
		t.Errorf("appends take 5 times as long while one reads: %+v", s)
	}
}

// TestReadersGetTheLeast has a disk on which nothing else happens while one reads, and that for long.
func TestReadersGetTheLeast(t *testing.T) {
	const least = 1 << 20
	m := newDisk(t, Options{Min: least}, time.Millisecond, 1, func(int) time.Duration { return 100 * time.Millisecond })
	m.pass(time.Second, 1)
	if _, rate := m.run(t, 20*time.Second); rate < 0.9*least || rate > 1.2*least {
		t.Errorf("readers got %.0f bytes/s", rate)
	}
}

// TestMaxHoldsBesideAppends has appends that do not mind.
func TestMaxHoldsBesideAppends(t *testing.T) {
	const most = 8 << 20
	m := newDisk(t, Options{Max: most}, time.Millisecond, 0, func(int) time.Duration { return time.Millisecond })
	m.pass(time.Second, 1)
	if _, rate := m.run(t, 20*time.Second); rate < 0.95*most || rate > 1.02*most {
		t.Errorf("readers got %.0f bytes/s", rate)
	}
}

// TestOffHoldsNobodyBack and neither do appends that have ended.
func TestOffHoldsNobodyBack(t *testing.T) {
	m := newDisk(t, Options{Off: true}, time.Millisecond, 0.5, func(int) time.Duration { return time.Millisecond })
	m.pass(time.Second, 1)
	m.run(t, time.Second)
	if s := m.p.Stats(); s.Idle || s.Waited != 0 || len(m.clock.slept) > 0 {
		t.Errorf("%+v", s)
	}
	m = newDisk(t, Options{}, time.Millisecond, 1, func(int) time.Duration { return time.Millisecond })
	m.pass(time.Second, 1)
	m.clock.add(idleAfter)
	if read(t, m.p, m.clock, time.Second, time.Millisecond); len(m.clock.slept) > 0 || !m.p.Stats().Idle {
		t.Errorf("slept %v; %+v", m.clock.slept, m.p.Stats())
	}
}

// TestOneReadsAtATime has many readers beside appends. All get on.
func TestOneReadsAtATime(t *testing.T) {
	leaktest.Check(t)
	const readers, rounds = 8, 50
	p, clock := newPacer(t, Options{})
	clock.wake = func(d time.Duration) {
		clock.add(d)
		p.Observe(1, time.Millisecond)
	}
	clock.wake(time.Millisecond)
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			for range rounds {
				turn, err := p.Wait(t.Context(), chunk)
				if err != nil {
					t.Error(err)
					return
				}
				if n := p.reading.Load(); n != 1 || !turn.Beside() {
					t.Errorf("%d read at a time", n)
				}
				clock.add(time.Millisecond)
				p.Observe(1, time.Millisecond)
				turn.Done()
			}
		})
	}
	all.Wait()
	if s := p.Stats(); s.Granted != readers*rounds*chunk || s.Waited == 0 {
		t.Errorf("%+v", s)
	}
}

// TestAnEndedContextGivesItsTurnBack has a reader that gives up leave the way free.
func TestAnEndedContextGivesItsTurnBack(t *testing.T) {
	const rate = 1 << 20
	p, clock := newPacer(t, Options{Max: rate})
	ctx, cancel := context.WithCancel(t.Context())
	clock.wake = func(d time.Duration) { clock.add(d); cancel() }
	if _, err := p.Wait(t.Context(), 100*rate); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(ctx, 100*rate); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := p.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}

	p, clock = newPacer(t, Options{})
	p.Observe(1, time.Millisecond)
	turn, err := p.Wait(t.Context(), chunk)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := p.Wait(ctx, chunk); !errors.Is(err, context.Canceled) { // another has the turn
		t.Error(err)
	}
	clock.add(10 * time.Millisecond)
	p.Observe(1, time.Millisecond)
	turn.Done()
	ctx, cancel = context.WithCancel(t.Context())
	clock.wake = func(d time.Duration) { clock.add(d); cancel() }
	if _, err := p.Wait(ctx, chunk); !errors.Is(err, context.Canceled) { // there is no time to read
		t.Error(err)
	}
	clock.wake = nil
	turn, err = p.Wait(t.Context(), chunk)
	if err != nil {
		t.Fatal(err)
	}
	turn.Done()
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{Max: -1}, {Min: -1}, {Min: 2, Max: 1}, {Off: true, Max: 1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if _, err := New(Options{Max: 1000}); err != nil {
		t.Error(err)
	}
}

// TestTheClockOfThisMachine reads a little with it, as all else uses another.
func TestTheClockOfThisMachine(t *testing.T) {
	p, err := New(Options{Max: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		turn, err := p.Wait(t.Context(), 20<<20)
		if err != nil {
			t.Fatal(err)
		}
		turn.Done()
	}
	if p.Stats().Waited == 0 {
		t.Errorf("%+v", p.Stats())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (system{}).Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	m := newDisk(t, Options{}, time.Millisecond, 0.5, nil)
	m.clock.slept = make([]time.Duration, 0, 10_000)
	n := testing.AllocsPerRun(1000, func() {
		m.pass(time.Millisecond, 1)
		turn, err := m.p.Wait(t.Context(), 1)
		if err != nil {
			t.Error(err)
		}
		turn.Done()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
