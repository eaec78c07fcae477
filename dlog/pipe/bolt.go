package pipe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// NewBolt returns a bolt that appends its inputs to a log, to be declared with the option Appends. It acks them when they
// are durable, and fails them if they cannot be appended, such as while the disk is full. While nobody serves the store it
// waits, and holds its inputs back. What was on its way when the connection ended is sent again, and may be in the log
// twice.
//
// Open fails where the sink is not valid, and with a dlog.FencedError where the log has seen a higher epoch. When another
// writer takes over later, or the log is sealed or deleted, what is on its way fails, and the run ends with that error.
func NewBolt(s Sink) topology.Bolt { return &bolt{sink: s.withDefaults()} }

// bolt appends to a log.
type bolt struct {
	sink    Sink
	out     *topology.Collector
	tracked bool
	ctx     context.Context //nolint:containedctx // of the task
	app     *appender
	cancel  context.CancelFunc
	running sync.WaitGroup

	cur     *parcel // that inputs are added to
	under   int     // batches that the appender has
	failure error   // nothing is appended any more
}

// Open becomes the writer of the log.
func (b *bolt) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	if err := b.sink.Validate(); err != nil {
		return err
	}
	sink, err := b.sink.forTask(task)
	if err != nil {
		return err
	}
	b.ctx, b.out, b.tracked, b.cur = ctx, out, isTracked(out), &parcel{}
	b.app = newAppender(sink, task.Logger)
	if err := b.app.open(ctx); err != nil {
		return err
	}
	ctx, b.cancel = context.WithCancel(ctx)
	b.running.Go(func() { b.app.run(ctx) })
	return nil
}

// Execute adds a tuple to the batch.
func (b *bolt) Execute(t *topology.Tuple) error {
	if b.failure != nil {
		return fatal(b.failure)
	}
	rec, err := b.record(t)
	if err != nil {
		return err
	}
	if b.tracked {
		a := t.Anchor()
		if a == (topology.Anchor{}) {
			return ErrNotManual
		}
		b.cur.anchors = append(b.cur.anchors, a)
	}
	b.cur.body = codec.AppendRecord(b.cur.body, rec)
	b.cur.count++
	if int(b.cur.count) < b.sink.BatchRecords && len(b.cur.body) < b.sink.BatchBytes {
		return nil
	}
	return b.push()
}

// record returns the record of a tuple, borrowed from it.
func (b *bolt) record(t *topology.Tuple) ([]byte, error) {
	if b.sink.Encode == Raw {
		return t.Bytes(0)
	}
	raw := t.Raw()
	_, _, values, err := wire.Anchors(raw)
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	return raw[values:], nil
}

// Tick appends what has waited for more.
func (b *bolt) Tick(time.Time) error {
	if err := b.push(); err != nil {
		return err
	}
	return b.settle()
}

// Finish appends what is left and waits until all of it is durable.
func (b *bolt) Finish() error {
	err := b.push()
	for err == nil {
		changed := b.changed()
		if err = b.settle(); err != nil || b.under == 0 {
			break
		}
		select {
		case <-changed:
		case <-b.ctx.Done():
			err = b.ctx.Err()
		}
	}
	return err
}

func (b *bolt) changed() <-chan struct{} {
	b.app.mu.Lock()
	defer b.app.mu.Unlock()
	return b.app.mu.changed
}

// push gives the batch to the appender, and waits for room.
func (b *bolt) push() error {
	if b.cur.count == 0 {
		return nil
	}
	select {
	case b.app.in <- b.cur:
		b.under++
		b.cur = &parcel{}
		return nil
	case <-b.ctx.Done():
		return topology.ErrStopped
	}
}

// settle acks what is durable, and fails what could not be appended. It returns an error if some could not.
func (b *bolt) settle() error {
	var errs []error
	b.failure = b.app.failure()
	for _, p := range b.app.take() {
		b.under--
		if p.err != nil {
			errs = append(errs, p.err)
		}
		for _, a := range p.anchors {
			if p.err != nil {
				errs = append(errs, b.out.Fail(a, p.err))
			} else {
				errs = append(errs, b.out.Ack(a))
			}
		}
	}
	if b.failure != nil {
		errs = append(errs, fatal(b.failure))
	}
	return errors.Join(errs...)
}

// fatal makes an error end the run.
func fatal(err error) error { return fmt.Errorf("%w: %w", topology.ErrFatal, err) }

// Close gives back what Open took.
func (b *bolt) Close() error {
	if b.app == nil {
		return nil
	}
	if b.cancel != nil {
		b.cancel()
	}
	b.running.Wait()
	return b.app.line.close()
}
