package own

import (
	"context"
	"io"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/topology"
)

// fields are those of words and sentences: at a rate each carries the instant at which it was to leave.
func (s spec) fields() []string {
	if s.Rate > 0 {
		return []string{"text", "due"}
	}
	return []string{"text"}
}

// due returns the instant that a tuple carries, 0 without a rate.
func (s spec) due(t *topology.Tuple) (int64, error) {
	if s.Rate == 0 {
		return 0, nil
	}
	return t.Int(1)
}

// source draws words or sentences. The number of a draw is its id.
type source struct {
	spec  spec
	task  *topology.Task
	out   *topology.Collector
	run   *adapter.Run
	draws *adapter.Source
}

func (s *source) Open(ctx context.Context, task *topology.Task, out *topology.Collector) (err error) {
	s.task, s.out = task, out
	if s.run, err = s.spec.Part(ctx, task.Index); err != nil {
		return err
	}
	if s.draws, err = s.run.Source(); err == nil {
		s.draws.Idle = out.Flush
	}
	return err
}

func (s *source) Next() error {
	for range 64 {
		d, more := s.draws.Next()
		if !more {
			return io.EOF
		}
		if err := s.emit(s.draws.Drawn(), d); err != nil {
			s.draws.Undo()
			return err
		}
	}
	return nil
}

func (s *source) emit(id uint64, d adapter.Draw) error {
	if s.spec.Rate == 0 {
		return s.out.EmitID(id, topology.String(d.Text))
	}
	return s.out.EmitID(id, topology.String(d.Text), topology.Int(d.Due))
}

func (s *source) Replay(id uint64) error { return s.emit(id, s.draws.Again(id-1)) }

func (s *source) Seek(uint64) error { return errRestarted }

func (s *source) Close() error { return publish(s.task, s.run) }
