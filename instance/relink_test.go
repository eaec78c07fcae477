package instance

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// TestAcksSurviveALink breaks the link while a bolt executes the second of four
// tuples, of which the last has not arrived. What was executed is acked over the
// next link, and what the link took with it is not.
func TestAcksSurviveALink(t *testing.T) {
	leaktest.Check(t)
	for _, how := range []string{"acks", "fail"} {
		t.Run(how, func(t *testing.T) {
			leaktest.Check(t)
			inside, gate := make(chan struct{}, 10), make(chan struct{})
			work := &userBolt{}
			work.execute = func(t *topology.Tuple, _ *topology.Collector) error {
				if w, _ := t.String(0); w == "two" {
					inside <- struct{}{}
					<-gate
					if how == "fail" {
						return errBoom
					}
				}
				return nil
			}
			m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false))
			r := m.run(workTask, func(c *Config) { c.MaxAge = time.Hour })
			p := m.welcome(plenty)
			frame := simple("one", "two", "three", "four")
			p.send(frame[:len(frame)-1])
			<-inside
			p.conn.Close()
			close(gate)
			p = m.welcome(plenty)
			var got []acked
			var fails []uint64
			p.send(anchored([]string{"five"}, func(int) uint64 { return 5 }, func(int) []wireRoot { return []wireRoot{{srcTask, 5}} }))
			for !slices.Contains(got, acked{5, 5}) {
				h, body := p.frame()
				if h.Kind == wire.KindFail {
					f, err := wire.ParseFailure(body)
					if err != nil {
						t.Fatal(err)
					}
					fails = append(fails, f.Seq)
					continue
				}
				got = append(got, entries(t, h, body, workTask, srcTask)...)
			}
			if how == "fail" {
				// The failure found the link broken, and three went with it.
				if !slices.Equal(fails, []uint64{2}) || !slices.Equal(got, []acked{{1, 1000}, {5, 5}}) {
					t.Errorf("acks %v, fails %v", got, fails)
				}
			} else if len(fails) != 0 || !slices.Equal(got, []acked{{1, 1000}, {2, 1001}, {3, 1002}, {5, 5}}) {
				t.Errorf("acks %v, fails %v", got, fails)
			}
			r.stop()
		})
	}
}

// TestCreditOfANewLinkInsideEmit has a task that waits for credit lose its link
// when it sends its acks: the credit of the next one is noticed.
func TestCreditOfANewLinkInsideEmit(t *testing.T) {
	leaktest.Check(t)
	for _, late := range []bool{false, true} { // with the welcome, or right behind it
		inside, gate := make(chan struct{}), make(chan struct{})
		n := 0
		work := &userBolt{execute: func(t *topology.Tuple, out *topology.Collector) error {
			if n++; n == 3 {
				close(inside)
				<-gate
			}
			return echo().execute(t, out)
		}}
		m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false))
		r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch, c.MaxAge = 1, 1, time.Hour })
		p := m.welcome(1)
		p.send(simple("one", "two", "three"))
		<-inside
		p.conn.Close()
		close(gate)
		if late {
			p = m.accept()
			p.send(slices.Concat(wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch, Incarnation: 1}),
				wire.AppendHeader(nil, wire.Header{Kind: wire.KindCredit, Count: plenty, Epoch: testEpoch})))
		} else {
			p = m.welcome(plenty)
		}
		var words []string
		for len(words) < 2 {
			if h, body := p.frame(); h.Kind == wire.KindData {
				words = append(words, seenIn(t, h, body)[0].word)
			}
		}
		if !slices.Equal(words, []string{"two", "three"}) {
			t.Errorf("words are %q", words)
		}
		r.stop()
	}
}

// TestCreditBehindAWelcome has a spout that is held back get credit, and more, together with a welcome.
func TestCreditBehindAWelcome(t *testing.T) {
	leaktest.Check(t)
	src := newReplaying(2, io.EOF)
	m := newManager(t, trackedTopology(t, src, nil, delivery, false))
	r := m.run(srcTask, func(c *Config) { c.MaxAge = time.Hour }) // both tuples in one batch
	p := m.welcome(1)
	p.words("0", "1")
	p.conn.Close()
	p = m.accept()
	p.send(slices.Concat(wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch, Incarnation: 1}),
		wire.AppendHeader(nil, wire.Header{Kind: wire.KindCredit, Count: plenty, Epoch: testEpoch})))
	p.words("0", "1")
	r.stop()
}

// TestStoppedTaskSaysNothing stops a bolt that waits inside Execute: the tuple is neither acked nor failed.
func TestStoppedTaskSaysNothing(t *testing.T) {
	leaktest.Check(t)
	for _, hide := range []bool{false, true} { // whether Execute hides what Emit says
		work := &userBolt{execute: func(_ *topology.Tuple, out *topology.Collector) error {
			for {
				if err := out.Emit(topology.String("again")); err != nil && hide {
					return nil
				} else if err != nil {
					return err
				}
			}
		}}
		m := newManager(t, trackedTopology(t, &userSpout{}, work, delivery, false))
		r := m.run(workTask, func(c *Config) { c.MinBatch, c.MaxBatch = 1, 1 })
		p := m.welcome(1)
		p.send(simple("one", "two"))
		p.words("again")
		r.stop()
		if h, _, err := p.next(); err == nil {
			t.Errorf("frame is %+v", h)
		}
		if got := r.Metrics(); got.Errors != 0 {
			t.Errorf("metrics are %+v", got)
		}
	}
}
