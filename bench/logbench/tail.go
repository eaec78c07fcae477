package logbench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/ardea-stream/ardea/dlog"
)

const (
	tailRate  = 1000 // appends a second
	tailBytes = 200
)

// paced calls do at a steady rate, n times. Nobody's slowness delays the schedule, except that of do.
func paced(ctx context.Context, n int, do func(i int) error) error {
	defer sharpen()()
	start := time.Now()
	for i := range n {
		sleep(time.Until(start.Add(time.Duration(i) * (time.Second / tailRate))))
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

// tail measures how long it takes from an append to a reader that waits for it.
func (r *runner) tail(ctx context.Context) error {
	f := r.figure(Tail, fmt.Sprintf("From append to reader, %d a second, %d bytes", tailRate, tailBytes),
		"little more than the sync itself at level Disk, microseconds at level Memory")
	n := max(int(r.c.Duration.Seconds()*tailRate), 10)
	dir, remove, err := r.folder("tail")
	if err != nil {
		return err
	}
	defer remove()
	s, err := newSyncer(dir)
	if err != nil {
		return err
	}
	err = r.inStore("tail", func(store *dlog.Store) error {
		if _, err := r.follow(ctx, store, dlog.Disk, min(n, tailRate)); err != nil { // the journal's files are made
			return err
		}
		for i := range r.c.Repeat {
			if err := r.tailOnce(ctx, f, store, s, n, i); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, s.f.Close())
}

func (r *runner) tailOnce(ctx context.Context, f *Figure, store *dlog.Store, s *syncer, n, i int) error {
	var disk, memory, sync, channel []uint32
	into := func(to *[]uint32, measure func() ([]uint32, error)) func() error {
		return func() (err error) { *to, err = measure(); return err }
	}
	err := errors.Join(
		turns(i, into(&sync, func() ([]uint32, error) { return syncTimes(ctx, s, n) }),
			into(&disk, func() ([]uint32, error) { return r.follow(ctx, store, dlog.Disk, n) })),
		turns(i, into(&channel, func() ([]uint32, error) { return channelTimes(ctx, n) }),
			into(&memory, func() ([]uint32, error) { return r.follow(ctx, store, dlog.Memory, n) })))
	if err != nil {
		return err
	}
	const syncIs, channelIs = "write and fdatasync alone, as often", "a Go channel between two goroutines, as often"
	r.add(f, "Disk p50", Micros, syncIs, quantile(disk, 0.5), quantile(sync, 0.5))
	r.add(f, "Disk p99", Micros, syncIs, quantile(disk, 0.99), quantile(sync, 0.99))
	r.add(f, "Memory p50", Micros, channelIs, quantile(memory, 0.5), quantile(channel, 0.5))
	r.add(f, "Memory p99", Micros, channelIs, quantile(memory, 0.99), quantile(channel, 0.99))
	return nil
}

// syncTimes returns how long a write and a sync take, at the rate of the appends.
func syncTimes(ctx context.Context, s *syncer, n int) (nanos []uint32, err error) {
	record := newRecord(0, 0, tailBytes)
	err = paced(ctx, n, func(int) error {
		before := time.Now()
		err := s.append(record)
		nanos = append(nanos, uint32(time.Since(before)))
		return err
	})
	return nanos, err
}

// channelTimes returns how long it takes from one goroutine to another.
func channelTimes(ctx context.Context, n int) (nanos []uint32, err error) {
	in, done := make(chan time.Time, 16), make(chan struct{})
	go func() {
		defer close(done)
		for at := range in {
			nanos = append(nanos, uint32(time.Since(at)))
		}
	}()
	err = paced(ctx, n, func(int) error {
		in <- time.Now()
		return nil
	})
	close(in)
	<-done
	return nanos, err
}

// follow appends n records at a level and returns how long each took to a reader: one of what is durable, or at level
// Memory one of what is appended.
func (r *runner) follow(ctx context.Context, store *dlog.Store, level dlog.Level, n int) ([]uint32, error) {
	run := r.number()
	l, err := store.Create(fmt.Sprintf("tail %d", run), dlog.LogOptions{})
	if err != nil {
		return nil, err
	}
	w, err := l.OpenWriter(0)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	base := time.Now()
	record := newRecord(run, 0, tailBytes)
	appended := make(chan error, 1)
	go func() {
		var b dlog.Batch
		appended <- paced(ctx, n, func(int) error {
			stampTime(record, time.Since(base))
			f, err := w.Append(b.Reset().Add(record), level)
			if err == nil && level == dlog.Memory {
				_, err = f.Wait(ctx)
			}
			return err
		})
	}()
	nanos, err := receive(ctx, l, level == dlog.Memory, run, n, base)
	if err != nil {
		stop() // nobody waits for the appender otherwise
	}
	if err := errors.Join(err, <-appended, w.Flush(ctx)); err != nil {
		return nil, err
	}
	return nanos, store.Delete(l.Name())
}

// stampTime puts a time into a record of the tail, in the place of its number.
func stampTime(record []byte, at time.Duration) {
	binary.LittleEndian.PutUint64(record[8:], uint64(at))
}

// receive reads n records of the tail and returns how long each took.
func receive(ctx context.Context, l *dlog.Log, uncommitted bool, run uint32, n int, base time.Time) ([]uint32, error) {
	reader, err := l.NewReader(dlog.First, dlog.ReadOptions{Uncommitted: uncommitted})
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	var nanos []uint32
	before := time.Duration(-1)
	want := newRecord(run, 0, tailBytes)
	for len(nanos) < n {
		records, err := reader.Next(ctx)
		if err != nil {
			return nil, err
		}
		now := time.Since(base)
		for offset, record := range records.All() {
			if len(record) != tailBytes {
				return nil, &CheckError{l.Name(), fmt.Sprintf("record %d has %d bytes", offset, len(record))}
			}
			at := time.Duration(binary.LittleEndian.Uint64(record[8:]))
			stampTime(want, at)
			if string(record) != string(want) || at <= before || offset != uint64(len(nanos)) {
				return nil, &CheckError{l.Name(), fmt.Sprintf("record %d is not the one that was appended", offset)}
			}
			before = at
			nanos = append(nanos, uint32(now-at))
		}
	}
	return nanos, nil
}
