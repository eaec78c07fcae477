package adapter

import (
	"fmt"
	"sync/atomic"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

const (
	// tellEvery is the number of draws or counts after which others see them.
	tellEvery = 64
	// pauseNanos is the shortest wait for draws that are due. What is due by then is drawn together.
	pauseNanos = 100_000
)

// Draw is what a source has drawn.
type Draw struct {
	Text string // a word, or a sentence; it may be kept
	Due  int64  // instant at which it was intended to leave, of Run.Now; 0 if the run has no rate
}

// Source draws. It is for one goroutine.
type Source struct {
	// Idle is called before the source waits for its next draw: what holds draws back to send them together must send
	// them now. Nil does nothing.
	Idle func() error

	run      *Run
	index    uint64
	draws    []string
	stream   words.Stream
	drawn    uint64
	left     int // draws until fill is called
	start    int64
	nanos    float64 // between two draws of all sources
	lateness *hdr.Histogram
	sleep    func(int64) error
	told     atomic.Uint64 // drawn, as others see it
	err      error
}

// Source returns the next of the run's sources. Its Close must be called.
func (r *Run) Source() (*Source, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	index := r.part + len(r.sources)
	s := &Source{
		run: r, index: uint64(index), draws: r.List.Draws, stream: r.List.Stream(r.Seed, index), lateness: newHistogram(),
		sleep: func(int64) error { return nil },
	}
	if r.Rate > 0 {
		s.nanos, s.start = 1e9/r.Rate, r.now()
		sleep, end, err := bench.NewAlarm()
		if err != nil {
			return nil, fmt.Errorf("adapter: %w", err)
		}
		s.sleep = sleep
		go func() { // until the run ends
			<-r.stop.Done()
			end()
		}()
	}
	r.sources = append(r.sources, s)
	return s, nil
}

// Next returns the next draw, at a rate when it is due. more is false when the source has to stop; Err says whether for a
// bad reason.
func (s *Source) Next() (d Draw, more bool) {
	if s.left == 0 && !s.fill() {
		return Draw{}, false
	}
	s.left--
	d.Text = s.draws[s.stream.Next()]
	if s.nanos > 0 {
		d.Due = s.intended(s.drawn)
	}
	s.drawn++
	return d, true
}

// Again returns draw k, from 0, once more.
func (s *Source) Again(k uint64) Draw {
	d := Draw{Text: s.draws[s.run.List.At(s.run.Seed, int(s.index), k)]}
	if s.nanos > 0 {
		d.Due = s.intended(k)
	}
	return d
}

// Drawn returns how often the source has drawn.
func (s *Source) Drawn() uint64 { return s.drawn }

// Err returns what Idle failed of.
func (s *Source) Err() error { return s.err }

// Undo takes back that the last draw was emitted: the system has refused it.
func (s *Source) Undo() {
	s.drawn--
	s.told.Store(s.drawn)
}

// intended returns when a draw of this source is to leave.
func (s *Source) intended(k uint64) int64 {
	return s.start + int64(float64(k*uint64(s.run.Parallelism)+s.index)*s.nanos)
}

// fill allows some more draws.
func (s *Source) fill() bool {
	s.told.Store(s.drawn)
	most := uint64(tellEvery)
	if s.run.Draws > 0 {
		most = min(most, s.run.Draws-s.drawn)
	}
	if most == 0 || s.run.stop.Err() != nil {
		return false
	}
	if s.nanos == 0 {
		s.left = int(most)
		return true
	}
	for {
		now := s.run.now()
		for s.left < int(most) {
			due := s.intended(s.drawn + uint64(s.left))
			if due > now {
				break
			}
			if s.run.measures(due) {
				_ = s.lateness.RecordValue(inRange(now - due)) // fails only out of range
			}
			s.left++
		}
		if s.left > 0 {
			return true
		}
		if s.Idle != nil {
			if s.err = s.Idle(); s.err != nil {
				return false
			}
		}
		if s.run.stop.Err() != nil || s.sleep(max(s.intended(s.drawn), now+pauseNanos)) != nil {
			return false // the alarm ends only with the run
		}
	}
}
