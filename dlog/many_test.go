package dlog

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

var logs = flag.Int("logs", 20_000, "how many logs to open")

// mostPerLog is how many bytes of the heap a log may take that nobody uses.
const mostPerLog = 2 << 10

// manyLogs makes a store with many logs, each with a file, and returns its folder.
func manyLogs(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	s, _, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustCloseStore(t, s)
	db, err := metadata.Open(metadata.Options{FS: disk.OS{}, Dir: filepath.Join(dir, "meta")})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *metadata.Tx) error {
		for i := range n {
			id, file := tx.NextID(), tx.NextFile()
			if err := tx.PutLog(metadata.Log{ID: id, Name: fmt.Sprintf("customers/%06d/orders", i), Created: 1, Epoch: 1}); err != nil {
				return err
			}
			if err := tx.PutSegment(metadata.Segment{Log: id, File: file, Owner: id, Next: 10, Bytes: 4096, Created: 1}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // empties the pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func openFiles(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(fds)
}

// TestIdleLogsCostLittle opens a store with many logs: no file, no goroutine and little memory for each,
// and nothing is looked up before it is asked for.
func TestIdleLogsCostLittle(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checks take memory")
	}
	leaktest.Check(t)
	n := *logs
	if testing.Short() {
		n = min(n, 10_000)
	}
	dir := manyLogs(t, n)
	bytes, files, goroutines := heap(), openFiles(t), runtime.NumGoroutine()
	began := time.Now()
	s, report, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	perLog := (heap() - bytes) / int64(n)
	files, goroutines = openFiles(t)-files, runtime.NumGoroutine()-goroutines
	t.Logf("%d logs: %v to open, %d bytes each, %d files and %d goroutines in all", n, took, perLog, files, goroutines)
	if perLog > mostPerLog || files > 50 || goroutines > 30 || report.Logs != n {
		t.Error("that is too much")
	}
	for _, l := range s.Logs("") {
		if l.loaded.Load() {
			t.Fatalf("the files of %s were looked up", l.Name())
		}
	}
	mustCloseStore(t, s)
}

// TestLogsThatWereUsedCostLittle appends to many logs, and lets the window forget them.
func TestLogsThatWereUsedCostLittle(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checks take memory")
	}
	leaktest.Check(t)
	const n = 200
	s, w := newLog(t, Options{WindowBytes: 256 << 10, MaxFiles: 4})
	writers := make([]*Writer, n)
	for i := range writers {
		writers[i] = newWriter(t, s, fmt.Sprintf("log%d", i), LogOptions{})
	}
	flood(t, w, 400, 1<<10)
	before := heap()
	for _, w := range writers {
		flood(t, w, 60, 10)
	}
	flood(t, w, 400, 1<<10)
	perLog := (heap() - before) / n
	if perLog > mostPerLog {
		t.Errorf("%d bytes for a log that was used", perLog)
	}
	for _, w := range writers {
		if w.log.mu.tail.n > 0 {
			t.Fatal("the log is in the window still")
		}
	}
	t.Logf("%d bytes each", perLog)
	mustCloseStore(t, s)
}

// flood appends batches and waits for the last one.
func flood(t *testing.T, w *Writer, batches, size int) {
	t.Helper()
	for range batches {
		var b Batch
		if _, err := w.Append(b.Add(make([]byte, size)), Memory); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
