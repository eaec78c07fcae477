package journal

import (
	"errors"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// settle makes what was found durable. The last batch may have been read from memory only: it may not have been synced,
// or its sync may have failed, after which Linux takes it for synced. It is written again, and synced. So is a mark: the
// next file will note that the journal ended behind it.
func (r *recoverer) settle() error {
	for i := len(r.pieces) - 1; i >= 0; i-- {
		p := &r.pieces[i]
		if p.lost || p.void || p.end <= firstRecord {
			continue
		}
		from := max(p.synced, firstRecord)
		if from >= p.end {
			return nil
		}
		data, err := r.read(p, from, p.end)
		if err != nil {
			return err
		}
		return rewrite(r.o.FS, p.path, data, int64(from))
	}
	return nil
}

func rewrite(fsys disk.FS, path string, b []byte, off int64) (err error) {
	f, err := fsys.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteAt(b, off); err != nil {
		return err
	}
	return f.SyncData()
}

// reclaim takes the blank files at the end out of the journal: they were made ahead. They become spare ones, and their
// numbers are used again, with a new salt. Files that were being made go: nobody knows how far they are on the disk.
func (r *recoverer) reclaim() error {
	n := len(r.pieces)
	for n > 0 && r.pieces[n-1].unused() {
		n--
		p := &r.pieces[n]
		if err := r.o.FS.Rename(p.path, fileName(r.o.Dir, p.number, extSpare)); err != nil {
			return err
		}
		r.next = p.number
		r.spares = append(r.spares, p.number)
	}
	for _, number := range r.fresh {
		if err := r.o.FS.Remove(fileName(r.o.Dir, number, extNew)); err != nil {
			return err
		}
	}
	if n == len(r.pieces) {
		return nil
	}
	r.pieces = r.pieces[:n]
	return r.o.FS.SyncDir(r.o.Dir)
}

// unused says whether a file was made ahead and never written to.
func (p *piece) unused() bool {
	return !p.lost && !p.void && p.blank && p.have == int64(p.header.size)
}
