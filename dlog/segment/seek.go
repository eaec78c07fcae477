package segment

import (
	"errors"
	"io"
)

// Key is what Seek looks for.
type Key uint8

// The keys.
const (
	ByOffset Key = iota // the batch that holds an offset, or the first one behind it
	ByTxID              // the first batch whose transaction id is not smaller
	ByTime              // the first batch whose time is not smaller
)

// Seek returns the position of the first batch that a key and a value ask for, or the end of the batches if there is
// none. end is how far the file may be read: Mark.At of a mark that its writer has reached. In a sealed file the batches
// end where its footer says, and anything from there on will do, math.MaxInt64 too. A CorruptError says that the batches
// on the way do not verify.
func (f *File) Seek(k Key, v, end int64) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sealed {
		end = min(end, f.footer.End.At)
		if !f.mu.loaded {
			if err := f.loadLocked(); err != nil {
				return 0, err
			}
		}
	}
	if k == ByOffset {
		v = max(v, 0)
	}
	if err := f.learnLocked(end); err != nil {
		return 0, err
	}
	s := scanner{f: f.f, id: &f.id, at: f.mu.index.before(k, v), end: end}
	for s.next() {
		if s.batch.reaches(k, v) {
			return s.from, nil
		}
	}
	return s.at, located(s.err, f.path)
}

// reaches says whether a batch is what Seek is to find, or behind it.
func (b *Batch) reaches(k Key, v int64) bool {
	switch k {
	case ByTxID:
		return b.TxID >= v
	case ByTime:
		return b.Time >= v
	default:
		return b.Next() > uint64(v)
	}
}

// loadLocked reads the index of a sealed file. If it is damaged that is noted, and learnLocked builds another.
func (f *File) loadLocked() error {
	at := f.footer.End.At
	b := make([]byte, f.footer.IndexSize)
	if n, err := f.f.ReadAt(b, at); err != nil && (n < len(b) || !errors.Is(err, io.EOF)) {
		return err
	}
	f.mu.loaded = true
	block, kind, _, err := parseBlock(b, &f.id, at)
	entries, ok := parseIndex(block.Payload, &f.footer.End)
	switch {
	case err != nil:
		f.mu.damaged = located(err, f.path)
	case kind != kindIndex || !ok:
		f.mu.damaged = &CorruptError{Path: f.path, File: f.id.File, At: at, Err: errIndex}
	default:
		f.mu.index.entries, f.mu.known = entries, f.footer.End
	}
	return nil
}

// learnLocked reads the headers of batches that the index does not know yet.
func (f *File) learnLocked(end int64) error {
	s := scanner{f: f.f, id: &f.id, at: f.mu.known.At, end: end}
	for s.next() {
		if !s.batch.follows(&f.mu.known) {
			return &CorruptError{Path: f.path, File: f.id.File, At: s.from, Err: errChain}
		}
		f.mu.index.add(&s.batch, s.from)
		f.mu.known = Mark{Offset: s.batch.Next(), At: s.at, TxID: s.batch.TxID, Time: s.batch.Time}
	}
	return located(s.err, f.path)
}
