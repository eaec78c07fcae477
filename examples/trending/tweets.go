package trending

import (
	"context"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

const (
	perNext = 32     // tweets sent in one call of Next, at most
	drift   = 10_000 // tweets after which the next tag becomes the most used
)

// tweets is the spout.
type tweets struct {
	o Options

	out   *topology.Collector
	zipf  *rand.Zipf
	start time.Time
	sent  uint64
	text  []byte
}

// Open seeds the tweets.
func (s *tweets) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	s.out, s.start = out, time.Now()
	s.zipf = rand.NewZipf(rand.New(rand.NewPCG(s.o.Seed, uint64(task.ID))), 1.2, 1, uint64(s.o.Tags-1))
	return nil
}

// Next sends the tweets that are due.
func (s *tweets) Next() error {
	n := uint64(perNext)
	if s.o.Rate > 0 {
		due := uint64(time.Since(s.start).Seconds() * s.o.Rate)
		if n = min(n, due-min(due, s.sent)); n == 0 {
			return topology.ErrIdle
		}
	}
	for range n {
		if s.o.Tweets > 0 && s.sent == s.o.Tweets {
			return io.EOF
		}
		if err := s.out.Emit(topology.StringBytes(s.tweet())); err != nil {
			return err
		}
	}
	return nil
}

// tweet returns the next text. It is overwritten by the one after.
func (s *tweets) tweet() []byte {
	s.text = append(s.text[:0], "You should all have a look at #"...)
	s.text = s.tag(s.text)
	s.text = append(s.text, " and perhaps #"...)
	s.text = s.tag(s.text)
	s.sent++
	return append(s.text, " too."...)
}

func (s *tweets) tag(dst []byte) []byte {
	tag := (s.zipf.Uint64() + s.sent/drift) % uint64(s.o.Tags)
	return strconv.AppendUint(append(dst, "tag"...), tag, 10)
}

// Close does nothing.
func (s *tweets) Close() error { return nil }
