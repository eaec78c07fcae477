package logbench

import (
	"context"
	"fmt"

	"github.com/ardea-stream/ardea/dlog"
)

// group is logs of a store to which appenders append durably.
type group struct {
	work
	store *dlog.Store
	into  []*dlog.Writer
	from  []uint64 // offset in each log from which on what is there belongs to the run
}

func newGroup(s *dlog.Store, w work) (*group, error) {
	g := &group{work: w, store: s, from: make([]uint64, w.logs)}
	for i := range w.logs {
		l, err := s.Create(fmt.Sprintf("%s %d", w.name, i), dlog.LogOptions{})
		if err != nil {
			return nil, err
		}
		writer, err := l.OpenWriter(0)
		if err != nil {
			return nil, err
		}
		g.into = append(g.into, writer)
	}
	return g, nil
}

// appenders returns the appenders of a run. Each keeps to one log and waits for each batch, as those of the bare loop do:
// whatever happens. To listen for the end of a context as well costs each some hundred nanoseconds, as a thousand wait for
// the same one.
func (g *group) appenders(run uint32) []appender {
	var each []appender
	for i := range g.writers {
		w, record := g.into[i%len(g.into)], newRecord(run, uint32(i), g.bytes)
		var b dlog.Batch
		n := uint64(0)
		each = append(each, func() (int, error) {
			b.Reset()
			for range g.batch {
				number(record, n)
				b.Add(record)
				n++
			}
			f, err := w.Append(&b, dlog.Disk)
			if err != nil {
				return 0, err
			}
			_, err = f.Wait(context.Background()) //nolint:forbidigo // without one, as those who wait for the bare loop
			return b.Len(), err
		})
	}
	return each
}

// check reads back what a run has appended.
func (g *group) check(ctx context.Context, run uint32, o *outcome) error {
	t := newTally(g.name, run, g.writers, g.bytes)
	for i, w := range g.into {
		end, err := t.readBack(ctx, w.Log(), g.from[i])
		if err != nil {
			return err
		}
		g.from[i] = end
	}
	acknowledged := make([]uint64, g.writers)
	for i, n := range o.appends {
		acknowledged[i] = n * uint64(g.batch)
	}
	return t.agrees(acknowledged)
}

// clear removes what was read back, and leaves the store with nothing to do.
func (g *group) clear() error {
	for i, w := range g.into {
		if err := w.Log().Truncate(g.from[i]); err != nil {
			return err
		}
	}
	return g.store.Checkpoint()
}
