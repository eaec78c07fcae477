package journal

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// What is what the bytes of a range are.
type What uint8

// The kinds of ranges.
const (
	Header      What = iota // the file's header, with the zeros behind it
	Data                    // an entry that counts: Open gives it to its function
	Closed                  // the mark that Close has written
	Torn                    // behind the end of the journal: what was being written when the machine or the process died
	Void                    // verifies or was zero once, and does not count: a later file notes that the journal ended before it
	Old                     // left of an earlier use of a recycled file
	Zero                    // nothing but zeros
	Corrupt                 // was synced, and does not verify
	Unexplained             // cannot be verified for want of a header, or is no part of the file
	whats
)

// String returns a word for it.
func (w What) String() string {
	return [...]string{"header", "entry", "closed", "torn", "void", "old", "zero", "corrupt", "unexplained"}[w]
}

// Kind is what a file is by its name.
type Kind uint8

// The kinds of files.
const (
	Journaled   Kind = iota // a file of the journal
	Spare                   // released, waits to be recycled: nothing in it counts
	Unfinished              // was being made, and never used
	SetAside                // released, but damaged
	Lock                    // locked while the journal is open
	ForeignFile             // none of the journal's
)

// String returns a word for it.
func (k Kind) String() string {
	return [...]string{"journal", "spare", "new", "set aside", "lock", "foreign"}[k]
}

// File is a file, or something else, in the folder of a journal.
type File struct {
	Name     string // without the folder
	Kind     Kind
	Number   uint32 // by its name, 0 for a Lock and a ForeignFile
	Size     int64  // bytes
	Made     int64  // nanoseconds since 1970, by its header; 0 if that does not verify
	Recycled bool   // by its header: held something else before
}

// Range is a part of a file that is one thing.
type Range struct {
	What     What
	From, To int64
	Entry    *Entry   // of Data, and of a Torn, Void or Corrupt record whose header verifies; else nil
	Synced   Position // of an entry or a mark whose header verifies: all before it was synced when it was written
	Err      error    // what is wrong; nil for what is as it should be
}

// CheckReport is what Check has found.
type CheckReport struct {
	// Recovery is what Open would find. All damage is in Quarantined, that of missing files too; with any, Open refuses the
	// journal unless Options.Salvage is set.
	Recovery
	// Ranges are how many bytes of all files are what.
	Ranges map[What]int64
}

// Check reads all files in the folder of a journal that nobody has open, and explains every byte of them to visit, which
// may be nil: the ranges of a file come from front to back without gaps. It writes nothing and takes no lock. need is
// Options.From. Damage is no error, it is in the report. What an entry's payload holds is borrowed until visit returns.
func Check(fs disk.FS, dir string, need Position, visit func(File, Range) error) (CheckReport, error) {
	if visit == nil {
		visit = func(File, Range) error { return nil }
	}
	c := checker{recoverer: recoverer{o: Options{FS: fs, Dir: dir, From: need, Salvage: true}}, visit: visit, ranges: map[What]int64{}}
	err := c.run()
	return CheckReport{c.report, c.ranges}, err
}

// checker is a run of Check.
type checker struct {
	recoverer

	visit  func(File, Range) error
	ranges map[What]int64
	file   File
	at     int64 // all before it is explained
	data   []byte
	rd     reader
}

var (
	errPayload  = errors.New("payload's checksum differs")
	errUnread   = errors.New("its header does not verify, so nothing in it can")
	errBehind   = errors.New("behind the size that the header notes")
	errPadding  = errors.New("not zero, behind the header")
	errNotAFile = errors.New("not a regular file")
	errTorn     = errors.New("does not verify, and nothing behind it was synced")
	errVoid     = errors.New("a later file notes that the journal ended before it")
)

func (c *checker) run() error {
	infos, err := c.o.FS.List(c.o.Dir)
	if err != nil {
		return err
	}
	if err := c.list(); err != nil {
		corrupt, is := errors.AsType[*CorruptError](err)
		if !is {
			return err
		}
		c.report.Quarantined = append(c.report.Quarantined, Damage{Err: corrupt})
		return nil
	}
	for _, step := range []func() error{c.identify, c.bounds, func() error { return c.replay(nil) }} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, info := range infos {
		if err := c.explain(info); err != nil {
			return fmt.Errorf("check %s: %w", filepath.Join(c.o.Dir, info.Name), err)
		}
	}
	return nil
}

// explain explains one file.
func (c *checker) explain(info disk.Info) error {
	number, ext, ours := parseName(info.Name)
	c.file = File{Name: info.Name, Number: number, Size: info.Size, Kind: ForeignFile}
	c.at = 0
	switch {
	case info.Name == lockName:
		c.file.Kind = Lock
	case ours:
		c.file.Kind = map[string]Kind{extJournal: Journaled, extSpare: Spare, extNew: Unfinished, extBad: SetAside}[ext]
	}
	if !info.Regular {
		return c.tell(Range{What: Unexplained, Err: errNotAFile})
	}
	if c.file.Kind == Lock || c.file.Kind == ForeignFile {
		return c.tell(Range{What: Unexplained, To: info.Size})
	}
	p := &piece{number: number, path: filepath.Join(c.o.Dir, info.Name), have: info.Size}
	var err error
	if c.data, err = c.read(p, 0, uint32(min(info.Size, math.MaxUint32))); err != nil {
		return err
	}
	if c.file.Kind == Journaled {
		for i := range c.pieces {
			if c.pieces[i].number == number {
				p = &c.pieces[i]
			}
		}
	}
	return c.contents(p)
}

// contents explains a file that may have a header.
func (c *checker) contents(p *piece) error {
	h, err := parseHeader(c.data)
	if err == nil && c.file.Kind == Journaled && p.lost {
		err = ErrForeign
	}
	if err != nil {
		return c.headless(err)
	}
	c.file.Made, c.file.Recycled = h.created, h.flags&flagZeroed == 0
	r := Range{What: Header, To: firstRecord}
	if lastByte(c.data[fileHeader:firstRecord]) > 0 {
		if err := c.tell(Range{What: Header, To: fileHeader}); err != nil {
			return err
		}
		r = Range{What: Unexplained, From: fileHeader, To: firstRecord, Err: errPadding}
	}
	if err := c.tell(r); err != nil {
		return err
	}
	size := min(int64(h.size), int64(len(c.data)))
	c.rd = reader{data: c.data[:size], seed: h.seed(), number: h.number}
	switch c.file.Kind {
	case Spare, Unfinished:
		err = c.region(uint32(size), Old, Old, nil)
	case SetAside:
		p.survey = c.rd.survey(uint32(size), false, !c.file.Recycled)
		err = c.records(p, uint32(size))
	default:
		err = c.records(p, uint32(size))
	}
	if err == nil && c.at < int64(len(c.data)) {
		err = c.tell(Range{What: Unexplained, From: c.at, To: int64(len(c.data)), Err: errBehind})
	}
	return err
}

// headless explains a file whose header does not verify, or is that of another file.
func (c *checker) headless(fault error) error {
	what, rest := Corrupt, errUnread
	if c.file.Kind != Journaled {
		what, fault, rest = Unexplained, nil, nil // it need not have one
	}
	end := uint32(min(firstRecord, len(c.data)))
	if lastByte(c.data[:end]) == 0 && end > 0 {
		what = Zero
	}
	c.rd = reader{}
	if err := c.tell(Range{What: what, To: int64(end), Err: fault}); err != nil {
		return err
	}
	return c.region(uint32(len(c.data)), Unexplained, Unexplained, rest)
}

// records explains what stands behind the header of a file, up to its size.
func (c *checker) records(p *piece, size uint32) error {
	left := Old
	if !c.file.Recycled {
		left = Void
	}
	if p.void {
		return c.region(size, Void, left, errVoid)
	}
	damaged := p.damaged
	for c.at < int64(p.end) {
		off := uint32(c.at)
		if len(damaged) > 0 && damaged[0].from == off {
			if err := c.tell(c.broken(off, damaged[0].to, Corrupt, errRecord)); err != nil {
				return err
			}
			damaged = damaged[1:]
			continue
		}
		rec, ok := c.rd.record(off)
		if !ok { // it was valid a moment ago
			return &CorruptError{File: p.path, Offset: int64(off), Err: errRecord}
		}
		if err := c.tell(ranged(off, &rec, Data, nil)); err != nil {
			return err
		}
	}
	if p.torn > 0 { // of a header that ends in zeros too
		if err := c.region(min(p.end+max(p.torn, markSize), size), Torn, Torn, errTorn); err != nil {
			return err
		}
	}
	return c.region(size, Void, left, errVoid)
}

// ranged returns the range of a record.
func ranged(off uint32, rec *record, what What, err error) Range {
	r := Range{What: what, From: int64(off), To: int64(off + rec.size), Synced: rec.synced, Err: err}
	if rec.kind == kindEntry {
		r.Entry = &rec.Entry
	} else if what == Data {
		r.What = Closed
	}
	return r
}

// broken returns the range of what does not verify, with what its header says if that does.
func (c *checker) broken(from, to uint32, what What, err error) Range {
	r := Range{What: what, From: int64(from), To: int64(to), Err: err}
	if rec, ok := c.rd.header(from); ok && rec.kind == kindEntry {
		r.Entry, r.Synced, r.Err = &rec.Entry, rec.synced, errPayload
	}
	return r
}

// region explains what does not count, up to a place: records that verify, whole sectors of zeros, and the rest.
func (c *checker) region(to uint32, whole, rest What, fault error) error {
	for c.at < int64(to) {
		off := uint32(c.at)
		if rec, ok := c.rd.record(off); ok && off+rec.size <= to {
			if err := c.tell(ranged(off, &rec, whole, fault)); err != nil {
				return err
			}
			continue
		}
		end, zero := c.stretch(off, to)
		r := c.broken(off, end, rest, fault)
		if rest == Old {
			r.Err = nil
		}
		if zero {
			r = Range{What: Zero, From: int64(off), To: int64(end)}
		}
		if err := c.tell(r); err != nil {
			return err
		}
	}
	return nil
}

// stretch returns how far the bytes from off on are of one kind: zeros for a sector or more, or something else, in which no
// record verifies.
func (c *checker) stretch(off, to uint32) (end uint32, zero bool) {
	next := func(at uint32) uint32 { return min((at/firstRecord+1)*firstRecord, to) }
	zero = lastByte(c.data[off:next(off)]) == 0
	for end = next(off); end < to; end = next(end) {
		if (lastByte(c.data[end:next(end)]) == 0) != zero {
			break
		}
	}
	if zero {
		return end, true
	}
	for at := (off + alignment) &^ (alignment - 1); at < end; at += alignment {
		if _, ok := c.rd.record(at); ok {
			return at, false
		}
	}
	return end, false
}

func (c *checker) tell(r Range) error {
	c.at = r.To
	c.ranges[r.What] += r.To - r.From
	return c.visit(c.file, r)
}
