package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// small are options of a store that costs little.
var small = dlog.Options{WindowBytes: 1 << 20, JournalFile: 1 << 20, MaxBatch: 256 << 10}

// serving opens a store, serves it, and connects to it.
func serving(t *testing.T) (*dlog.Store, *Server, *Client) {
	t.Helper()
	leaktest.Check(t)
	s, _, err := dlog.Open(t.TempDir(), small)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	v, err := Listen(s, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return s, v, dial(t, s.Dir())
}

func dial(t *testing.T, dir string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// body returns the encoded form of records.
func body(records ...string) []byte {
	var b []byte
	for _, r := range records {
		b = codec.AppendRecord(b, []byte(r))
	}
	return b
}

// appendTo appends records, one batch each, the transaction ids being what the writer is told.
func appendTo(t *testing.T, w *Writer, txid int64, records ...string) dlog.Result {
	t.Helper()
	f, err := w.Append(body(records...), uint32(len(records)), txid, dlog.Disk)
	must(t, err)
	r, err := f.Wait(t.Context())
	must(t, err)
	return r
}

func writer(t *testing.T, c *Client, log string) *Writer {
	t.Helper()
	w, err := c.OpenWriter(t.Context(), log, 0)
	must(t, err)
	return w
}

func stream(t *testing.T, c *Client, log string, from dlog.From, o ReadOptions) *Stream {
	t.Helper()
	s, err := c.Read(t.Context(), log, from, o)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func texts(r *Records) string {
	var all []string
	for at, rec := range r.All() {
		all = append(all, fmt.Sprintf("%d=%s", at, rec))
	}
	return strings.Join(all, " ")
}

func TestWhatIsAppendedIsRead(t *testing.T) {
	_, _, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{Codec: codec.Zstd}))
	w := writer(t, c, "a")
	s := stream(t, c, "a", dlog.First, ReadOptions{})
	if rec, err := s.TryNext(t.Context()); !errors.Is(err, dlog.ErrEnd) {
		t.Errorf("an empty log gives %v, %v", rec, err)
	}
	before := time.Now().UnixNano()
	if r := appendTo(t, w, 7, "x", "", "yz"); r.First != 0 || r.Count != 3 || r.TxID != 7 || r.Time < before || r.Level != dlog.Disk {
		t.Errorf("the batch became %+v", r)
	}
	appendTo(t, w, 9, strings.Repeat("long", 1000))
	rec, err := s.Next(t.Context())
	must(t, err)
	if texts(rec) != "0=x 1= 2=yz" || rec.TxID != 7 || rec.Epoch != w.Epoch() || rec.Time < before || s.Position() != 3 {
		t.Errorf("read %s, %+v, at %d", texts(rec), rec, s.Position())
	}
	kept := rec.Retain()
	rec, err = s.Next(t.Context())
	must(t, err)
	if rec.First != 3 || len(rec.Body()) < 4000 || rec.TxID != 9 || texts(kept) != "0=x 1= 2=yz" {
		t.Errorf("read %+v, and kept %s", rec, texts(kept))
	}
	kept.Release()
	must(t, c.Seal(t.Context(), "a"))
	for range 2 {
		if rec, err := s.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("the end of a sealed log gives %v, %v", rec, err)
		}
	}
	if _, err := c.OpenWriter(t.Context(), "a", 0); !errors.Is(err, dlog.ErrSealed) {
		t.Errorf("a writer of a sealed log: %v", err)
	}
}

func TestEveryCall(t *testing.T) {
	store, _, c := serving(t)
	ctx := t.Context()
	if c.ID() != store.ID() || c.MaxBatch() != store.MaxBatch() {
		t.Errorf("the client knows store %d with %d", c.ID(), c.MaxBatch())
	}
	must(t, c.Create(ctx, "a", dlog.LogOptions{Retain: dlog.Retention{Age: time.Hour}}))
	must(t, c.Create(ctx, "b", dlog.LogOptions{}))
	if err := c.Create(ctx, "a", dlog.LogOptions{}); !errors.Is(err, dlog.ErrExists) {
		t.Errorf("a name that is taken: %v", err)
	}
	w := writer(t, c, "a")
	for i := range 4 {
		appendTo(t, w, int64(i), "r")
	}
	must(t, w.Flush(ctx))
	must(t, c.Retain(ctx, "a", dlog.Retention{Bytes: 1 << 40}))
	must(t, c.Truncate(ctx, "a", 1))
	must(t, c.Fork(ctx, "a", "c", 3))
	must(t, c.Rename(ctx, "b", "bb"))
	must(t, c.Delete(ctx, "bb"))
	logs, err := c.Logs(ctx, "")
	must(t, err)
	if len(logs) != 2 || logs[0].Name != "a" || logs[1].Name != "c" || logs[1].End != 3 || logs[0].Retain != (dlog.Retention{Bytes: 1 << 40}) {
		t.Errorf("logs are %+v", logs)
	}
	info, err := c.Info(ctx, "a")
	must(t, err)
	if info.First != 1 || info.Committed != 4 || info.TxID != 3 || !info.Created.Equal(logs[0].Created) {
		t.Errorf("a is %+v", info)
	}
	if _, err := c.Position(ctx, "a", "me"); !errors.Is(err, dlog.ErrNotFound) {
		t.Errorf("a subscription that is not there: %v", err)
	}
	at, err := c.Subscribe(ctx, "a", "me", dlog.First)
	must(t, err)
	must(t, c.Commit(ctx, "a", "me", at+2))
	if at2, err := c.Position(ctx, "a", "me"); at != 1 || at2 != 3 || err != nil {
		t.Errorf("the subscription is at %d, then %d, %v", at, at2, err)
	}
	if subs, err := c.Subscriptions(ctx, "a"); len(subs) != 1 || subs[0].Offset != 3 || err != nil {
		t.Errorf("subscriptions are %+v, %v", subs, err)
	}
	if e, ok := errors.AsType[*dlog.BeyondEndError](c.Commit(ctx, "a", "me", 99)); !ok || e.End != 4 {
		t.Errorf("a position behind the end: %v", e)
	}
	must(t, c.Unsubscribe(ctx, "a", "me"))
}

func TestErrorsOfWriters(t *testing.T) {
	_, _, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	old := writer(t, c, "a")
	w := writer(t, c, "a")
	appendTo(t, w, 5, "x")
	wait := func(w *Writer, txid int64, b []byte, n uint32) error {
		t.Helper()
		f, err := w.Append(b, n, txid, dlog.OS)
		must(t, err)
		_, err = f.Wait(t.Context())
		return err
	}
	if e, ok := errors.AsType[*dlog.FencedError](wait(old, 6, body("x"), 1)); !ok || e.Epoch != 1 || e.Seen != 2 {
		t.Errorf("the old writer: %v", e)
	}
	if _, err := old.Append(body("x"), 1, 6, dlog.OS); !errors.Is(err, dlog.ErrFenced) {
		t.Errorf("the old writer, once more: %v", err)
	}
	if err := wait(w, 4, body("x"), 1); !errors.Is(err, dlog.ErrTxID) {
		t.Errorf("a transaction id that goes back: %v", err)
	}
	if err := wait(writer(t, c, "a"), 6, body("x"), 2); !errors.Is(err, dlog.ErrBatch) {
		t.Errorf("a body of fewer records: %v", err)
	}
	w = writer(t, c, "a")
	if _, err := w.Append(make([]byte, c.MaxBatch()+1), 1, 6, dlog.OS); !errors.Is(err, dlog.ErrTooLarge) {
		t.Errorf("a batch that is too large: %v", err)
	}
	if _, err := w.Append(nil, 0, 6, dlog.OS); !errors.Is(err, dlog.ErrBatch) {
		t.Errorf("an empty batch: %v", err)
	}
	if _, err := c.OpenWriter(t.Context(), "a", 1); !errors.Is(err, dlog.ErrFenced) {
		t.Errorf("an old epoch: %v", err)
	}
	if _, err := c.OpenWriter(t.Context(), "none", 0); !errors.Is(err, dlog.ErrNotFound) {
		t.Errorf("no log: %v", err)
	}
	if r := appendTo(t, w, 6, "y"); r.First != 1 {
		t.Errorf("after all that a batch stands at %d", r.First)
	}
}

// TestNothingFollowsAFailedBatch sends many batches behind one that fails, without waiting.
func TestNothingFollowsAFailedBatch(t *testing.T) {
	_, _, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	w := writer(t, c, "a")
	appendTo(t, w, 5, "x")
	var all []*Future
	for i := range 100 {
		txid := int64(10 + i)
		if i == 0 {
			txid = 1
		}
		f, err := w.Append(body("y"), 1, txid, dlog.Disk)
		if err != nil {
			if !errors.Is(err, dlog.ErrTxID) {
				t.Fatal(err)
			}
			break
		}
		all = append(all, f)
	}
	for i, f := range all {
		if r, err := f.Wait(t.Context()); !errors.Is(err, dlog.ErrTxID) {
			t.Fatalf("batch %d: %+v, %v", i, r, err)
		}
	}
	if info, err := c.Info(t.Context(), "a"); info.End != 1 || err != nil {
		t.Errorf("the log ends at %d, %v", info.End, err)
	}
}

func TestErrorsOfStreams(t *testing.T) {
	_, _, c := serving(t)
	ctx := t.Context()
	must(t, c.Create(ctx, "a", dlog.LogOptions{}))
	w := writer(t, c, "a")
	for i := range 4 {
		appendTo(t, w, int64(i), "r")
	}
	if _, err := c.Read(ctx, "none", dlog.First, ReadOptions{}); !errors.Is(err, dlog.ErrNotFound) {
		t.Errorf("no log: %v", err)
	}
	_, err := c.Read(ctx, "a", dlog.Offset(9), ReadOptions{})
	if e, ok := errors.AsType[*dlog.BeyondEndError](err); !ok || e.End != 4 {
		t.Errorf("behind the end: %v", err)
	}
	must(t, c.Truncate(ctx, "a", 2))
	s := stream(t, c, "a", dlog.Offset(1), ReadOptions{})
	for range 2 {
		_, err = s.Next(ctx)
		if e, ok := errors.AsType[*dlog.TruncatedError](err); !ok || e.First != 2 {
			t.Errorf("what is gone: %v", err)
		}
	}
	if at := s.Skip(); at != 2 {
		t.Errorf("skipped to %d", at)
	}
	rec, err := s.Next(ctx)
	if err != nil || rec.First != 2 {
		t.Errorf("then %+v, %v", rec, err)
	}
	last := stream(t, c, "a", dlog.TxID(3), ReadOptions{})
	if rec, err := last.Next(ctx); err != nil || rec.First != 3 {
		t.Errorf("by transaction id: %+v, %v", rec, err)
	}
	waiting, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := last.Next(waiting); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	must(t, c.Delete(ctx, "a"))
	if _, err := last.Next(ctx); !errors.Is(err, dlog.ErrDeleted) {
		t.Errorf("a log that was deleted: %v", err)
	}
	must(t, last.Close())
	if _, err := last.Next(ctx); !errors.Is(err, dlog.ErrClosed) {
		t.Errorf("a closed stream: %v", err)
	}
}

func TestTheServerCloses(t *testing.T) {
	store, v, c := serving(t)
	ctx := t.Context()
	must(t, c.Create(ctx, "a", dlog.LogOptions{}))
	w := writer(t, c, "a")
	s := stream(t, c, "a", dlog.First, ReadOptions{})
	appendTo(t, w, 0, "x")
	must(t, v.Close())
	<-c.Done()
	if rec, err := s.Next(ctx); err == nil {
		if texts(rec) != "0=x" {
			t.Errorf("read %s", texts(rec))
		}
	} else if !errors.Is(err, ErrGone) {
		t.Errorf("a stream: %v", err)
	}
	for {
		if _, err := s.Next(ctx); err != nil {
			if !errors.Is(err, ErrGone) {
				t.Errorf("a stream: %v", err)
			}
			break
		}
	}
	if _, err := w.Append(body("y"), 1, 0, dlog.OS); !errors.Is(err, ErrGone) {
		t.Errorf("a writer: %v", err)
	}
	if _, err := c.Info(ctx, "a"); !errors.Is(err, ErrGone) {
		t.Errorf("a call: %v", err)
	}
	if _, err := Dial(ctx, store.Dir()); !errors.Is(err, ErrNotServed) {
		t.Errorf("another client: %v", err)
	}
	if left, _ := filepath.Glob(SocketPath(store.Dir()) + "*"); left != nil {
		t.Errorf("%v is left", left)
	}
}

func TestTheSocketIsTheUsers(t *testing.T) {
	_, v, _ := serving(t)
	info, err := os.Stat(v.Path())
	must(t, err)
	if info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
}

func TestLongPaths(t *testing.T) {
	leaktest.Check(t)
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120), strings.Repeat("e", 120))
	must(t, os.MkdirAll(dir, 0o700))
	s, _, err := dlog.Open(dir, small)
	must(t, err)
	defer func() { _ = s.Close() }()
	v, err := Listen(s, "")
	must(t, err)
	c := dial(t, dir)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	must(t, v.Close())
	if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNotServed) {
		t.Errorf("after Close: %v", err)
	}
}
