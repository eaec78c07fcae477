package pipe

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

const (
	queueBatches = 16
	commitEvery  = time.Second
	commitAt     = 1000 // records that are done
	// lastCommit is how long Close tries to commit.
	lastCommit = 3 * time.Second
)

// NewSpout returns a spout that reads a log. It is a topology.Replayer and a topology.Acker. Open fails where the source
// is not valid. Next fails, beside what Emit fails with, with a SchemaError and with a LogError, in which errors.As finds
// what is wrong: a dlog.TruncatedError, which says where the log begins now, a dlog.CorruptError, ErrReplaced, and so on.
// It does not skip anything. A tuple that the engine has given up counts as done.
func NewSpout(s Source) topology.Spout { return &spout{src: s.withDefaults()} }

// spout reads the logs of a task.
type spout struct {
	src     Source
	out     *topology.Collector
	log     *slog.Logger
	tracked bool

	feeds   []*feed
	queue   chan item
	started bool
	ctx     context.Context //nolint:containedctx // of the goroutines, until Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	nudge   chan struct{} // to commit; room for one

	cur     *batch // of which records are emitted next; nil if there is none
	pending pending
	dec     decoder
	done    int         // records, since the feeds were told of them
	due     atomic.Bool // the feeds are to be told
}

// Open finds the stores. Their logs are read from the first Next on.
func (s *spout) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	if err := s.src.Validate(); err != nil {
		return err
	}
	dirs, many, err := stores(s.src.Dir, task)
	if err != nil {
		return err
	}
	s.out, s.log, s.tracked, s.dec.how = out, task.Logger, isTracked(out), s.src.Decode
	s.queue, s.nudge = make(chan item, queueBatches), make(chan struct{}, 1)
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx)) // what is acked during a drain is committed
	for _, dir := range dirs {
		s.feeds = append(s.feeds, &feed{
			src: &s.src, line: line{dir: dir, host: s.src.Host}, many: many, out: s.queue, wake: task.Wake, log: task.Logger,
		})
	}
	return nil
}

// isTracked reports whether tuples are tracked: elsewhere Ack does nothing.
func isTracked(out *topology.Collector) bool {
	return errors.Is(out.Ack(topology.Anchor{}), topology.ErrAnchor)
}

// Seek goes on behind what the engine knows to be complete. Ids of several logs say nothing to another process: their
// subscriptions do.
func (s *spout) Seek(id uint64) error {
	if len(s.feeds) == 1 {
		s.feeds[0].seek = id
	}
	return nil
}

// Next emits the next record.
func (s *spout) Next() error {
	for s.cur == nil {
		if err := s.fetch(); err != nil {
			return err
		}
	}
	b := s.cur
	id := b.id + uint64(b.next)
	if err := s.emit(b, b.next); err != nil {
		return err
	}
	if b.next++; b.next == len(b.recAt) {
		s.cur = nil
	}
	if !s.tracked {
		s.finish(id)
	}
	return nil
}

// fetch takes what feeds have read.
func (s *spout) fetch() error {
	s.start()
	if s.due.Load() {
		s.tell()
	}
	if s.pending.bytes >= s.src.PendingBytes {
		return topology.ErrIdle
	}
	select {
	case it := <-s.queue:
		return s.take(it)
	default:
	}
	for _, f := range s.feeds {
		if !f.ended {
			return topology.ErrIdle
		}
	}
	return io.EOF
}

// start starts the goroutines. What Seek says comes before.
func (s *spout) start() {
	if s.started {
		return
	}
	s.started = true
	for _, f := range s.feeds {
		s.running.Go(func() { f.run(s.ctx) })
	}
	s.running.Go(s.committer)
}

// take takes what a feed tells.
func (s *spout) take(it item) error {
	f := it.feed
	switch {
	case errors.Is(it.err, io.EOF):
		f.ended = true
		return nil
	case it.err != nil:
		return it.err
	case it.recs == nil:
		f.pos = it.pos
		return nil
	}
	if n, err := s.dec.check(it.recs.Body()); err != nil {
		at := it.recs.First + uint64(n)
		it.release()
		return s.misfit(f, at, err)
	}
	f.pos = it.recs.First
	id := uint64(0)
	for _, other := range s.feeds {
		id += other.pos
	}
	b, err := newBatch(f, it.recs, id)
	if err != nil {
		it.release()
		return &LogError{Dir: f.line.dir, Log: s.src.Log, Offset: f.pos, Err: err}
	}
	f.pos = it.recs.Next()
	s.pending.add(b)
	s.cur = b
	return nil
}

// emit emits a record of a batch.
func (s *spout) emit(b *batch, i int) error {
	at := b.first + uint64(i)
	values, err := s.dec.decode(b.record(i))
	if err != nil {
		return s.misfit(b.feed, at, err)
	}
	err = s.out.EmitID(b.id+uint64(i), values...)
	if errors.Is(err, topology.ErrFields) || errors.Is(err, topology.ErrInvalidUTF8) || errors.Is(err, topology.ErrTimeRange) {
		return s.misfit(b.feed, at, err)
	}
	return err
}

func (s *spout) misfit(f *feed, at uint64, err error) error {
	return &SchemaError{Dir: f.line.dir, Log: s.src.Log, Offset: at, Err: err}
}

// Replay emits a record again, of the memory that it is kept in.
func (s *spout) Replay(id uint64) error {
	b, i := s.pending.find(id)
	if b == nil {
		return errUnknownID
	}
	return s.emit(b, i)
}

// Ack notes that a record is done.
func (s *spout) Ack(id uint64) { s.finish(id) }

// Fail notes that a record is given up, and so is done as well.
func (s *spout) Fail(id uint64, _ *topology.Failure) { s.finish(id) }

func (s *spout) finish(id uint64) {
	if !s.pending.finish(id) {
		return
	}
	if s.done++; s.done >= commitAt || s.due.Load() {
		s.tell()
	}
}

// tell tells the feeds how far they are done, and has that committed.
func (s *spout) tell() {
	if s.done == 0 {
		return
	}
	s.done = 0
	s.due.Store(false)
	s.pending.tell()
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// committer commits what is done, now and then.
func (s *spout) committer() {
	every := time.NewTicker(commitEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			s.due.Store(true)
		case <-s.nudge:
		case <-s.ctx.Done():
			return
		}
		_ = s.commit(s.ctx, false) // is tried again
	}
}

func (s *spout) commit(ctx context.Context, dial bool) error {
	var errs []error
	for _, f := range s.feeds {
		if err := f.commit(ctx, dial); err != nil {
			errs = append(errs, &LogError{Dir: f.line.dir, Log: s.src.Log, Err: err})
		}
	}
	return errors.Join(errs...)
}

// Close commits what is done and gives everything back. That it cannot commit is no error: another run emits again what
// this one has, and the log says so.
func (s *spout) Close() error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	s.running.Wait()
	s.pending.tell()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), lastCommit)
	defer cancel()
	if err := s.commit(ctx, true); err != nil {
		s.log.Warn("position is not committed: another run will emit records again", slog.Any("err", err))
	}
	var errs []error
	for _, f := range s.feeds {
		errs = append(errs, f.line.close())
	}
	for len(s.queue) > 0 {
		it := <-s.queue
		it.release()
	}
	s.pending.release()
	s.cur = nil
	return errors.Join(errs...)
}
