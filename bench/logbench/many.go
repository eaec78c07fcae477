package logbench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ardea-stream/ardea/dlog"
)

const (
	touched = 2000 // of many logs are appended to
	few     = 16   // logs, whose store many logs are held against
)

// many measures what many logs take.
func (r *runner) many(ctx context.Context) error {
	f := r.figure(Many, fmt.Sprintf("%d logs in one store", r.c.Logs),
		"100,000 logs are open within 1 s and take 1 KiB of memory each")
	dir, remove, err := r.folder("many")
	if err != nil {
		return err
	}
	defer remove()
	dir = filepath.Join(dir, "store")
	if err := r.makeMany(ctx, f, dir); err != nil {
		return err
	}
	for range r.c.Repeat {
		if err := r.openMany(ctx, f, dir); err != nil {
			return err
		}
	}
	return nil
}

func manyName(i int) string { return fmt.Sprintf("tenant-%d/orders-%d", i%100, i) }

// makeMany makes the logs, and a file with their names.
func (r *runner) makeMany(ctx context.Context, f *Figure, dir string) error {
	s, _, err := dlog.Open(dir, dlog.Options{})
	if err != nil {
		return err
	}
	names, err := os.Create(dir + ".names")
	if err != nil {
		return errors.Join(err, s.Close())
	}
	out := bufio.NewWriter(names)
	begun := time.Now()
	for i := range r.c.Logs {
		if _, err = s.Create(manyName(i), dlog.LogOptions{}); err == nil {
			_, err = fmt.Fprintln(out, manyName(i))
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			break
		}
	}
	took := time.Since(begun)
	if err = errors.Join(err, out.Flush(), names.Close(), s.Close()); err != nil {
		return err
	}
	r.add(f, "logs made, one after the other", PerSecondO, "", float64(r.c.Logs)/took.Seconds(), 0)
	return nil
}

// name is what the limit of the open store keeps of a log.
type name struct {
	text string
	id   uint64
}

// readNames reads the names into a map, and says how long that took and how much memory it takes.
func readNames(path string) (names map[string]*name, took time.Duration, heap float64, err error) {
	before := heapBytes()
	begun := time.Now()
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, 0, err
	}
	defer func() { _ = f.Close() }()
	names = map[string]*name{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		n := &name{text: lines.Text(), id: uint64(len(names))}
		names[n.text] = n
	}
	took = time.Since(begun)
	return names, took, heapBytes() - before, lines.Err()
}

func heapBytes() float64 {
	runtime.GC()
	runtime.GC() // what the first has finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// openMany opens the store and appends to some of its logs.
func (r *runner) openMany(ctx context.Context, f *Figure, dir string) error {
	names, limitTook, limitHeap, err := readNames(dir + ".names")
	if err != nil {
		return err
	}
	if len(names) != r.c.Logs {
		return &CheckError{"names", fmt.Sprintf("%d of %d are there", len(names), r.c.Logs)}
	}
	empty, err := r.emptyHeap()
	if err != nil {
		return err
	}
	before := heapBytes()
	begun := time.Now()
	s, report, err := dlog.Open(dir, dlog.Options{})
	if err != nil {
		return err
	}
	took := time.Since(begun)
	heap := heapBytes() - before - empty
	if report.Logs != r.c.Logs {
		return errors.Join(&CheckError{"open", fmt.Sprintf("%d logs were made, %d are there", r.c.Logs, report.Logs)}, s.Close())
	}
	const is = "a file of names, read into a map"
	r.add(f, "time to open the store", Seconds, is, took.Seconds(), limitTook.Seconds())
	r.add(f, "heap for each idle log", Bytes, is, heap/float64(r.c.Logs), limitHeap/float64(r.c.Logs))
	err = r.inStore("few", func(small *dlog.Store) error {
		for i := range few {
			if _, err := small.Create(manyName(i), dlog.LogOptions{}); err != nil {
				return err
			}
		}
		return r.touch(ctx, f, s, small)
	})
	return errors.Join(err, s.Close())
}

// emptyHeap returns how much memory a store without logs takes.
func (r *runner) emptyHeap() (heap float64, err error) {
	before := heapBytes()
	err = r.inStore("empty", func(*dlog.Store) error {
		heap = heapBytes() - before
		return nil
	})
	return heap, err
}

// touch appends to random logs of a store, in turn with a store of few logs and a file.
func (r *runner) touch(ctx context.Context, f *Figure, many, small *dlog.Store) error {
	dir, remove, err := r.folder("touch")
	if err != nil {
		return err
	}
	defer remove()
	limit, err := newSyncer(dir)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(uint64(r.number()), 1))
	record := newRecord(r.runs, 0, 100)
	var opens, appends, smallAppends, syncs []uint32
	for i := range min(touched, r.c.Logs) {
		number(record, uint64(i))
		err := turns(i,
			func() error { return touchOne(ctx, many, random.IntN(r.c.Logs), record, &opens, &appends) },
			func() error { return touchOne(ctx, small, random.IntN(few), record, new([]uint32), &smallAppends) })
		begun := time.Now()
		if err == nil {
			err = limit.append(record)
		}
		if err != nil {
			return errors.Join(err, limit.f.Close())
		}
		syncs = append(syncs, nanos(begun))
	}
	for _, p := range []struct {
		name  string
		share float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		took := quantile(appends, p.share)
		r.add(f, "append to a random log, "+p.name, Micros, "write and fdatasync of a prepared file", took, quantile(syncs, p.share))
		r.add(f, "append, beside a small store, "+p.name, Micros, fmt.Sprintf("the same in a store of %d logs", few), took, quantile(smallAppends, p.share))
	}
	r.add(f, "open a random log's writer, p50", Micros, "write and fdatasync of a prepared file", quantile(opens, 0.5), quantile(syncs, 0.5))
	return limit.f.Close()
}

// nanos returns how long ago something began, at most 4 s.
func nanos(begun time.Time) uint32 { return uint32(min(time.Since(begun), 1<<32-1)) }

// touchOne opens a log's writer and appends a record durably, notes how long each took, and reads the record back.
func touchOne(ctx context.Context, s *dlog.Store, log int, record []byte, opens, appends *[]uint32) error {
	l, err := s.Log(manyName(log))
	if err != nil {
		return err
	}
	begun := time.Now()
	w, err := l.OpenWriter(0)
	if err != nil {
		return err
	}
	*opens = append(*opens, nanos(begun))
	begun = time.Now()
	f, err := w.Append(new(dlog.Batch).Add(record), dlog.Disk)
	if err != nil {
		return err
	}
	res, err := f.Wait(ctx)
	if err != nil {
		return err
	}
	*appends = append(*appends, nanos(begun))
	return readBackOne(ctx, l, res.First, record)
}

// readBackOne checks that a record is where it was appended.
func readBackOne(ctx context.Context, l *dlog.Log, offset uint64, record []byte) error {
	reader, err := l.NewReader(dlog.Offset(offset), dlog.ReadOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	records, err := reader.TryNext(ctx)
	if err != nil {
		return err
	}
	for _, have := range records.All() {
		if string(have) == string(record) {
			return nil
		}
	}
	return &CheckError{l.Name(), "the record that was appended is not there"}
}
