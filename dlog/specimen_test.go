package dlog

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/dlog/identity"
	"github.com/ardea-stream/ardea/dlog/segment"
)

// specimen is a small store of all kinds of files, and what is in it.
type specimen struct {
	files map[string][]byte // by path
	logs  map[string]truth
	safe  map[string]int // bytes of segment files that are durable

	needed string // file of the journal
}

// truth is what is in a log.
type truth struct {
	first   uint64
	records []string // by offset
	sealed  bool
	sub     uint64
}

// specimens returns a store that was closed, and one that has crashed with unflushed data.
func specimens(tb testing.TB) (closed, crashed specimen) {
	tb.Helper()
	fs := disktest.New()
	s := mustStore(tb, tiny(fs))
	logs := map[string]truth{}
	for i, name := range []string{"plain", "packed", "short", "sealed", "cut"} {
		w := newWriter(tb, s, name, LogOptions{Codec: []codec.Codec{codec.None, codec.S2}[i&1]})
		n := []int{240, 200, 4, 90, 150}[i]
		fill(tb, w, 0, n)
		t := truth{}
		for at := range n {
			t.records = append(t.records, string(record(name, at)))
		}
		if name == "cut" {
			t.first = 70
			if err := w.Log().Truncate(t.first); err != nil {
				tb.Fatal(err)
			}
		}
		if t.sealed = name == "sealed"; t.sealed {
			if err := w.Seal(tb.Context()); err != nil {
				tb.Fatal(err)
			}
		}
		logs[name] = t
	}
	l, err := s.Log("plain")
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := l.Fork("fork", 101); err != nil {
		tb.Fatal(err)
	}
	logs["fork"] = truth{records: logs["plain"].records[:101]}
	if err := s.Checkpoint(); err != nil {
		tb.Fatal(err)
	}
	w, err := l.OpenWriter(0)
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range []string{"cut", "plain"} {
		if err := s.subscribe(name, 80); err != nil {
			tb.Fatal(err)
		}
		t := logs[name]
		t.sub = 80
		logs[name] = t
	}
	fill(tb, w, 240, 300) // in the journal only
	t := logs["plain"]
	for at := 240; at < 300; at++ {
		t.records = append(t.records, string(record("plain", at)))
	}
	logs["plain"] = t
	crashed = specimen{files: allFiles(fs.Crash(0)), logs: logs, safe: s.safe(tb)}
	crashed.needed = inStore(fmt.Sprintf("journal/%08x.journal", s.noted.File()))
	if err := s.Checkpoint(); err != nil {
		tb.Fatal(err)
	}
	safe := s.safe(tb)
	mustCloseStore(tb, s)
	return specimen{files: allFiles(fs), logs: logs, safe: safe}, crashed
}

// safe returns how many bytes of each segment file are durable.
func (s *Store) safe(tb testing.TB) map[string]int {
	tb.Helper()
	safe := map[string]int{}
	for _, l := range s.Logs("") {
		for _, e := range l.mu.extents {
			name := segment.FileName(s.segments, e.row.File)
			safe[name] = max(safe[name], int(e.row.Bytes))
		}
	}
	return safe
}

func (s *Store) subscribe(name string, at uint64) error {
	l, err := s.Log(name)
	if err != nil {
		return err
	}
	_, err = l.Subscribe("s", Offset(at))
	return err
}

// allFiles returns the bytes of all files of a store.
func allFiles(fs *disktest.FS) map[string][]byte {
	files := map[string][]byte{}
	for _, folder := range []string{"", "journal", "segments", "meta"} {
		infos, err := fs.List(filepath.Join(testDir, folder))
		if err != nil {
			panic(err)
		}
		for _, info := range infos {
			if !info.Regular || info.Name == "LOCK" {
				continue
			}
			name := filepath.Join(testDir, folder, info.Name)
			if files[name], err = fs.ReadFile(name); err != nil {
				panic(err)
			}
		}
	}
	return files
}

// build returns a disk with some files.
func build(tb testing.TB, files map[string][]byte) *disktest.FS {
	tb.Helper()
	fs := disktest.New()
	for _, folder := range []string{"journal", "segments", "meta"} {
		if err := fs.MkdirAll(filepath.Join(testDir, folder)); err != nil {
			tb.Fatal(err)
		}
	}
	for name, b := range files {
		if err := fs.WriteFile(name, b); err != nil {
			tb.Fatal(err)
		}
	}
	return fs
}

// names returns the specimen's files of a kind, in order: those whose paths hold a text.
func (sp *specimen) names(of string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(sp.files)) {
		if strings.Contains(name, of) {
			names = append(names, name)
		}
	}
	return names
}

// verdict is how a damaged store was found out.
type verdict struct {
	refused  error // by Open
	told     []error
	reported bool // by Open
}

func (v verdict) noticed() bool { return v.refused != nil || len(v.told) > 0 || v.reported }

// judge opens a store whose files are not what they were, and reads all. Each record must be right, or an error that
// callers can tell must name it; nothing may be removed.
func (sp *specimen) judge(tb testing.TB, fs *disktest.FS, salvage bool) (verdict, error) {
	tb.Helper()
	before := allFiles(fs)
	o := tiny(fs)
	o.Salvage = salvage
	s, report, err := Open(testDir, o)
	if err != nil {
		if !isKnown(err) {
			return verdict{}, fmt.Errorf("refused by an error of no kind: %w", err)
		}
		return verdict{refused: err}, sp.untouched(tb, fs, before)
	}
	v := verdict{reported: report.Journal.TornBytes > 0 || len(report.Journal.Quarantined) > 0 || len(report.Missing) > 0}
	for name, want := range sp.logs {
		told, err := sp.judgeLog(s, name, &want, v.reported)
		if err != nil {
			_ = s.Close()
			return v, fmt.Errorf("%s: %w", name, err)
		}
		v.told = append(v.told, told...)
	}
	if err := s.Close(); err != nil && !isKnown(err) {
		return v, fmt.Errorf("on closing: %w", err)
	}
	return v, sp.kept(tb, fs, before)
}

func isKnown(err error) bool {
	for _, known := range []error{ErrCorrupt, ErrStopped, identity.ErrVersion, identity.ErrOccupied} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// judgeLog reads a log to its end. torn says that Open has reported that the end is missing.
func (sp *specimen) judgeLog(s *Store, name string, want *truth, torn bool) (told []error, err error) {
	l, err := s.Log(name)
	if err != nil {
		return nil, err
	}
	r, err := l.NewReader(First, ReadOptions{})
	if err != nil {
		if !isKnown(err) {
			return nil, err
		}
		return []error{err}, nil
	}
	defer func() { _ = r.Close() }()
	if at := r.Position(); at != want.first {
		return nil, fmt.Errorf("begins at %d, not %d", at, want.first)
	}
	for {
		recs, err := r.TryNext(background)
		var damage *CorruptError
		switch {
		case errors.As(err, &damage):
			if at := r.Position(); damage.From != at || damage.To <= at || damage.To > uint64(len(want.records)) {
				return nil, fmt.Errorf("at %d: %w", at, err)
			}
			told = append(told, err)
			r.Skip()
			continue
		case errors.Is(err, ErrEnd) || isEOF(err):
			if at := r.Position(); at != uint64(len(want.records)) && !torn {
				return nil, fmt.Errorf("ends at %d of %d without an error: %w", at, len(want.records), err)
			}
			if isEOF(err) != want.sealed {
				return nil, fmt.Errorf("sealed: %w", err)
			}
			return told, sp.judgeSubscription(l, want)
		case err != nil:
			return nil, fmt.Errorf("at %d an error of no kind: %w", r.Position(), err)
		}
		at := recs.First
		for offset, rec := range recs.All() {
			if offset != at || offset >= uint64(len(want.records)) || string(rec) != want.records[offset] {
				return nil, fmt.Errorf("record %d is %q", offset, rec)
			}
			at++
		}
		if at != r.Position() {
			return nil, fmt.Errorf("records %d to %d are left out", at, r.Position())
		}
	}
}

func (sp *specimen) judgeSubscription(l *Log, want *truth) error {
	all, err := l.Subscriptions()
	if err != nil && !isKnown(err) {
		return err
	}
	if want.sub > 0 && err == nil && (len(all) != 1 || all[0].Offset != want.sub) {
		return fmt.Errorf("subscriptions are %+v", all)
	}
	return nil
}

// untouched checks that an Open that has failed has not changed what it could not read.
func (sp *specimen) untouched(tb testing.TB, fs *disktest.FS, before map[string][]byte) error {
	tb.Helper()
	now := allFiles(fs)
	for name, b := range before {
		if strings.Contains(name, "/meta/") {
			continue // Pebble may have made a table of its log
		}
		if !bytes.Equal(now[name], b) {
			return fmt.Errorf("Open has failed and has changed %s", name)
		}
	}
	return nil
}

// kept checks that no segment file has gone or lost bytes.
func (sp *specimen) kept(tb testing.TB, fs *disktest.FS, before map[string][]byte) error {
	tb.Helper()
	now := allFiles(fs)
	for name, b := range before {
		if strings.HasSuffix(name, ".segment") && !bytes.HasPrefix(now[name], b[:min(len(b), sp.safe[name])]) {
			return fmt.Errorf("%s was changed", name)
		}
	}
	return nil
}

// heal puts back what the files of a disk were that Open has refused, and checks that nothing is missing then.
func (sp *specimen) heal(tb testing.TB, fs *disktest.FS, changed []string) error {
	tb.Helper()
	files := allFiles(fs)
	for _, name := range changed {
		if strings.Contains(name, "/meta/") {
			maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.Contains(name, "/meta/") })
			for _, name := range sp.names("/meta/") {
				files[name] = sp.files[name]
			}
		} else if b, ok := sp.files[name]; ok {
			files[name] = b
		} else {
			delete(files, name)
		}
	}
	v, err := sp.judge(tb, build(tb, files), false)
	if err == nil && (v.refused != nil || len(v.told) > 0) {
		err = fmt.Errorf("%w, and records that cannot be read: %w", v.refused, errors.Join(v.told...))
	}
	return err
}
