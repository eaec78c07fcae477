package torture

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ardea-stream/ardea/dlog"
)

// flip is a bit of a file of a store.
type flip struct {
	File string `json:"file"` // relative to the store
	At   int64  `json:"at"`
	Bit  uint8  `json:"bit"`
}

// reserveFile is room that the database keeps. It holds nothing, and is made again when it is missing.
const reserveFile = "RESERVE"

// flipsAtOnce are made in copies of one store.
const flipsAtOnce = 10

// outcome is what came of one flip. Before it is known, Begun announces it.
type outcome struct {
	Flip    int    `json:"flip"`
	Begun   bool   `json:"begun,omitempty"`
	Err     string `json:"err,omitempty"`     // of opening or reading
	Torn    bool   `json:"torn,omitempty"`    // the journal was said to end in a torn tail
	Clean   bool   `json:"clean,omitempty"`   // the journal was said to have been closed; without the flip, of an outcome that is told
	Wrong   int    `json:"wrong,omitempty"`   // records that are not what they were
	Missing int    `json:"missing,omitempty"` // records
}

// flipCopies flips bits of copies of the store, which nobody has open.
func (t *torturer) flipCopies(ctx context.Context) error {
	flips, err := t.chooseFlips()
	if err != nil {
		return err
	}
	t.fresh = t.fresh && len(flips) == 0
	s := spec{Dir: filepath.Join(t.dir, "copy"), Source: filepath.Join(t.dir, "source"), Seed: t.c.Seed}
	if err := errors.Join(os.RemoveAll(s.Source), os.CopyFS(s.Source, os.DirFS(t.store())),
		os.RemoveAll(filepath.Join(s.Source, "meta", reserveFile))); err != nil {
		return err
	}
	defer func() { _ = errors.Join(os.RemoveAll(s.Source), os.RemoveAll(s.Dir)) }()
	for len(flips) > 0 && ctx.Err() == nil {
		s.Flips = flips
		done, err := t.flipSome(ctx, s)
		if err != nil {
			return err
		}
		flips = flips[done:]
	}
	return ctx.Err()
}

// chooseFlips chooses files first, so that small ones get their share.
func (t *torturer) chooseFlips() (flips []flip, err error) {
	var files []string
	var sizes []int64
	err = filepath.Walk(t.store(), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && info.Size() > 0 && info.Name() != reserveFile {
			name, _ := filepath.Rel(t.store(), path) // it is below
			files, sizes = append(files, name), append(sizes, info.Size())
		}
		return err
	})
	for range flipsAtOnce {
		if len(files) > 0 {
			i := t.random.IntN(len(files))
			flips = append(flips, flip{files[i], t.random.Int64N(sizes[i]), uint8(t.random.IntN(8))})
		}
	}
	return flips, err
}

// flipSome has a child make flips, as many as it survives, and returns how many those were.
func (t *torturer) flipSome(ctx context.Context, s spec) (done int, err error) {
	var complaint strings.Builder
	cmd, err := t.child(ctx, s, &complaint)
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	last := -1
	for lines := json.NewDecoder(bufio.NewReader(out)); ; {
		var o outcome
		if lines.Decode(&o) != nil {
			break
		}
		if last = o.Flip; o.Begun {
			continue
		}
		t.judge(s, o)
		done++
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return done, ctx.Err()
	case err == nil:
		return done, nil
	case last < done:
		return done, fmt.Errorf("the process that flips bits: %w: %s", err, complaint.String())
	}
	t.report.Flips++
	t.report.Panics++
	t.report.violate("after a flip of %+v the process died: %v: %s", s.Flips[last], err, firstLines(complaint.String(), 12))
	return done + 1, nil
}

// judge counts what came of a flip.
func (t *torturer) judge(s spec, o outcome) {
	r := t.report
	r.Flips++
	switch {
	case o.Wrong > 0 || o.Missing > 0 && o.Err == "" && (!o.Torn || o.Clean):
		r.Silent++
		r.violate("after a flip of %+v %d records are changed and %d missing, and it was not told", s.Flips[o.Flip], o.Wrong, o.Missing)
	case o.Err != "":
		r.Detected++
	case o.Missing > 0:
		r.Torn++
	default:
		r.Harmless++
	}
}

func firstLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

// contents are the checksums of all records of a store, by log.
type contents [logs][]uint32

// flipAll makes one flip after the other, each in a new copy of the source, and says what came of it.
func (s spec) flipAll(ctx context.Context, out io.Writer) error {
	tell := json.NewEncoder(out)
	var want contents
	whole, err := s.look(ctx, nil, func(log int, _ uint64, sum uint32) { want[log] = append(want[log], sum) })
	if err != nil || whole.Err != "" {
		return errors.Join(err, fmt.Errorf("the copy without a flip: %s", whole.Err))
	}
	for i, f := range s.Flips {
		if err := tell.Encode(outcome{Flip: i, Begun: true}); err != nil {
			return err
		}
		wrong, seen := 0, 0
		o, err := s.look(ctx, &f, func(log int, offset uint64, sum uint32) {
			if offset >= uint64(len(want[log])) || want[log][offset] != sum {
				wrong++
			}
			seen++
		})
		if err != nil {
			return err
		}
		o.Flip, o.Wrong, o.Clean = i, wrong, whole.Clean
		for log := range want {
			o.Missing += len(want[log])
		}
		o.Missing -= seen - wrong
		if err := tell.Encode(o); err != nil {
			return err
		}
	}
	return nil
}

// look copies the source, flips a bit in the copy, if there is one to flip, and visits all records that can be read. The
// error is not about the store.
func (s spec) look(ctx context.Context, f *flip, visit func(log int, offset uint64, sum uint32)) (o outcome, err error) {
	if err := errors.Join(os.RemoveAll(s.Dir), os.CopyFS(s.Dir, os.DirFS(s.Source))); err != nil {
		return o, err
	}
	if f != nil {
		if err := f.apply(s.Dir); err != nil {
			return o, err
		}
	}
	note := func(err error) {
		if err != nil && o.Err == "" {
			o.Err = err.Error()
		}
	}
	store, report, err := dlog.Open(s.Dir, options())
	if err != nil {
		note(err)
		return o, nil
	}
	o.Torn, o.Clean = report.Journal.TornBytes > 0, report.Journal.Clean
	for i := range logs {
		l, err := store.Log(logName(i))
		if errors.Is(err, dlog.ErrNotFound) {
			continue // whatever was in it is missing
		}
		if err == nil {
			err = readAll(ctx, l, func(offset uint64, sum uint32) { visit(i, offset, sum) })
		}
		note(err)
	}
	note(store.Close())
	return o, ctx.Err()
}

func (f flip) apply(dir string) error {
	path := filepath.Join(dir, f.File)
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[f.At] ^= 1 << f.Bit
	return os.WriteFile(path, b, 0o600)
}

// readAll visits the records of a log, and goes on behind those that are damaged. It returns the first damage.
func readAll(ctx context.Context, l *dlog.Log, visit func(offset uint64, sum uint32)) (damage error) {
	r, err := l.NewReader(dlog.First, dlog.ReadOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	for {
		records, err := r.TryNext(ctx)
		switch {
		case errors.Is(err, dlog.ErrEnd):
			return damage
		case errors.Is(err, dlog.ErrCorrupt):
			if damage == nil {
				damage = err
			}
			before := r.Position()
			if r.Skip() <= before {
				return damage
			}
			continue
		case err != nil:
			return errors.Join(damage, err)
		}
		for offset, record := range records.All() {
			visit(offset, crc32.ChecksumIEEE(record))
		}
	}
}
