package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
)

const dir = "/disk/journal"

// made returns the entry of a number: any program makes the same.
func made(id uint64, payload int) Entry {
	rng := rand.New(rand.NewPCG(id, 5))
	b := make([]byte, payload)
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rng.Uint64())
	}
	return Entry{
		Log: id % 7, Epoch: 1 + id/100, First: id, Count: uint32(1 + id%3), TxID: int64(id) - 50, Time: 1_700_000_000_000 + int64(id),
		Flags: uint8(id), Codec: uint8(id % 3), Payload: b,
	}
}

// checkMade returns an error unless an entry is what its number says.
func checkMade(e Entry) error {
	if want := made(e.First, len(e.Payload)); !reflect.DeepEqual(e, want) {
		return fmt.Errorf("entry %d was changed: %+v, want %+v", e.First, e, want)
	}
	return nil
}

// small are options for a journal in memory whose files are soon full.
func small(fs disk.FS) Options {
	return Options{FS: fs, Dir: dir, FileSize: 4 << 10, MaxBatch: 1 << 10}
}

// opened is what an Open has given.
type opened struct {
	*Journal

	report Recovery
	at     map[uint64]Position // of the entries replayed
}

// open opens a journal and checks what it replays.
func open(o Options) (*opened, error) {
	p := &opened{at: map[uint64]Position{}}
	last := Position(0)
	var err error
	p.Journal, p.report, err = Open(o, func(at Position, e Entry) error {
		if err := checkMade(e); err != nil {
			return err
		}
		if _, twice := p.at[e.First]; twice {
			return fmt.Errorf("entry %d is there twice", e.First)
		}
		if at <= last {
			return fmt.Errorf("entry %d is at %v, the one before it at %v", e.First, at, last)
		}
		last = at
		p.at[e.First] = at
		return nil
	})
	if err == nil && p.report.Entries != len(p.at) {
		err = fmt.Errorf("recovery counts %d entries, %d were replayed", p.report.Entries, len(p.at))
	}
	return p, err
}

func mustOpen(tb testing.TB, o Options) *opened {
	tb.Helper()
	j, err := open(o)
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

func (p *opened) mustClose(tb testing.TB) {
	tb.Helper()
	if err := p.Close(); err != nil {
		tb.Fatal(err)
	}
}

// ids returns the numbers of the entries that were replayed, in order.
func (p *opened) ids() []uint64 { return slices.Sorted(maps.Keys(p.at)) }

// fill appends entries from..to-1, one by one, each durable before the next.
func (p *opened) fill(tb testing.TB, from, to uint64) {
	tb.Helper()
	w := NewWaiter()
	for id := from; id < to; id++ {
		e := made(id, int(id*37%300))
		at, err := w.Append(p.Journal, &e, Disk)
		if err != nil {
			tb.Fatal(err)
		}
		p.at[id] = at
	}
}

// ledger is what appenders were told.
type ledger struct {
	mu       sync.Mutex
	next     uint64              // number of the next entry
	acked    map[uint64]Position // told to be durable
	released Position            // given to Release
}

func newLedger() *ledger { return &ledger{acked: map[uint64]Position{}} }

func (l *ledger) number() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return l.next
}

func (l *ledger) ack(id uint64, at Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[id] = at
}

// copy returns the ledger of this moment.
func (l *ledger) copy() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{next: l.next, acked: maps.Clone(l.acked), released: l.released}
}

// check compares what was replayed with what was acknowledged when the ledger was copied, and with all that was ever
// appended, of which issued is the highest number.
func (l *ledger) check(got *opened, issued uint64) error {
	for id, at := range l.acked {
		switch there, ok := got.at[id]; {
		case ok && there != at:
			return fmt.Errorf("entry %d was acknowledged at %v and is at %v", id, at, there)
		case !ok && at >= l.released:
			return fmt.Errorf("entry %d was acknowledged at %v and is lost", id, at)
		}
	}
	for id, at := range got.at {
		if id == 0 || id > issued {
			return fmt.Errorf("entry %d at %v was invented", id, at)
		}
	}
	return nil
}

// files returns the files of a folder in memory.
func files(tb testing.TB, fs *disktest.FS) map[string][]byte {
	tb.Helper()
	infos, err := fs.List(dir)
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string][]byte{}
	for _, info := range infos {
		if !info.Regular {
			continue
		}
		b, err := fs.ReadFile(filepath.Join(dir, info.Name))
		if err != nil {
			tb.Fatal(err)
		}
		all[info.Name] = b
	}
	return all
}

// journals returns the names of a folder's journal files, in order.
func journals(tb testing.TB, fs *disktest.FS) []string {
	tb.Helper()
	var names []string
	for name := range files(tb, fs) {
		if strings.HasSuffix(name, extJournal) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// closedJournal returns a file system with a journal of several files that was closed, and its entries.
func closedJournal(tb testing.TB, entries uint64) (*disktest.FS, map[uint64]Position) {
	tb.Helper()
	fs := disktest.New()
	j := mustOpen(tb, small(fs))
	j.fill(tb, 1, entries+1)
	j.mustClose(tb)
	return fs, j.at
}

// recovered reads a journal as Open does, and changes nothing.
func recovered(fs disk.FS, salvage bool) (map[uint64]Position, Recovery, error) {
	_, at, report, err := recoveredAhead(fs, salvage, 0)
	return at, report, err
}

// recoveredAhead is recovered with blocks of so many bytes.
func recoveredAhead(fs disk.FS, salvage bool, ahead int) (*recoverer, map[uint64]Position, Recovery, error) {
	o := small(fs)
	o.Salvage = salvage
	r := &recoverer{o: o, ahead: ahead}
	at := map[uint64]Position{}
	for _, step := range []func() error{r.list, r.identify, r.bounds, func() error {
		return r.replay(func(p Position, e Entry) error {
			at[e.First] = p
			return checkMade(e)
		})
	}} {
		if err := step(); err != nil {
			return r, at, r.report, err
		}
	}
	return r, at, r.report, nil
}

func sameBytes(tb testing.TB, before, after map[string][]byte) {
	tb.Helper()
	for name, b := range before {
		if !bytes.Equal(b, after[name]) {
			tb.Errorf("%s was changed or removed", name)
		}
	}
}

func isCorrupt(err error) bool {
	var corrupt *CorruptError
	return errors.As(err, &corrupt) && errors.Is(err, ErrCorrupt) && corrupt.File != ""
}
