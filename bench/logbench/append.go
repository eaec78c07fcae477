package logbench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ardea-stream/ardea/bench/logbench/bare"
	"github.com/ardea-stream/ardea/dlog"
)

// work is what appenders do.
type work struct {
	name                 string
	logs, writers, batch int
	bytes                int // of a record
}

const (
	bareBytes = 64 << 20 // of the file of the bare loop
	warmUp    = time.Second
)

// appends measures durable appends of many writers against the bare loop.
func (r *runner) appends(ctx context.Context) error {
	f := r.figure(Append, "Durable appends of 100 bytes",
		"70 % of what a bare group-commit loop reaches on the same disk in the same minutes")
	logs := min(1000, r.c.Logs)
	for _, w := range []work{
		{"1 log, 1,024 writers", 1, 1024, 1, 100},
		{fmt.Sprintf("%d logs, 1,024 writers", logs), logs, 1024, 1, 100},
		{"1 log, 64 writers, batches of 100", 1, 64, 100, 100},
	} {
		if err := r.beside(ctx, f, w); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

// beside measures one kind of work, in turn with the bare loop.
func (r *runner) beside(ctx context.Context, f *Figure, w work) error {
	return r.inStore("append", func(s *dlog.Store) error {
		g, err := r.group(ctx, s, w)
		if err != nil {
			return err
		}
		var log, loop rounds
		for i := range r.c.Repeat {
			var limit, measured float64
			err := turns(i,
				func() (err error) { limit, err = r.bareRate(ctx, w, &loop); return err },
				func() (err error) { measured, err = r.rate(ctx, g, &log); return err })
			if err != nil {
				return err
			}
			r.add(f, w.name, PerSecond, "bare loop: one goroutine, one file, one fdatasync a round", measured, limit)
		}
		f.Notes = append(f.Notes, fmt.Sprintf("%s: the log has %v; the bare loop %v.", w.name, &log, &loop))
		return nil
	})
}

// bareRate returns how many records per second the bare loop makes durable.
func (r *runner) bareRate(ctx context.Context, w work, sum *rounds) (float64, error) {
	dir, remove, err := r.folder("bare")
	if err != nil {
		return 0, err
	}
	defer remove()
	loop, err := bare.Open(filepath.Join(dir, "file"), bareBytes)
	if err != nil {
		return 0, err
	}
	var each []appender
	for i := range w.writers {
		a, record := loop.Appender(), newRecord(0, uint32(i), w.bytes)
		n := uint64(0)
		each = append(each, func() (int, error) {
			number(record, n)
			n++
			return w.batch * len(record), a.Append(record, w.batch)
		})
	}
	o, err := drive(ctx, each, r.c.Duration)
	did, closeErr := loop.Close()
	if err = errors.Join(err, closeErr); err != nil {
		return 0, err
	}
	if uint64(did.Appends) != o.sum() {
		return 0, &CheckError{"bare loop", fmt.Sprintf("%d appends were acknowledged, it counts %d", o.sum(), did.Appends)}
	}
	sum.merge(&rounds{n: did.Rounds, items: did.Appends, write: did.Write, sync: did.Sync})
	return o.rate() * float64(w.batch), nil
}

// group makes the logs of some work and has their writers append for a while, so that the journal's files are there when
// it counts.
func (r *runner) group(ctx context.Context, s *dlog.Store, w work) (*group, error) {
	g, err := newGroup(s, w)
	if err != nil {
		return nil, err
	}
	_, err = r.driveFor(ctx, g, min(r.c.Duration, warmUp))
	return g, err
}

// rate returns how many records per second the logs of a group make durable, after a check that they are there.
func (r *runner) rate(ctx context.Context, g *group, sum *rounds) (float64, error) {
	r.work.take()
	o, err := r.drive(ctx, g)
	sum.merge(r.work.take())
	if err != nil {
		return 0, err
	}
	return o.rate() * float64(g.batch), nil
}

// drive has the writers of a group append, and checks and removes what they have written.
func (r *runner) drive(ctx context.Context, g *group) (*outcome, error) {
	return r.driveFor(ctx, g, r.c.Duration)
}

func (r *runner) driveFor(ctx context.Context, g *group, d time.Duration) (*outcome, error) {
	run := r.number()
	o, err := drive(ctx, g.appenders(run), d)
	if err != nil {
		return nil, err
	}
	if err := g.check(ctx, run, o); err != nil {
		return nil, err
	}
	return o, g.clear()
}
