package logcrash

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog"
)

const (
	envVictim  = "ARDEA_LOGCRASH_VICTIM"  // folder of the store to which the program appends
	envBatches = "ARDEA_LOGCRASH_BATCHES" // how many to each log, and then again after reopening; empty: for ever
	envPlanted = "ARDEA_LOGCRASH_PLANTED" // bug of a program that was built with all of them
)

var (
	cycles = flag.Int("cycles", 3, "shut a file system down `N` times")
	calls  = flag.Int("calls", 3, "let up to the `N`th call of each thread fail, of each system call")
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envVictim); dir != "" {
		if err := victim(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const logs = 3

// most is how many batches a program appends to each log that is to append for ever, so that the disk does not become full
// when whoever is to kill it does not get to it: 60 MB in all.
const most = 10_000

func logName(i int) string { return fmt.Sprintf("log%d", i) }

// options make everything happen often.
func options() dlog.Options {
	return dlog.Options{JournalFile: 64 << 10, WindowBytes: 64 << 10, SegmentBytes: 32 << 10, CheckpointBytes: 128 << 10}
}

// record is what a log holds at an offset.
func record(log int, offset uint64) []byte {
	head := fmt.Sprintf("record %d of log %d. ", offset, log)
	return []byte(head + strings.Repeat(string(rune('a'+offset%26)), int(offset*7%300)))
}

// victim appends to a store, and prints what was acknowledged.
func victim(ctx context.Context, dir string) error {
	batches, times := 0, 1
	if text := os.Getenv(envBatches); text != "" {
		if _, err := fmt.Sscan(text, &batches); err != nil {
			return err
		}
		times = 2
	}
	for range times {
		s, _, err := dlog.Open(dir, options())
		if err != nil {
			return err
		}
		if err := errors.Join(appendAll(ctx, s, batches), s.Close()); err != nil {
			return err
		}
	}
	return nil
}

// appendAll appends to all logs at once: so many batches to each, or for ever.
func appendAll(ctx context.Context, s *dlog.Store, batches int) error {
	var all sync.WaitGroup
	errs := make([]error, logs)
	for i := range logs {
		l, err := s.Log(logName(i))
		if errors.Is(err, dlog.ErrNotFound) {
			l, err = s.Create(logName(i), dlog.LogOptions{})
		}
		if err != nil {
			errs[i] = err
			break
		}
		all.Go(func() { errs[i] = appendTo(ctx, l, i, batches) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func appendTo(ctx context.Context, l *dlog.Log, log, batches int) error {
	w, err := l.OpenWriter(0)
	if err != nil {
		return err
	}
	info, err := l.Info()
	if err != nil {
		return err
	}
	next := info.End
	for n := 0; batches == 0 || n < batches; n++ {
		if n == most {
			time.Sleep(time.Hour) // until it is killed
		}
		var b dlog.Batch
		for range 1 + rand.IntN(20) {
			b.Add(record(log, next))
			next++
		}
		f, err := w.Append(&b, dlog.Disk)
		if err != nil {
			return err
		}
		if _, err := f.Wait(ctx); err != nil {
			return err
		}
		if _, err := fmt.Println(log, next); err != nil {
			return err
		}
	}
	return nil
}

// hear adds what a victim has printed to what is acknowledged: the end of each log. A line without its end does not
// count: it may be half a number.
func hear(t *testing.T, text string, ends *[logs]uint64) (acks int) {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	for _, line := range lines[:len(lines)-1] {
		var log int
		var end uint64
		if _, err := fmt.Sscan(line, &log, &end); err != nil || log >= logs {
			t.Fatalf("the victim says %q", line)
		}
		ends[log] = max(ends[log], end)
		acks++
	}
	return acks
}

// verify says what is wrong with a store. What it finds is acknowledged from now on.
func verify(t *testing.T, dir string, ends *[logs]uint64) error {
	t.Helper()
	s, _, err := dlog.Open(dir, options())
	if err != nil {
		return err
	}
	var errs []error
	for i := range logs {
		end, err := verifyLog(t.Context(), s, i)
		if err == nil && end < ends[i] {
			err = fmt.Errorf("%d records were acknowledged and %d are there", ends[i], end)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", logName(i), err))
		}
		ends[i] = max(ends[i], end)
	}
	return errors.Join(append(errs, s.Close())...)
}

func verifyLog(ctx context.Context, s *dlog.Store, i int) (end uint64, err error) {
	l, err := s.Log(logName(i))
	if errors.Is(err, dlog.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	r, err := l.NewReader(dlog.First, dlog.ReadOptions{})
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	for {
		records, err := r.TryNext(ctx)
		if errors.Is(err, dlog.ErrEnd) {
			return end, nil
		}
		if err != nil {
			return end, err
		}
		for offset, have := range records.All() {
			if offset != end || string(have) != string(record(i, offset)) {
				return end, fmt.Errorf("where record %d should be is %d: %.60q", end, offset, have)
			}
			end++
		}
	}
}
