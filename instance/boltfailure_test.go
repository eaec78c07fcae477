package instance

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// TestBoltEndsTheRun checks that an error of Execute or Tick that is fatal ends the task with it, though there is more to
// come, and that no tuple is given to it after that.
func TestBoltEndsTheRun(t *testing.T) {
	leaktest.Check(t)
	boom := errors.New("boom")
	b := echo()
	calls := 0
	b.execute = func(*topology.Tuple, *topology.Collector) error {
		calls++
		if calls == 3 {
			return fmt.Errorf("%w: %w", topology.ErrFatal, boom)
		}
		return nil
	}
	m := newManager(t, testTopology(t, nil, b))
	r := m.run(workTask)
	p := m.welcome(plenty)
	p.send(dataFrame(numbered(50)...))
	err := r.wait()
	var failed *TaskError
	if !errors.As(err, &failed) || failed.Op != "Execute" || !errors.Is(err, boom) || calls != 3 {
		t.Errorf("after %d calls: %v", calls, err)
	}
}

// TestBoltSurvives checks that a tuple whose Execute fails is dropped, counted, reported, and the only one.
func TestBoltSurvives(t *testing.T) {
	leaktest.Check(t)
	boom := errors.New("boom")
	for _, tc := range []struct {
		name   string
		fail   func() error
		panics int64
		detail []string
	}{
		{"an error", func() error { return boom }, 0, []string{"component work task 2: Execute: boom"}},
		{"a panic", func() error { panic(boom) }, 25, []string{"Execute: panic: boom", "goroutine ", "boltfailure_test.go"}},
		{"a runtime error", func() error { return []error{boom}[len(os.Args)] }, 25, []string{"Execute: panic: runtime error: index out of range"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaktest.Check(t)
			b := echo()
			inner, n := b.execute, 0
			b.execute = func(tu *topology.Tuple, out *topology.Collector) error {
				if n++; n%4 == 0 {
					return tc.fail()
				}
				return inner(tu, out)
			}
			m := newManager(t, testTopology(t, nil, b))
			r := m.run(workTask)
			p := m.welcome(plenty)
			words := numbered(100)
			p.send(dataFrame(words[:50]...))
			p.send(dataFrame(words[50:]...))
			p.end()
			var want []string
			for i, w := range words {
				if (i+1)%4 != 0 {
					want = append(want, w)
				}
			}
			if got := p.collect(75); !slices.Equal(got, want) {
				t.Errorf("got %q", got)
			}
			p.ends(workStream, workTask)
			if err := r.wait(); err != nil {
				t.Fatal(err)
			}
			got := r.Metrics()
			if got.Received != 100 || got.Errors != 25 || got.Panics != tc.panics || got.FramesIn != 2 {
				t.Errorf("metrics are %+v", got)
			}
			for _, part := range tc.detail {
				if !strings.Contains(got.LastError, part) {
					t.Errorf("LastError lacks %q:\n%s", part, got.LastError)
				}
			}
		})
	}
}

func TestTickPanicIsSurvived(t *testing.T) {
	leaktest.Check(t)
	n := 0
	b := &tickBolt{tick: func(_ time.Time, out *topology.Collector) error {
		if n++; n < 3 {
			panic("early")
		}
		if n < 5 {
			return io.ErrNoProgress
		}
		return out.Emit(topology.String("tick"))
	}}
	m := newManager(t, testTopology(t, nil, b, topology.TickEvery(time.Millisecond)))
	r := m.run(workTask)
	p := m.welcome(plenty)
	p.data()
	p.end()
	for h, _ := p.frame(); h.Kind != wire.KindEnd; h, _ = p.frame() {
	}
	p.eof()
	p.conn.Close()
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	if got := r.Metrics(); got.Panics != 2 || got.Errors != 4 {
		t.Errorf("metrics are %+v", got)
	}
}
