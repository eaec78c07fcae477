package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/ardea-stream/ardea/dlog/disk"
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
	have   int64  // bytes
	head   []byte // the first of them: the header and that of the first record
	lost   bool   // not even the header is valid
	void   bool   // a later file notes that nothing in this one counts

	limit    uint32 // offset up to which something may count
	exact    bool   // a later file notes that all up to there does
	surveyed bool   // the survey is done
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
	ahead  int // bytes that replay reads at once, 0 for blockBytes
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

// read returns the bytes of a file between two offsets, or as many as there are, valid until the next call.
func (r *recoverer) read(p *piece, from, to uint32) (_ []byte, err error) {
	f, err := r.o.FS.Open(p.path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r.buf, err = readRange(f, p, r.buf, from, to)
	return r.buf, err
}

// readRange is read from an open file, with a buffer for the bytes.
func readRange(f disk.File, p *piece, buf []byte, from, to uint32) ([]byte, error) {
	size := int(max(min(p.have, int64(to))-int64(from), 0))
	buf = slices.Grow(buf[:0], size)[:size]
	if err := readFull(f, buf, int64(from)); err != nil {
		return nil, fmt.Errorf("read %s: %w", p.path, err)
	}
	return buf, nil
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
		b, err := r.read(p, 0, firstRecord+recordHeader)
		if err != nil {
			return err
		}
		p.head = slices.Clone(b)
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

// bounds finds out where each file ends, from the last to the first, since a file notes where the one before it ended. The
// first record of a file says that. A file where it does not is looked at as a whole.
func (r *recoverer) bounds() error {
	bound, bounded := Position(0), false
	for i := len(r.pieces) - 1; i >= 0; i-- {
		p := &r.pieces[i]
		if p.void = bounded && p.number > bound.File(); p.void || p.lost {
			continue
		}
		p.limit, p.exact = uint32(min(p.have, int64(p.header.size))), bounded && p.number == bound.File()
		if p.exact {
			p.limit = min(bound.Offset(), p.limit)
		}
		if before, ok := p.firstNote(); ok {
			bound, bounded = before, true
			continue
		}
		if err := r.survey(p); err != nil {
			return err
		}
		if p.noted {
			bound, bounded = p.before, true
		}
	}
	if bounded {
		r.report.End = bound
	}
	return nil
}

// firstNote returns what the first record of a file notes, if its header is valid and it is one of the first batch.
func (p *piece) firstNote() (Position, bool) {
	rd := reader{seed: p.header.seed(), number: p.number}
	if len(p.head) < firstRecord+recordHeader {
		return 0, false
	}
	rec, _, ok := rd.head(p.head[firstRecord:], firstRecord)
	return rec.synced, ok && firstRecord+rec.size <= p.limit && rec.synced.File() != p.number
}

// survey looks at a file as a whole.
func (r *recoverer) survey(p *piece) error {
	data, err := r.read(p, 0, p.header.size)
	if err != nil {
		return err
	}
	rd := reader{data: data, seed: p.header.seed(), number: p.number}
	p.survey, p.surveyed = rd.survey(p.limit, p.exact, p.header.flags&flagZeroed != 0), true
	return r.damagedIn(p)
}

// damagedIn reports what a survey has found.
func (r *recoverer) damagedIn(p *piece) error {
	for _, d := range p.damaged {
		if err := r.damage(position(p.number, d.from), position(p.number, d.to), p.path, errRecord); err != nil {
			return err
		}
	}
	return nil
}

// gaps reports numbers between the first and the last file that are missing: files are released from the oldest on. The
// file that the owner needs must be there, too.
func (r *recoverer) gaps() error {
	if need := r.o.From.File(); need > 0 && (len(r.pieces) == 0 || need < r.pieces[0].number || need >= r.next) {
		missing := fileName(r.o.Dir, need, extJournal)
		if err := r.damage(position(need, 0), position(need+1, 0), missing, fs.ErrNotExist); err != nil {
			return err
		}
	}
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
