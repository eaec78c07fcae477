package dlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/pace"
	"github.com/ardea-stream/ardea/dlog/segment"
)

// scrubRate is how fast the store scrubs by itself, in bytes per second.
const scrubRate = 32 << 20

// scrubChunk is how much a scrub reads at once.
const scrubChunk = 256 << 10

// ScrubReport is how far a scrub has come, and what it has found.
type ScrubReport struct {
	Files, OfFiles int
	Bytes, OfBytes int64
	Damaged        []*CorruptError // what does not verify
}

// Scrub reads all that is durable in segment files and verifies it, as fast as readers may read. progress, which may be
// nil, is called after each file, with a report that is valid until it returns. Damage is no error of Scrub: it is in the
// report, and Hooks.Damaged and Stats tell of it. Nothing is changed, renamed or removed: what is damaged is the only
// copy.
func (s *Store) Scrub(ctx context.Context, progress func(*ScrubReport)) (*ScrubReport, error) {
	return s.scrub(ctx, s.pacer, progress)
}

// scrub is Scrub at the rate of a pacer, beside the store's.
func (s *Store) scrub(ctx context.Context, limit *pace.Pacer, progress func(*ScrubReport)) (*ScrubReport, error) {
	rows, err := s.durableFiles()
	if err != nil {
		return nil, err
	}
	report := &ScrubReport{OfFiles: len(rows)}
	for i := range rows {
		report.OfBytes += rows[i].Bytes
	}
	for i := range rows {
		f := scrubber{store: s, row: &rows[i], limit: limit, report: report}
		if err := f.run(ctx); err != nil {
			return report, fmt.Errorf("scrub segment file %016x: %w", rows[i].File, err)
		}
		report.Files++
		report.Bytes += rows[i].Bytes
		s.counts.scrubbed.Add(rows[i].Bytes)
		if progress != nil {
			progress(report)
		}
	}
	s.counts.scrubs.Add(1)
	return report, nil
}

// durableFiles returns a row for each segment file, the one of the log that sees most of it, in the order of numbers.
func (s *Store) durableFiles() ([]metadata.Segment, error) {
	files := map[uint64]metadata.Segment{}
	for _, l := range s.Logs("") {
		err := s.db.Segments(l.id, func(row metadata.Segment) error {
			if row.Bytes > files[row.File].Bytes {
				files[row.File] = row
			}
			return nil
		})
		if err != nil {
			return nil, metaError(err)
		}
	}
	return slices.SortedFunc(maps.Values(files), func(a, b metadata.Segment) int { return cmp.Compare(a.File, b.File) }), nil
}

// scrubber verifies one file.
type scrubber struct {
	store  *Store
	row    *metadata.Segment
	limit  *pace.Pacer
	report *ScrubReport
	src    source
}

func (f *scrubber) run(ctx context.Context) error {
	row := f.row
	p := place{
		id:    segment.ID{Store: f.store.held.Store, File: row.File, Log: row.Owner, First: row.OwnerFirst, Created: row.Created},
		first: row.OwnerFirst, next: row.Next, end: row.Bytes,
	}
	if err := f.src.enter(f.store, p); err != nil {
		return f.damaged(0, p.first, p.next, err)
	}
	defer f.src.close()
	if err := f.batches(ctx, p); err != nil {
		return err
	}
	if row.Sealed {
		if err := f.seal(p); err != nil {
			return err
		}
		f.store.handles.unneeded(f.src.file)
	}
	return nil
}

// batches verifies the batches of the file, one after the other.
func (f *scrubber) batches(ctx context.Context, p place) error {
	s, next := &f.src, p.first
	for s.at = p.id.Start().At; s.at < p.end; {
		b, size, err := s.batch(ctx, f, scrubChunk)
		if err == nil && b.First != next {
			err = errPlace
		}
		if err == nil {
			s.at += int64(size)
			next = b.Next()
			continue
		}
		if !isDamage(err) {
			return err
		}
		at, to := s.at, p.next
		b, more := s.resume(next)
		if more {
			to = b.First
		}
		if err := f.damaged(at, next, to, err); err != nil || !more {
			return err
		}
		next = to
	}
	return nil
}

// Wait waits until so many bytes may be read.
func (f *scrubber) Wait(ctx context.Context, n int) (pace.Turn, error) {
	if err := f.store.closedErr(); err != nil {
		return pace.Turn{}, err
	}
	if f.limit != f.store.pacer {
		turn, err := f.limit.Wait(ctx, n)
		if err != nil {
			return turn, err
		}
		turn.Done()
	}
	return f.store.pacer.Wait(ctx, n)
}

// seal verifies index and footer of a sealed file. Without them the file can be read, and is slower to look things up in.
func (f *scrubber) seal(p place) error {
	_, err := f.src.file.Seek(segment.ByOffset, int64(p.first), p.end)
	if damage := f.src.file.Damaged(); damage != nil {
		err = damage
	} else if err == nil && !f.src.file.Sealed() {
		err = segment.ErrCorrupt
	}
	switch {
	case err == nil:
		return nil
	case !isDamage(err):
		return err
	}
	return f.damaged(p.end, 0, 0, fmt.Errorf("the seal: %w", err))
}

// damaged reports damage, unless the file has gone since its log has given it up, or returns the error that is none.
func (f *scrubber) damaged(at int64, from, to uint64, err error) error {
	if !isDamage(err) {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) {
		if users, err := f.store.db.FileUsers(f.row.File); err != nil || users == 0 || f.store.inTrash(f.row.File) {
			return metaError(err)
		}
	}
	damage := &CorruptError{File: segment.FileName(f.store.segments, f.row.File), At: at, From: from, To: to, Err: noEOF(err)}
	f.report.Damaged = append(f.report.Damaged, damage)
	f.store.damaged(damage)
	return nil
}

// inTrash says whether a file is one of those that are to be removed.
func (s *Store) inTrash(file uint64) (found bool) {
	s.rows.Lock()
	defer s.rows.Unlock()
	if s.trash != 0 {
		_ = s.db.Segments(s.trash, func(row metadata.Segment) error {
			found = found || row.File == file
			return nil
		})
	}
	return found
}

// damaged counts damage and tells of it.
func (s *Store) damaged(damage *CorruptError) {
	s.counts.damaged.Add(1)
	if s.o.Hooks.Damaged != nil {
		s.o.Hooks.Damaged(damage)
	}
}

// scrubOften scrubs each time that a period has passed, until the store is closed.
func (s *Store) scrubOften() {
	defer close(s.scrubbed)
	limit, err := pace.New(pace.Options{Max: scrubRate, Min: min(scrubRate, 1<<20)})
	if err != nil {
		s.failed(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // nobody calls it; Close ends it
	defer cancel()
	go func() {
		select {
		case <-s.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	ticker := time.NewTicker(s.o.ScrubEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if _, err := s.scrub(ctx, limit, nil); err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
			s.failed(err)
		}
	}
}

// unneeded lets the system forget a file that was read once, unless somebody else reads it.
func (h *handles) unneeded(f *handle) {
	h.mu.Lock()
	alone := f.users == 1
	h.mu.Unlock()
	if alone {
		f.Advise(0, 0, disk.DontNeed)
	}
}
