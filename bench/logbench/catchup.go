package logbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/pace"
)

const (
	coldName  = "cold"
	coldBytes = 1000 // of a record
	coldBatch = 64   // records
)

// slots is how often in a run the reader begins to read: a disk changes its speed within seconds, so that two runs one
// after the other are not worth a comparison.
const slots = 10

// catchUp measures appends beside a reader that reads a cold log, as fast as the store lets it and as fast as it can.
func (r *runner) catchUp(ctx context.Context) error {
	f := r.figure(CatchUp, "A reader of a cold log of "+size(r.c.ColdBytes)+" beside 64 writers of 1 KB",
		"with pacing, appends keep 90 % of what they reach alone")
	dir, remove, err := r.folder("catchup")
	if err != nil {
		return err
	}
	defer remove()
	dir = filepath.Join(dir, "store")
	if err := r.fill(ctx, dir); err != nil {
		return err
	}
	for i := range r.c.Repeat {
		var paced, unpaced catchUpRun
		err := turns(i,
			func() (err error) { paced, err = r.catchUpOnce(ctx, dir, pace.Options{}); return err },
			func() (err error) { unpaced, err = r.catchUpOnce(ctx, dir, pace.Options{Off: true}); return err })
		if err != nil {
			return err
		}
		const is = "appends alone, in turn with it"
		r.add(f, "appends, reader paced", PerSecond, is, paced.beside.rate, paced.alone.rate)
		r.add(f, "appends, reader not paced", PerSecond, is, unpaced.beside.rate, unpaced.alone.rate)
		r.add(f, "p99 of appends, reader paced", Micros, is, paced.beside.p99, paced.alone.p99)
		r.add(f, "p99 of appends, reader not paced", Micros, is, unpaced.beside.p99, unpaced.alone.p99)
		r.add(f, "the paced reader", MBPerS, "the reader that is not paced", paced.read, unpaced.read)
	}
	f.Notes = append(f.Notes, fmt.Sprintf("The reader reads for %v and stands still for %v, again and again, while the writers go on.", r.c.Duration/slots, r.c.Duration/slots))
	return nil
}

// fill makes a store with the cold log.
func (r *runner) fill(ctx context.Context, dir string) error {
	s, _, err := dlog.Open(dir, dlog.Options{})
	if err != nil {
		return err
	}
	return errors.Join(func() error {
		l, err := s.Create(coldName, dlog.LogOptions{})
		if err != nil {
			return err
		}
		w, err := l.OpenWriter(0)
		if err != nil {
			return err
		}
		record := newRecord(0, 0, coldBytes)
		var b dlog.Batch
		for n := uint64(0); int64(n)*coldBytes < r.c.ColdBytes; {
			b.Reset()
			for range coldBatch {
				number(record, n)
				b.Add(record)
				n++
			}
			if _, err := w.Append(&b, dlog.Memory); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if err := w.Flush(ctx); err != nil {
			return err
		}
		r.c.Progress(fmt.Sprintf("%s: the cold log has %s", CatchUp, size(r.c.ColdBytes)))
		return s.Checkpoint()
	}(), s.Close())
}

// catchUpRun is what one run with a reader has reached.
type catchUpRun struct {
	alone, beside reached
	read          float64 // MB/s, while it read
}

// reached is what appends have reached in a part of a run.
type reached struct {
	rate float64 // appends a second
	p99  float64 // microseconds
}

func (r *runner) catchUpOnce(ctx context.Context, dir string, o pace.Options) (run catchUpRun, err error) {
	if err := dropFiles(filepath.Join(dir, "segments")); err != nil {
		return run, err
	}
	s, _, err := dlog.Open(dir, dlog.Options{Pace: o})
	if err != nil {
		return run, err
	}
	err = r.catchUpIn(ctx, s, &run)
	return run, errors.Join(err, s.Close())
}

// catchUpIn has 64 writers append to a log of their own, which is deleted afterwards, and a reader read now and then.
func (r *runner) catchUpIn(ctx context.Context, s *dlog.Store, run *catchUpRun) error {
	g, err := r.group(ctx, s, work{"hot", 1, 64, 1, 1000})
	if err != nil {
		return err
	}
	readers, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	now := newShift(r.c.Duration / slots)
	bytes := int64(0)
	go func() {
		var err error
		bytes, err = readCold(readers, s, now)
		done <- err
	}()
	id := r.number()
	each := g.appenders(id)
	times := make([][2][]uint32, len(each))
	for i, one := range each {
		each[i] = func() (int, error) {
			begun := time.Now()
			n, err := one()
			k := now.which()
			times[i][k] = append(times[i][k], nanos(begun))
			return n, err
		}
	}
	o, err := drive(ctx, each, 2*r.c.Duration)
	took := now.end()
	stop()
	if err := errors.Join(err, <-done); err != nil {
		return err
	}
	if err := errors.Join(g.check(ctx, id, o), g.clear()); err != nil {
		return err
	}
	var all [2][]uint32
	for i := range times {
		for k := range all {
			all[k] = append(all[k], times[i][k]...)
		}
	}
	for k, to := range []*reached{&run.alone, &run.beside} {
		*to = reached{rate: float64(len(all[k])) / took[k].Seconds(), p99: quantile(all[k], 0.99)}
	}
	run.read = float64(bytes) / 1e6 / took[1].Seconds()
	return s.Delete("hot 0")
}

// readCold reads and checks the cold log, again and again, while it is its shift and until the context ends, and returns
// how many bytes it were.
func readCold(ctx context.Context, s *dlog.Store, now *shift) (bytes int64, err error) {
	l, err := s.Log(coldName)
	if err != nil {
		return 0, err
	}
	for {
		n, err := readColdOnce(ctx, l, now)
		bytes += n
		switch {
		case ctx.Err() != nil:
			return bytes, nil //nolint:nilerr // the end of the context is the end of the run
		case err != nil:
			return bytes, err
		}
		if err := dropFiles(filepath.Join(s.Dir(), "segments")); err != nil {
			return bytes, err
		}
	}
}

func readColdOnce(ctx context.Context, l *dlog.Log, now *shift) (bytes int64, err error) {
	r, err := l.NewReader(dlog.First, dlog.ReadOptions{})
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	t := newTally("cold log", 0, 1, coldBytes)
	for now.wait(ctx) == nil {
		records, err := r.TryNext(ctx)
		if errors.Is(err, dlog.ErrEnd) || errors.Is(err, io.EOF) {
			return bytes, nil
		}
		if err != nil {
			return bytes, err
		}
		for _, record := range records.All() {
			if err := t.see(record); err != nil {
				return bytes, err
			}
			bytes += int64(len(record))
		}
	}
	return bytes, nil
}

// dropFiles takes the files of a folder out of the system's cache. One that is removed meanwhile is in no cache.
func dropFiles(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		f, err := disk.OS{}.Open(filepath.Join(dir, file.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		disk.Advise(f, 0, 0, disk.DontNeed)
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
