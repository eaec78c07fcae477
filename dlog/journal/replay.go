package journal

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// Replay reads each file once: a goroutine reads and verifies, block by block, ahead of the one that hands the entries
// out, so that the checksums and whatever is done with the entries use a processor each.
const (
	blockBytes = 512 << 10 // that are read at once; a record that is larger makes a larger block
	blocks     = 6         // that there are
)

// block is records of one file that count, one behind the other, with their bytes.
type block struct {
	p    *piece
	buf  []byte
	recs []placed
	last bool  // of the file: the piece's survey is complete
	torn bool  // the survey has found something wrong, which is to be reported before the records are handed out
	err  error // why nothing follows
}

// placed is a record with its offset.
type placed struct {
	record

	at uint32
}

// replayer reads ahead.
type replayer struct {
	o      Options
	pieces []piece
	ahead  int // bytes of a block
	free   chan *block
	full   chan *block
	quit   chan struct{}
}

// replay gives all entries that count to a function and sums them up.
func (r *recoverer) replay(call func(Position, Entry) error) error {
	a := &replayer{
		o: r.o, pieces: r.pieces, ahead: cmp.Or(r.ahead, blockBytes),
		free: make(chan *block, blocks), full: make(chan *block, blocks+1), quit: make(chan struct{}),
	}
	for range blocks {
		a.free <- &block{}
	}
	var reading sync.WaitGroup
	reading.Go(a.run)
	defer reading.Wait()
	defer close(a.quit)
	for b := range a.full {
		if b.err != nil {
			return b.err
		}
		if b.torn {
			if err := r.damagedIn(b.p); err != nil {
				return err
			}
		}
		if err := r.handOut(b, call); err != nil {
			return err
		}
		if b.last {
			r.sumUp(b.p)
		}
		a.free <- b
	}
	slices.SortStableFunc(r.report.Quarantined, func(a, b Damage) int { return cmp.Compare(a.From, b.From) })
	return nil
}

// handOut gives the entries of a block to a function.
func (r *recoverer) handOut(b *block, call func(Position, Entry) error) error {
	for i := range b.recs {
		rec := &b.recs[i]
		if rec.kind != kindEntry {
			continue
		}
		r.report.Entries++
		r.report.Bytes += int64(len(rec.Payload))
		if call == nil {
			continue
		}
		if err := call(position(b.p.number, rec.at), rec.Entry); err != nil {
			return err
		}
	}
	return nil
}

// sumUp notes where the journal ends as far as the files up to this one say.
func (r *recoverer) sumUp(p *piece) {
	if p.end > firstRecord {
		r.report.End, r.report.Clean = position(p.number, p.end), p.closed
		r.report.Torn, r.report.TornBytes = 0, 0
	}
	if p.torn > 0 {
		r.report.Torn, r.report.TornBytes, r.report.Clean = position(p.number, p.end), int64(p.torn), false
	}
}

var errQuit = errors.New("journal: replay was ended")

// run reads all files.
func (a *replayer) run() {
	defer close(a.full)
	for i := range a.pieces {
		p := &a.pieces[i]
		if p.lost || p.void {
			continue
		}
		if err := a.file(p); err != nil {
			if !errors.Is(err, errQuit) {
				a.send(&block{err: err})
			}
			return
		}
	}
}

// next returns a block that is free, for records of a file.
func (a *replayer) next(p *piece) (*block, error) {
	select {
	case b := <-a.free:
		*b = block{p: p, buf: b.buf[:0], recs: b.recs[:0]}
		return b, nil
	case <-a.quit:
		return nil, errQuit
	}
}

// send hands a block on.
func (a *replayer) send(b *block) { a.full <- b }

// file reads a file.
func (a *replayer) file(p *piece) (err error) {
	if p.surveyed && p.entries == 0 {
		b, err := a.next(p)
		if err == nil {
			b.last = true
			a.send(b)
		}
		return err
	}
	f, err := a.o.FS.Open(p.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	disk.Advise(f, 0, 0, disk.Sequential)
	if p.surveyed {
		return a.rest(f, p, firstRecord)
	}
	p.survey = newSurvey(p.limit, p.exact)
	return a.valid(f, p)
}

// valid reads a file as long as all records are valid, and leaves the rest to a survey.
func (a *replayer) valid(f disk.File, p *piece) error {
	rd := reader{seed: p.header.seed(), number: p.number}
	var left []byte // of a record that does not end in the block before
	for off, want := uint32(firstRecord), 0; ; {
		b, err := a.next(p)
		if err != nil {
			return err
		}
		room := max(int64(p.limit)-int64(off), 0)
		size := int(min(room, int64(max(a.ahead, want))))
		b.buf = append(slices.Grow(b.buf, size), left...)[:size]
		if err := readFull(f, b.buf[len(left):], int64(off)+int64(len(left))); err != nil {
			return fmt.Errorf("read %s: %w", p.path, err)
		}
		rd.data, rd.base = b.buf, off
		off, want = b.take(&rd, off)
		left = append(left[:0], b.buf[off-rd.base:]...)
		b.last = off >= p.limit
		if b.last {
			rd.surveyFrom(&p.survey, off, p.limit, false)
		}
		a.send(b)
		switch {
		case off >= p.limit:
			return nil
		case want == 0:
			return a.rest(f, p, off)
		}
	}
}

// take takes the valid records from an offset on. It returns the offset behind them and, if the record there does not end
// in the block, how many bytes are needed of it at least.
func (b *block) take(rd *reader, off uint32) (next uint32, need int) {
	for limit := b.p.limit; off < limit; {
		data, room := rd.data[off-rd.base:], limit-off
		if len(data) < recordHeader {
			if room < recordHeader {
				return off, 0
			}
			return off, recordHeader
		}
		rec, length, ok := rd.head(data, off)
		switch {
		case !ok || rec.size > room:
			return off, 0
		case int(rec.size) > len(data):
			return off, int(rec.size)
		}
		rec.Payload = data[recordHeader : recordHeader+length : recordHeader+length]
		if !intact(&rec, data) {
			return off, 0
		}
		b.p.count(&rec, b.p.number)
		b.recs = append(b.recs, placed{rec, off})
		off += rec.size
	}
	return off, 0
}

// rest surveys a file from an offset on, before which all is valid, unless that was done, and reads what counts.
func (a *replayer) rest(f disk.File, p *piece, off uint32) error {
	b, err := a.next(p)
	if err != nil {
		return err
	}
	if b.buf, err = readRange(f, p, b.buf, off, p.header.size); err != nil {
		return err
	}
	rd := reader{data: b.buf, base: off, seed: p.header.seed(), number: p.number}
	if !p.surveyed {
		rd.surveyFrom(&p.survey, off, p.limit, p.header.flags&flagZeroed != 0)
		b.torn = len(p.damaged) > 0
	}
	damaged := p.damaged
	for off < p.end {
		if len(damaged) > 0 && damaged[0].from == off {
			off, damaged = damaged[0].to, damaged[1:]
			continue
		}
		rec, ok := rd.record(off)
		if !ok { // it was valid a moment ago
			return &CorruptError{File: p.path, Offset: int64(off), Err: errRecord}
		}
		b.recs = append(b.recs, placed{rec, off})
		off += rec.size
	}
	b.last = true
	a.send(b)
	return nil
}
