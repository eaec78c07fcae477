package capture_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/ardea-stream/ardea/local/capture"
)

func parse(t *testing.T, path string) *profile.Profile {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// total sums a kind of values over the samples with a function in their stack.
func total(p *profile.Profile, values, function string) int64 {
	at, sum := -1, int64(0)
	for i, st := range p.SampleType {
		if st.Type == values {
			at = i
		}
	}
	for _, s := range p.Sample {
		for _, l := range s.Location {
			if len(l.Line) > 0 && strings.HasSuffix(l.Line[0].Function.Name, function) {
				sum += s.Value[at]
				break
			}
		}
	}
	return sum
}

var sink []byte

// Large allocations are all sampled, so that what tests allocate is counted exactly.
func init() { runtime.MemProfileRate = 4096 }

//go:noinline
func allocate(n int) {
	for range n {
		sink = make([]byte, 1<<20)
	}
}

//go:noinline
func contend(mu *sync.Mutex) {
	mu.Lock()
	entered := make(chan struct{})
	var other sync.WaitGroup
	other.Go(func() {
		close(entered)
		mu.Lock()
		mu.Unlock() //nolint:staticcheck // the wait is the point
	})
	<-entered
	for range 1000 {
		runtime.Gosched()
	}
	mu.Unlock()
	other.Wait()
}

func TestCountsAreOfTheRecordingOnly(t *testing.T) {
	allocate(64) // before it
	r, err := capture.Start([]capture.Kind{capture.Allocs})
	if err != nil {
		t.Fatal(err)
	}
	allocate(16)
	paths, err := r.Stop(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if n := total(parse(t, paths[capture.Allocs]), "alloc_space", ".allocate"); n < 15<<20 || n > 18<<20 {
		t.Errorf("%d bytes are said to be allocated, 16 MiB were", n)
	}
}

func TestLocksAreRecordedOnlyMeanwhile(t *testing.T) {
	runtime.SetMutexProfileFraction(7)
	defer runtime.SetMutexProfileFraction(0)
	r, err := capture.Start([]capture.Kind{capture.Mutex, capture.Block})
	if err != nil {
		t.Fatal(err)
	}
	if rate := runtime.SetMutexProfileFraction(-1); rate != capture.MutexFraction {
		t.Errorf("one of %d locks is sampled, want %d", rate, capture.MutexFraction)
	}
	var mu sync.Mutex
	for range 200 {
		contend(&mu)
	}
	paths, err := r.Stop(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if n := total(parse(t, paths[capture.Block]), "contentions", ".contend"); n == 0 {
		t.Error("no waits were recorded")
	}
	if p := parse(t, paths[capture.Mutex]); p.DurationNanos <= 0 {
		t.Errorf("the mutex profile is of %d ns", p.DurationNanos)
	}
	if rate := runtime.SetMutexProfileFraction(-1); rate != 7 {
		t.Errorf("one of %d locks is sampled after it, want 7 as before", rate)
	}
}

func TestOneRecordingAtATime(t *testing.T) {
	r, err := capture.Start([]capture.Kind{capture.Heap, capture.Heap})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := capture.Start([]capture.Kind{capture.Heap}); !errors.Is(err, capture.ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	if paths, err := r.Stop(t.TempDir(), "test"); err != nil || len(paths) != 1 {
		t.Errorf("%v, %v", paths, err)
	}
	if r, err = capture.Start([]capture.Kind{capture.Goroutine}); err != nil {
		t.Fatal(err)
	}
	r.Abandon()
}

// A program's own profile is left alone, and what was begun is taken back.
func TestOwnProfileOfTheProgram(t *testing.T) {
	if err := pprof.StartCPUProfile(&strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	defer pprof.StopCPUProfile()
	var fault *capture.KindFault
	if _, err := capture.Start([]capture.Kind{capture.Trace, capture.Mutex, capture.CPU}); !errors.As(err, &fault) || fault.Kind != capture.CPU {
		t.Fatalf("Start: %v", err)
	}
	if rate := runtime.SetMutexProfileFraction(-1); rate != 0 {
		t.Errorf("one of %d locks is still sampled", rate)
	}
	r, err := capture.Start([]capture.Kind{capture.Trace})
	if err != nil {
		t.Fatalf("after that: %v", err)
	}
	r.Abandon()
}

func TestCheck(t *testing.T) {
	var kind *capture.KindError
	if _, err := capture.Start([]capture.Kind{"CPU"}); !errors.As(err, &kind) || !strings.Contains(err.Error(), "goroutine, trace") {
		t.Errorf("an unknown kind: %v", err)
	}
	if _, err := capture.Start(nil); !errors.Is(err, capture.ErrNoKinds) {
		t.Errorf("no kind: %v", err)
	}
}

func TestNoHalfFiles(t *testing.T) {
	r, err := capture.Start([]capture.Kind{capture.Heap, capture.Goroutine})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "p.heap.pprof"), 0o700); err != nil {
		t.Fatal(err)
	}
	paths, err := r.Stop(dir, "p")
	var fault *capture.KindFault
	if !errors.As(err, &fault) || fault.Kind != capture.Heap || len(paths) != 1 {
		t.Errorf("%v, %v", paths, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("the directory holds %v", entries)
	}
}

func TestMerge(t *testing.T) {
	var files []string
	for _, name := range []string{"a", "b"} {
		r, err := capture.Start([]capture.Kind{capture.Allocs})
		if err != nil {
			t.Fatal(err)
		}
		allocate(8)
		paths, err := r.Stop(t.TempDir(), name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, paths[capture.Allocs])
	}
	dir := t.TempDir()
	all := filepath.Join(dir, "all.pprof")
	if err := capture.Merge(all, capture.Allocs, files, ""); err != nil {
		t.Fatal(err)
	}
	if n := total(parse(t, all), "alloc_space", ".allocate"); n < 15<<20 || n > 18<<20 {
		t.Errorf("%d bytes are said to be allocated, twice 8 MiB were", n)
	}
	if err := capture.Merge(all, capture.Allocs, files, "nobody"); err != nil || len(parse(t, all).Sample) != 0 {
		t.Errorf("of a component that is not there: %d samples, %v", len(parse(t, all).Sample), err)
	}
	if err := capture.Merge(filepath.Join(dir, "trace"), capture.Trace, files, ""); !errors.Is(err, capture.ErrTrace) {
		t.Errorf("two traces: %v", err)
	}
	if err := os.WriteFile(files[0], []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := capture.Merge(filepath.Join(dir, "bad"), capture.CPU, files, ""); err == nil {
		t.Error("nonsense is merged")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the directory holds %v", entries)
	}
}
