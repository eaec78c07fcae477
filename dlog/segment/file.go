package segment

import (
	"errors"
	"io"
	"sync"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// File is the read side of a file. Several goroutines may use it, also while a Writer writes the file, as long as they
// read no further than Writer.End.
type File struct {
	f      disk.File
	path   string
	id     ID
	sealed bool
	footer Footer

	mu struct {
		sync.Mutex
		index   index
		known   Mark  // up to where the index knows the file
		loaded  bool  // whether the index of a sealed file was tried
		damaged error // what was found wrong with index or footer
	}
}

// Open opens a file to read. It fails with a CorruptError when the header is not that of the id. A file whose footer does
// not verify counts as not sealed; Damaged then tells whether there is one.
func Open(fs disk.FS, path string, id ID) (*File, error) {
	df, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{f: df, path: path, id: id}
	f.mu.known = id.Start()
	if err := f.readEnds(); err != nil {
		return nil, errors.Join(err, df.Close())
	}
	return f, nil
}

// readEnds reads header and footer.
func (f *File) readEnds() error {
	id, size, err := readHeader(f.f, f.path, &f.id)
	if err != nil {
		return err
	}
	f.id = id
	b, err := readTail(f.f, size)
	if err != nil || b == nil {
		return err
	}
	footer, err := parseFooter(b, &f.id, size-footerSize)
	if err == nil {
		f.sealed, f.footer = true, footer
	} else if string(b[footerSize-len(footerMagic):]) == footerMagic {
		f.mu.damaged = located(err, f.path)
	}
	return nil
}

// readHeader returns the id in a file's header, if it is the one wanted, and the file's size.
func readHeader(f disk.File, path string, want *ID) (ID, int64, error) {
	size, err := f.Size()
	if err != nil {
		return ID{}, 0, err
	}
	b := make([]byte, min(size, dataStart))
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return ID{}, size, err
	}
	id, err := parseHeader(b)
	if err == nil && !id.is(*want) {
		err = ErrForeign
	}
	if err != nil {
		err = &CorruptError{Path: path, File: want.File, Err: err}
	}
	return id, size, err
}

// tornHeader says whether an error of readHeader means that the header was never safe.
func tornHeader(err error) bool {
	return errors.Is(err, errFileEnds) || errors.Is(err, errHeader) || errors.Is(err, errBlank)
}

// readTail returns the bytes where a footer would stand, nil if the file is too short for one.
func readTail(f disk.File, size int64) ([]byte, error) {
	if size < dataStart+footerSize || size%alignment != 0 {
		return nil, nil
	}
	b := make([]byte, footerSize)
	if n, err := f.ReadAt(b, size-footerSize); err != nil && (n < len(b) || !errors.Is(err, io.EOF)) {
		return nil, err
	}
	return b, nil
}

// Sealed says whether the file had a valid footer when it was opened.
func (f *File) Sealed() bool { return f.sealed }

// Footer returns the footer of a sealed file.
func (f *File) Footer() (Footer, bool) { return f.footer, f.sealed }

// ID returns what the header says.
func (f *File) ID() ID { return f.id }

// Damaged returns what was found wrong with index or footer, a CorruptError, or nil. The batches can be read
// nevertheless: places are found by scanning. An index is looked at by the first Seek.
func (f *File) Damaged() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.damaged
}

// ReadAt reads bytes from a position on, for Parse. It fails with io.EOF when the file ends before buf is full.
func (f *File) ReadAt(buf []byte, at int64) (int, error) { return f.f.ReadAt(buf, at) }

// Advise tells the system what will be done with n bytes from a position on; n = 0 means up to the end.
func (f *File) Advise(at, n int64, a disk.Advice) { disk.Advise(f.f, at, n, a) }

// Close closes the file. Nobody may read it then.
func (f *File) Close() error { return f.f.Close() }
