package local

import (
	"context"
	"slices"
	"time"
)

// samplePatience is how long periodic samples wait for an answer.
const samplePatience = 2 * time.Second

// round is a sample being gathered: a request of Cluster.Sample.
type round struct {
	reply chan *Sample       // has room for one
	need  map[*member]uint64 // number of the sample that each must answer, until it has
}

// ask begins a round. Each member has at most one request under way, so that
// its pipe never fills; one that came before the round does not serve it.
func (s *supervisor) ask(r *round) {
	r.need = map[*member]uint64{}
	for _, m := range s.members {
		switch {
		case m.absent() || m.bye:
		case m.asked == m.answered:
			s.request(m)
			r.need[m] = m.asked
		default:
			m.askAgain = true
			r.need[m] = m.asked + 1
		}
	}
	s.rounds = append(s.rounds, r)
	s.settle(r)
}

func (s *supervisor) request(m *member) {
	m.asked++
	m.send(command{Op: opSample, Seq: m.asked})
}

// answered follows a member's answer or its last word.
func (s *supervisor) answered(m *member) {
	if m.askAgain && m.asked == m.answered && !m.gone {
		m.askAgain = false
		s.request(m)
	}
	for _, r := range slices.Clone(s.rounds) {
		if need, waiting := r.need[m]; waiting && (m.answered >= need || m.gone || m.bye) {
			delete(r.need, m)
			s.settle(r)
		}
	}
}

// forgo has no round wait for a member, whose process is replaced.
func (s *supervisor) forgo(m *member) {
	for _, r := range slices.Clone(s.rounds) {
		if _, waiting := r.need[m]; waiting {
			delete(r.need, m)
			s.settle(r)
		}
	}
}

// settle answers a round that nobody is missing from.
func (s *supervisor) settle(r *round) {
	if len(r.need) == 0 {
		s.answer(r)
	}
}

// answer ends a round with what is known.
func (s *supervisor) answer(r *round) {
	i := slices.Index(s.rounds, r)
	if i < 0 {
		return // it has been answered
	}
	s.rounds = slices.Delete(s.rounds, i, i+1)
	r.reply <- s.sample()
}

// sampled keeps what a member said of itself.
func (s *supervisor) sampled(m *member, said *ProcessSample) {
	if said == nil {
		return
	}
	said.Process = m.Process
	said.Elapsed = max(time.Since(s.began), 1)
	for i := range said.Instances {
		t := &said.Instances[i]
		if c := s.c.plan.ComponentOf(t.Task); c != nil {
			t.Component, t.Spout = c.Name, c.Spout
		}
	}
	said.Usage = m.used.add(said.Usage)
	said.Usage.PeakRSSBytes = max(m.used.PeakRSSBytes, said.Usage.PeakRSSBytes-m.used.PeakRSSBytes)
	said.Restarts, said.LastDeath, said.Earlier = m.life, m.lastDeath, m.earlier
	said.Instances = m.ordered(said.Instances)
	m.last = *said
}

// ordered adds the figures of tasks that ended before the last start, which the
// process does not know, in the order of the tasks.
func (m *member) ordered(figures []TaskSample) []TaskSample {
	if len(m.retired) == 0 {
		return figures
	}
	all := slices.Concat(m.retired, figures)
	slices.SortFunc(all, func(a, b TaskSample) int { return slices.Index(m.Tasks, a.Task) - slices.Index(m.Tasks, b.Task) })
	return all
}

// sample puts together the last that each member said.
func (s *supervisor) sample() *Sample {
	all := &Sample{Elapsed: time.Since(s.began), Launcher: ownUsage().since(s.baseline)}
	for _, m := range s.members {
		all.Processes = append(all.Processes, m.last)
	}
	return all
}

// sampleEvery takes a sample now and then while the run lasts. Besides serving
// Options.OnSample that leaves a last word of processes that are killed.
func (c *Cluster) sampleEvery(ctx context.Context, o Options) {
	select {
	case <-c.ended:
		return
	case <-c.up:
	}
	ctx = context.WithoutCancel(ctx)
	ticks := time.NewTicker(o.SampleEvery)
	defer ticks.Stop()
	for {
		select {
		case <-c.ended:
			return
		case <-ticks.C:
		}
		bounded, cancel := context.WithTimeout(ctx, samplePatience)
		s, _ := c.Sample(bounded) // of those that answer in time
		cancel()
		if o.OnSample != nil {
			o.OnSample(s)
		}
	}
}
