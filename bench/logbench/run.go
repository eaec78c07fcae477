package logbench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/journal"
)

// runner measures, one figure after the other.
type runner struct {
	c      Config
	dir    string // for all that is written
	report *Report
	runs   uint32 // so far: each has a number of its own
	work   rounds // of the store that is open
}

// Run measures what the configuration names. If it fails, the report holds what was measured before, as long as there
// is one. What it has written is removed, unless it is to be kept.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	dir, err := os.MkdirTemp(c.Dir, "ardea-log-bench-")
	if err != nil {
		return nil, err
	}
	r := &runner{c: c, dir: dir, report: &Report{Machine: bench.ThisMachine(), Begun: time.Now(), Config: Settings{
		Seconds: c.Duration.Seconds(), Repeat: c.Repeat, ColdBytes: c.ColdBytes, RecoverBytes: c.Recover, Logs: c.Logs,
	}}}
	err = r.run(ctx)
	if c.Keep {
		c.Progress("kept in " + dir)
		return r.report, err
	}
	return r.report, errors.Join(err, os.RemoveAll(dir))
}

func (r *runner) run(ctx context.Context) error {
	if err := r.checkSpace(); err != nil {
		return err
	}
	for _, m := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{Append, r.appends},
		{Single, r.single},
		{Tail, r.tail},
		{CatchUp, r.catchUp},
		{Recovery, r.recovery},
		{Many, r.many},
		{Peers, r.peers},
		{Allocs, r.allocs},
	} {
		if !r.c.has(m.name) {
			continue
		}
		if err := m.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// figure begins a figure.
func (r *runner) figure(name, title, asked string) *Figure {
	f := &Figure{Name: name, Title: title, Asked: asked}
	r.report.Figures = append(r.report.Figures, f)
	return f
}

// add adds one repeat's value to a row and tells of it.
func (r *runner) add(f *Figure, name string, unit Unit, limitIs string, measured, limit float64) {
	f.add(name, unit, limitIs, measured, limit)
	r.c.Progress(f.Name + ": " + f.row(name).String())
}

// folder makes a folder for something, which the caller removes when nobody needs it any more.
func (r *runner) folder(name string) (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp(r.dir, name+"-")
	return dir, func() {
		if !r.c.Keep {
			_ = os.RemoveAll(dir) // Run removes what is left, and says if it cannot
		}
	}, err
}

// inStore calls do with a new store.
func (r *runner) inStore(name string, do func(*dlog.Store) error) error {
	dir, remove, err := r.folder(name)
	if err != nil {
		return err
	}
	defer remove()
	s, _, err := dlog.Open(filepath.Join(dir, "store"), dlog.Options{Hooks: dlog.Hooks{Journal: journal.Hooks{Batch: r.work.add}}})
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// number returns the number of the next run.
func (r *runner) number() uint32 {
	r.runs++
	return r.runs
}

// turns calls two measurements, in turn the one or the other first.
func turns(i int, a, b func() error) error {
	if i%2 == 1 {
		a, b = b, a
	}
	if err := a(); err != nil {
		return err
	}
	return b()
}
