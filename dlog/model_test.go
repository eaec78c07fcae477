package dlog

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// model is what a log should be.
type model struct {
	recs   []modelRecord // all that were ever appended
	first  uint64
	sealed bool
	epoch  uint64
	subs   map[string]uint64

	forgets uint64 // of a fork that shares no record: where it began, knowing no last transaction
}

type modelRecord struct {
	bytes []byte
	txid  int64
	time  int64
}

// world is a store and what it should be.
type world struct {
	fs      *disktest.FS
	store   *Store
	logs    map[string]*model
	writers map[string]*Writer
	stale   map[string]*Writer // fenced by those in writers
	seq     int
}

func (w *world) names() []string {
	var names []string
	for name := range w.logs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (w *world) pick(t *rapid.T) string {
	names := w.names()
	if len(names) == 0 {
		t.Skip("no logs")
	}
	return rapid.SampledFrom(names).Draw(t, "log")
}

func (w *world) log(t *rapid.T, name string) *Log {
	l, err := w.store.Log(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (w *world) open(t *rapid.T) {
	s, _, err := Open(testDir, tiny(w.fs))
	if err != nil {
		t.Fatal(err)
	}
	w.store, w.writers, w.stale = s, map[string]*Writer{}, map[string]*Writer{}
}

func (w *world) writer(t *rapid.T, name string) *Writer {
	if w.writers[name] == nil {
		w.takeOver(t, name)
	}
	return w.writers[name]
}

func (w *world) takeOver(t *rapid.T, name string) {
	m := w.logs[name]
	epoch := rapid.SampledFrom([]uint64{0, m.epoch, m.epoch + 5}).Draw(t, "epoch")
	got, err := w.log(t, name).OpenWriter(epoch)
	if m.sealed {
		if !errors.Is(err, ErrSealed) {
			t.Fatalf("a writer of a sealed log: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if epoch == 0 {
		epoch = m.epoch + 1
	}
	if got.Epoch() != epoch {
		t.Fatalf("epoch %d, want %d", got.Epoch(), epoch)
	}
	m.epoch = epoch
	w.stale[name], w.writers[name] = w.writers[name], got
	if m.epoch > 1 {
		var fenced *FencedError
		if _, err := w.log(t, name).OpenWriter(m.epoch - 1); !errors.As(err, &fenced) || fenced.Seen != m.epoch {
			t.Fatalf("an older epoch is let in: %v", err)
		}
	}
}

func (w *world) create(t *rapid.T) {
	name := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name")
	_, err := w.store.Create(name, LogOptions{Codec: rapid.SampledFrom([]codec.Codec{codec.None, codec.S2, codec.Zstd}).Draw(t, "codec")})
	if w.logs[name] != nil {
		if !errors.Is(err, ErrExists) {
			t.Fatalf("created twice: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	w.logs[name] = &model{subs: map[string]uint64{}}
}

func (w *world) append(t *rapid.T) {
	name := w.pick(t)
	m := w.logs[name]
	if stale := w.stale[name]; stale != nil {
		var b Batch
		if _, err := stale.Append(b.Add([]byte("x")), Disk); !errors.Is(err, ErrFenced) && !m.sealed {
			t.Fatalf("a fenced writer appends: %v", err)
		}
	}
	wr := w.writer(t, name)
	if wr == nil {
		return
	}
	for range rapid.IntRange(1, 20).Draw(t, "batches") {
		var b Batch
		txid := int64(0)
		if n := uint64(len(m.recs)); n > m.forgets {
			txid = m.recs[n-1].txid
		}
		if rapid.IntRange(0, 9).Draw(t, "back") == 0 && txid > 0 {
			if _, err := wr.Append(b.Add(nil).TxID(txid-1), Disk); !errors.Is(err, ErrTxID) && !m.sealed {
				t.Fatalf("an older transaction: %v", err)
			}
			b.Reset()
		}
		txid += int64(rapid.IntRange(0, 3).Draw(t, "step"))
		var recs [][]byte
		for range rapid.IntRange(1, 5).Draw(t, "records") {
			w.seq++
			rec := fmt.Appendf(nil, "%s %d %0*d", name, w.seq, rapid.IntRange(0, 300).Draw(t, "pad"), 0)
			recs = append(recs, rec)
			b.Add(rec)
		}
		level := rapid.SampledFrom([]Level{Disk, OS, Memory}).Draw(t, "level")
		f, err := wr.Append(b.TxID(txid), level)
		if m.sealed {
			if !errors.Is(err, ErrSealed) {
				t.Fatalf("append to a sealed log: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		res, err := f.Wait(t.Context())
		if err != nil || res.First != uint64(len(m.recs)) || int(res.Count) != len(recs) || res.TxID != txid || res.Level > level {
			t.Fatalf("%+v, %v; want %d records from %d", res, err, len(recs), len(m.recs))
		}
		for _, rec := range recs {
			m.recs = append(m.recs, modelRecord{rec, txid, res.Time})
		}
	}
	if err := wr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) restart(t *rapid.T) {
	if rapid.Bool().Draw(t, "crash") {
		old := w.store
		w.fs = w.fs.Crash(rapid.Uint64().Draw(t, "fate"))
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
	} else if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.open(t)
}

func (w *world) truncate(t *rapid.T) {
	name := w.pick(t)
	m := w.logs[name]
	to := rapid.Uint64Range(0, uint64(len(m.recs))).Draw(t, "to")
	if err := w.log(t, name).Truncate(to); err != nil {
		t.Fatal(err)
	}
	m.first = max(m.first, to)
	if err := w.log(t, name).Truncate(uint64(len(m.recs)) + 1); !errors.Is(err, ErrBeyondEnd) {
		t.Fatalf("truncated beyond the end: %v", err)
	}
}

func (w *world) seal(t *rapid.T) {
	name := w.pick(t)
	if rapid.IntRange(0, 3).Draw(t, "really") > 0 {
		return
	}
	if wr := w.writer(t, name); wr != nil {
		if err := wr.Seal(t.Context()); err != nil && !w.logs[name].sealed {
			t.Fatal(err)
		}
		w.logs[name].sealed = true
	}
}

func (w *world) fork(t *rapid.T) {
	name := w.pick(t)
	m := w.logs[name]
	to := rapid.SampledFrom([]string{"e", "f", "g"}).Draw(t, "fork")
	at := rapid.Uint64Range(m.first, uint64(len(m.recs))).Draw(t, "at")
	_, err := w.log(t, name).Fork(to, at)
	if w.logs[to] != nil {
		if !errors.Is(err, ErrExists) {
			t.Fatalf("forked into a log: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	w.logs[to] = &model{recs: slices.Clone(m.recs[:at]), first: m.first, epoch: m.epoch, subs: map[string]uint64{}}
	if at == m.first {
		w.logs[to].forgets = at
	}
}

func (w *world) delete(t *rapid.T) {
	name := w.pick(t)
	if err := w.store.Delete(name); err != nil {
		t.Fatal(err)
	}
	if wr := w.writers[name]; wr != nil {
		var b Batch
		if _, err := wr.Append(b.Add(nil), Disk); !errors.Is(err, ErrDeleted) {
			t.Fatalf("append to a deleted log: %v", err)
		}
	}
	delete(w.logs, name)
	delete(w.writers, name)
	delete(w.stale, name)
}

func (w *world) rename(t *rapid.T) {
	name := w.pick(t)
	to := rapid.SampledFrom([]string{"a", "b", "h"}).Draw(t, "to")
	err := w.store.Rename(name, to)
	if w.logs[to] != nil && to != name {
		if !errors.Is(err, ErrExists) {
			t.Fatalf("renamed to a name that is taken: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m, wr, stale := w.logs[name], w.writers[name], w.stale[name]
	delete(w.logs, name)
	delete(w.writers, name)
	delete(w.stale, name)
	w.logs[to], w.writers[to], w.stale[to] = m, wr, stale
}

func (w *world) subscribe(t *rapid.T) {
	name := w.pick(t)
	m := w.logs[name]
	sub, err := w.log(t, name).Subscribe("s", First)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.subs["s"]; !ok {
		m.subs["s"] = m.first
	}
	at, err := sub.Position()
	if err != nil || at != m.subs["s"] {
		t.Fatalf("the subscription is at %d, %v; want %d", at, err, m.subs["s"])
	}
	to := rapid.Uint64Range(0, uint64(len(m.recs))).Draw(t, "to")
	if err := sub.Commit(to); err != nil {
		t.Fatal(err)
	}
	m.subs["s"] = to
}

// read reads a log from a random place by a random key and compares all that follows.
func (w *world) read(t *rapid.T) {
	name := w.pick(t)
	m := w.logs[name]
	from, at := First, m.first
	switch rapid.IntRange(0, 3).Draw(t, "key") {
	case 1:
		at = rapid.Uint64Range(m.first, uint64(len(m.recs))).Draw(t, "offset")
		from = Offset(at)
	case 2:
		id := int64(rapid.IntRange(-1, 200).Draw(t, "txid"))
		from = TxID(id)
		for at < uint64(len(m.recs)) && m.recs[at].txid < id {
			at++
		}
	case 3:
		if len(m.recs) > 0 {
			when := rapid.SampledFrom(m.recs).Draw(t, "time").time
			from = From{key: 2, value: when}
			for at < uint64(len(m.recs)) && m.recs[at].time < when {
				at++
			}
		}
	}
	w.compare(t, name, from, at)
}

func (w *world) compare(t *rapid.T, name string, from From, at uint64) {
	m := w.logs[name]
	r, err := w.log(t, name).NewReader(from, ReadOptions{Prefetch: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := ErrEnd
	if m.sealed {
		want = io.EOF
	}
	for {
		recs, err := r.TryNext(t.Context())
		if err != nil {
			if !errors.Is(err, want) || at != uint64(len(m.recs)) {
				t.Fatalf("%s: at %d of %d: %v", name, at, len(m.recs), err)
			}
			return
		}
		for offset, rec := range recs.All() {
			if offset != at || at >= uint64(len(m.recs)) || string(rec) != string(m.recs[at].bytes) || recs.TxID != m.recs[at].txid || recs.Time != m.recs[at].time {
				t.Fatalf("%s: record %d is %q, want record %d", name, offset, rec, at)
			}
			at++
		}
		if recs.Next() != at {
			t.Fatalf("%s: %d records are missing before %d", name, recs.Next()-at, recs.Next())
		}
	}
}

// check compares all logs, and lets the database check itself.
func (w *world) check(t *rapid.T) {
	for _, name := range w.names() {
		m := w.logs[name]
		info, err := w.log(t, name).Info()
		if err != nil || info.First != m.first || info.End != uint64(len(m.recs)) || info.Committed != info.End || info.Sealed != m.sealed || info.Epoch != m.epoch {
			t.Fatalf("%s: %+v, %v; want %d to %d", name, info, err, m.first, len(m.recs))
		}
		w.compare(t, name, First, m.first)
	}
	if got := len(w.store.Logs("")); got != len(w.logs) {
		t.Fatalf("%d logs, want %d", got, len(w.logs))
	}
	if err := w.store.db.Check(func(p metadata.Problem) error { return p.Err }); err != nil {
		t.Fatal(err)
	}
}

// TestModel runs random operations on a store and on a model of it.
func TestModel(t *testing.T) {
	leaktest.Check(t)
	rapid.Check(t, func(t *rapid.T) {
		w := &world{fs: disktest.New(), logs: map[string]*model{}}
		w.open(t)
		defer func() { _ = w.store.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"create": w.create, "append": w.append, "append more": w.append, "take over": func(t *rapid.T) { w.takeOver(t, w.pick(t)) },
			"restart": w.restart, "truncate": w.truncate, "seal": w.seal, "fork": w.fork, "delete": w.delete, "rename": w.rename,
			"subscribe": w.subscribe, "read": w.read, "check": w.check,
			"checkpoint": func(t *rapid.T) {
				if err := w.store.Checkpoint(); err != nil {
					t.Fatal(err)
				}
			},
		})
		w.check(t)
		w.restart(t)
		w.check(t)
	})
}
