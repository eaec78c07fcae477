package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

// Recovery is what Open has found.
type Recovery struct {
	Files   int      // of the journal, those without entries included
	Entries int      // given to the function
	Bytes   int64    // of their payloads
	End     Position // where the journal ended
	Clean   bool     // it was closed, and did not crash

	// A torn tail is what was being written when the machine or the process died: none of it was acknowledged. It is
	// left where it is, and never read again.
	Torn      Position // where it begins, if TornBytes is not 0
	TornBytes int64

	// Quarantined is what was left out because it is damaged, in the order of positions. It is empty without
	// Options.Salvage.
	Quarantined []Damage
}

// Damage is a range of the journal that is lost.
type Damage struct {
	From, To Position
	Err      *CorruptError
}

// piece is a file of the journal that was found.
type piece struct {
	survey

	header header
	number uint32 // as its name says
	path   string
	have   int64 // bytes
	lost   bool  // not even the header is valid
	void   bool  // a later file notes that nothing in this one counts
}

// recoverer reads the files of a journal.
type recoverer struct {
	o      Options
	pieces []piece  // by number
	next   uint32   // the first number that is free
	id     uint64   // of the journal, 0 if there are no files
	spares []uint32 // numbers of spare files
	fresh  []uint32 // numbers of files that were being made
	report Recovery
	buf    []byte
}

// list finds the files.
func (r *recoverer) list() error {
	infos, err := r.o.FS.List(r.o.Dir)
	if err != nil {
		return err
	}
	r.next = 1
	for _, info := range infos {
		number, ext, ok := parseName(info.Name)
		if !ok {
			continue // not ours
		}
		path := filepath.Join(r.o.Dir, info.Name)
		if !info.Regular {
			return &CorruptError{File: path, Err: errors.New("not a regular file")}
		}
		switch ext {
		case extJournal:
			r.pieces = append(r.pieces, piece{number: number, path: path, have: info.Size})
		case extSpare:
			r.spares = append(r.spares, number)
		case extNew:
			r.fresh = append(r.fresh, number)
			continue // never used
		}
		r.next = max(r.next, number+1)
	}
	slices.SortFunc(r.pieces, func(a, b piece) int { return cmp.Compare(a.number, b.number) })
	r.report.Files = len(r.pieces)
	if len(r.pieces) > 0 {
		r.next = r.pieces[len(r.pieces)-1].number + 1
	}
	return nil
}

// read returns the first bytes of a file, up to a number of them, valid until the next call.
func (r *recoverer) read(p *piece, most int64) (_ []byte, err error) {
	f, err := r.o.FS.Open(p.path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size := int(min(p.have, most))
	r.buf = slices.Grow(r.buf[:0], size)[:size]
	if err := readFull(f, r.buf, 0); err != nil {
		return nil, fmt.Errorf("read %s: %w", p.path, err)
	}
	return r.buf, nil
}

// damage reports damage, or returns it as an error if it is not to be left out.
func (r *recoverer) damage(from, to Position, path string, err error) error {
	corrupt := &CorruptError{File: path, Offset: int64(from.Offset()), Err: err}
	if !r.o.Salvage {
		return corrupt
	}
	r.report.Quarantined = append(r.report.Quarantined, Damage{From: from, To: to, Err: corrupt})
	return nil
}

// identify reads the headers of all files and says whether each is the file that its name says. What most files say is
// the journal's id.
func (r *recoverer) identify() error {
	faults, votes := make([]error, len(r.pieces)), map[uint64]int{}
	for i := range r.pieces {
		p := &r.pieces[i]
		b, err := r.read(p, firstRecord)
		if err != nil {
			return err
		}
		if p.header, faults[i] = parseHeader(b); faults[i] != nil {
			continue
		}
		id := p.header.journal
		if votes[id]++; votes[id] > votes[r.id] {
			r.id = id
		}
	}
	for i := range r.pieces {
		p, fault := &r.pieces[i], faults[i]
		if fault == nil && (p.header.number != p.number || p.header.journal != r.id) {
			fault = ErrForeign
		}
		p.lost = fault != nil
		from, to := position(p.number, 0), position(p.number+1, 0)
		if fault == nil && p.have < int64(p.header.size) {
			fault, from = errShort, position(p.number, uint32(p.have))
		}
		if fault == nil {
			continue
		}
		if err := r.damage(from, to, p.path, fault); err != nil {
			return err
		}
	}
	return r.gaps()
}

// survey looks at all files, from the last to the first, since a file notes where the one before it ended.
func (r *recoverer) survey() error {
	bound, bounded := Position(0), false
	for i := len(r.pieces) - 1; i >= 0; i-- {
		p := &r.pieces[i]
		if p.void = bounded && p.number > bound.File(); p.void || p.lost {
			continue
		}
		data, err := r.read(p, int64(p.header.size))
		if err != nil {
			return err
		}
		limit, exact := uint32(len(data)), bounded && p.number == bound.File()
		if exact {
			limit = min(bound.Offset(), limit)
		}
		rd := reader{data: data, seed: p.header.seed(), number: p.number}
		p.survey = rd.survey(limit, exact, p.header.flags&flagZeroed != 0)
		for _, d := range p.damaged {
			if err := r.damage(position(p.number, d.from), position(p.number, d.to), p.path, errRecord); err != nil {
				return err
			}
		}
		if p.noted {
			bound, bounded = p.before, true
		}
	}
	if bounded {
		r.report.End = bound
	}
	slices.SortFunc(r.report.Quarantined, func(a, b Damage) int { return cmp.Compare(a.From, b.From) })
	return nil
}

// gaps reports numbers between the first and the last file that are missing: files are released from the oldest on.
func (r *recoverer) gaps() error {
	for i := 1; i < len(r.pieces); i++ {
		before, p := &r.pieces[i-1], &r.pieces[i]
		if p.number == before.number+1 {
			continue
		}
		missing := fileName(r.o.Dir, before.number+1, extJournal)
		if err := r.damage(position(before.number+1, 0), position(p.number, 0), missing, fs.ErrNotExist); err != nil {
			return err
		}
	}
	return nil
}

// replay gives all entries that count to a function and sums them up.
func (r *recoverer) replay(call func(Position, Entry) error) error {
	for i := range r.pieces {
		p := &r.pieces[i]
		if p.lost || p.void {
			continue
		}
		if p.end > firstRecord {
			r.report.End, r.report.Clean = position(p.number, p.end), p.closed
			r.report.Torn, r.report.TornBytes = 0, 0
		}
		if p.torn > 0 {
			r.report.Torn, r.report.TornBytes, r.report.Clean = position(p.number, p.end), int64(p.torn), false
		}
		if p.entries == 0 {
			continue
		}
		data, err := r.read(p, int64(p.header.size))
		if err != nil {
			return err
		}
		if err := r.replayFile(p, data, call); err != nil {
			return err
		}
	}
	return nil
}

func (r *recoverer) replayFile(p *piece, data []byte, call func(Position, Entry) error) error {
	rd := reader{data: data, seed: p.header.seed(), number: p.number}
	damaged := p.damaged
	for off := uint32(firstRecord); off < p.end; {
		if len(damaged) > 0 && damaged[0].from == off {
			off, damaged = damaged[0].to, damaged[1:]
			continue
		}
		rec, ok := rd.record(off)
		if !ok { // it was valid a moment ago
			return &CorruptError{File: p.path, Offset: int64(off), Err: errRecord}
		}
		if rec.kind == kindEntry {
			r.report.Entries++
			r.report.Bytes += int64(len(rec.Payload))
			if call != nil {
				if err := call(position(p.number, off), rec.Entry); err != nil {
					return err
				}
			}
		}
		off += rec.size
	}
	return nil
}
