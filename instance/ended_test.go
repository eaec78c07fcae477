package instance

import (
	"io"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// TestEndIsToldStepByStep checks that a task tells of its end before it says so to its stream
// manager, and again between the answer and Close.
func TestEndIsToldStepByStep(t *testing.T) {
	leaktest.Check(t)
	steps := make(chan string, 10)
	src := &userSpout{
		next:  func(*topology.Collector) error { return io.EOF },
		close: func() error { steps <- "closed"; return nil },
	}
	m := newManager(t, testTopology(t, src, nil))
	held := make(chan struct{})
	r := m.run(srcTask, func(c *Config) {
		c.OnEnding = func() { steps <- "ending"; <-held }
		c.OnEnded = func() { steps <- "ended" }
	})
	p := m.welcome(plenty)
	step := func(want string) {
		t.Helper()
		if got := <-steps; got != want {
			t.Errorf("step %q, want %q", got, want)
		}
	}
	step("ending")
	p.silentLink()
	close(held)
	p.expect(wire.KindEnd)
	p.eof()
	if len(steps) != 0 {
		t.Errorf("%q before the stream manager has taken the end", <-steps)
	}
	p.conn.Close()
	step("ended")
	step("closed")
	if err := r.wait(); err != nil {
		t.Error(err)
	}
}

// silentLink checks that nothing has been sent.
func (p *peer) silentLink() {
	p.tb.Helper()
	l, err := newLink(p.conn)
	if err != nil {
		p.tb.Fatal(err)
	}
	if n, err := l.try(p.buf); n != 0 || err != nil {
		p.tb.Errorf("%d bytes have come, %v", n, err)
	}
}

// TestEndedTaskSaysSoAndNothingElse runs tasks whose earlier processes died while they said their ends.
func TestEndedTaskSaysSoAndNothingElse(t *testing.T) {
	for _, tracked := range []bool{false, true} {
		for task, stream := range map[uint32]uint16{srcTask: srcStream, workTask: workStream} {
			leaktest.Check(t)
			d := topology.Delivery{}
			if tracked {
				d = delivery
			}
			top := trackedTopology(t, nil, nil, d, false) // its constructors return nil, which is an error
			m := newManager(t, top)
			ended := false
			r := m.run(task, func(c *Config) {
				c.Ended, c.Restarts, c.PositionFile = true, 1, "/no/such/file"
				c.OnEnding = func() { t.Error("it was ending before") }
				c.OnEnded = func() { ended = true }
			})
			p := m.welcome(0)
			if task == workTask {
				p.end() // which the stream manager repeats
			}
			if tracked && task == srcTask {
				p.tell(wire.KindLost, workTask, 0)
			}
			p.ends(stream, task)
			if err := r.wait(); err != nil || !ended || !r.Metrics().Ended {
				t.Errorf("task %d, tracked %v: Run returned %v, ended is %v, metrics %+v", task, tracked, err, ended, r.Metrics())
			}
		}
	}
}
