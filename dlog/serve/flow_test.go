package serve

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/internal/invariants"
)

func TestErrorsGoOverTheWire(t *testing.T) {
	for _, err := range []error{
		io.EOF, dlog.ErrEnd, dlog.ErrFull, fmt.Errorf("%w: %w: no room", dlog.ErrUnknown, dlog.ErrFull),
		&dlog.FencedError{Epoch: 1, Seen: 2}, &dlog.TruncatedError{First: 3}, fmt.Errorf("read: %w", &dlog.BeyondEndError{End: 4}),
		&dlog.CorruptError{File: "f", At: 5, From: 6, To: 7, Err: errors.New("bad")}, &ProtocolError{Reason: "r"}, errors.New("other"),
	} {
		got, ok := parseError(appendError(nil, err))
		if !ok || got.Error() != err.Error() {
			t.Errorf("%v becomes %v", err, got)
		}
		for _, s := range sentinels {
			if errors.Is(err, s) != errors.Is(got, s) {
				t.Errorf("%v: Is(%v) is %v", err, s, errors.Is(got, s))
			}
		}
		if e, ok := errors.AsType[*dlog.CorruptError](err); ok {
			if g, ok := errors.AsType[*dlog.CorruptError](got); !ok || g.File != e.File || g.At != e.At || g.From != e.From || g.To != e.To {
				t.Errorf("%+v becomes %+v", e, g)
			}
		}
		if e, ok := errors.AsType[*dlog.BeyondEndError](err); ok {
			if g, ok := errors.AsType[*dlog.BeyondEndError](got); !ok || *g != *e {
				t.Errorf("%+v becomes %+v", e, g)
			}
		}
	}
}

// TestASlowClientDelaysNobody lets a client ask for a log and not read its socket, while others append and read.
func TestASlowClientDelaysNobody(t *testing.T) {
	_, v, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	w := writer(t, c, "a")
	conn, err := net.Dial("unix", v.Path())
	must(t, err)
	defer func() { _ = conn.Close() }()
	_, err = conn.Write(append(hello(), frame(kindRead, 1, `{"log":"a","from":"first","credit":1099511627776}`)...))
	must(t, err)
	s := stream(t, c, "a", dlog.First, ReadOptions{Window: 64 << 10})
	big := strings.Repeat("x", 100<<10)
	for i := range 100 { // ten times the window of the store
		appendTo(t, w, 0, big)
		if rec, err := s.Next(t.Context()); err != nil || rec.First != uint64(i) {
			t.Fatalf("batch %d: %+v, %v", i, rec, err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for s := range v.mu.sessions {
		s.mu.Lock()
		if n := cap(s.mu.out) + cap(s.mu.spare); n > 2*(maxOut+s.limit)+keepOut {
			t.Errorf("a session holds %d bytes", n)
		}
		s.mu.Unlock()
	}
}

// TestCreditBoundsWhatIsSent opens a stream that nobody reads.
func TestCreditBoundsWhatIsSent(t *testing.T) {
	_, _, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	w := writer(t, c, "a")
	const size = 1000
	s := stream(t, c, "a", dlog.First, ReadOptions{Window: 4 << 10})
	for range 100 {
		appendTo(t, w, 0, strings.Repeat("x", size))
	}
	<-s.wake
	_, err := c.Info(t.Context(), "a")
	must(t, err)
	s.mu.Lock()
	if s.mu.bytes > 4<<10+size+batchSize+3 {
		t.Errorf("%d bytes were sent", s.mu.bytes)
	}
	s.mu.Unlock()
	for i := range 100 {
		if rec, err := s.Next(t.Context()); err != nil || rec.First != uint64(i) {
			t.Fatalf("batch %d: %+v, %v", i, rec, err)
		}
	}
}

// TestManyClients has several clients append to logs of their own and all read all of them.
func TestManyClients(t *testing.T) {
	store, _, first := serving(t)
	const clients, batches = 4, 200
	for i := range clients {
		must(t, first.Create(t.Context(), fmt.Sprint("log", i), dlog.LogOptions{}))
	}
	var all sync.WaitGroup
	for i := range clients {
		c := dial(t, store.Dir())
		w := writer(t, c, fmt.Sprint("log", i))
		all.Go(func() {
			for n := range batches {
				f, err := w.Append(body(strconv.Itoa(n)), 1, int64(n), dlog.OS)
				if err != nil {
					t.Error(err)
					return
				}
				if n == batches-1 {
					if r, err := f.Wait(t.Context()); err != nil || r.First != batches-1 {
						t.Errorf("the last batch: %+v, %v", r, err)
					}
				}
			}
		})
		for j := range clients {
			s := stream(t, c, fmt.Sprint("log", j), dlog.First, ReadOptions{Window: 1 << 10})
			all.Go(func() {
				for n := range batches {
					rec, err := s.Next(t.Context())
					if err != nil || texts(rec) != fmt.Sprintf("%d=%d", n, n) {
						t.Errorf("log %d, record %d: %+v, %v", j, n, rec, err)
						return
					}
				}
			})
		}
	}
	all.Wait()
}

// TestReadingDoesNotAllocate reads what is there already; memory is the clients' and the server's.
func TestReadingDoesNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checked builds allocate")
	}
	_, _, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	w := writer(t, c, "a")
	records := make([]string, 100)
	const runs = 2000
	for range runs + 200 {
		f, err := w.Append(body(records...), 100, 0, dlog.Memory)
		must(t, err)
		_, err = f.Wait(t.Context())
		must(t, err)
	}
	must(t, w.Flush(t.Context()))
	s := stream(t, c, "a", dlog.First, ReadOptions{Window: 16 << 10})
	read := func() {
		rec, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range rec.All() {
		}
	}
	for range 100 {
		read()
	}
	if n := testing.AllocsPerRun(runs, read); n > 1 { // of 100 records
		t.Errorf("%v allocations a batch", n)
	}
}
