package segment

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/internal/invariants"
)

// Writer writes one file. One goroutine at a time may use it.
//
// Put gathers batches in memory, Write hands them to the operating system, Sync makes them safe. Write and Seal can fail
// for want of room, or by a failed write; what was put stays in the writer then, End is what it was, and both may be
// called again. A failed Sync, also one in Seal, is final: see ErrFailed.
type Writer struct {
	busy  invariants.Busy
	f     disk.File
	path  string
	id    ID
	end   Mark    // of what was written
	next  Mark    // of what was put
	buf   *[]byte // what was put and not written; nil when that is nothing
	safe  int64   // everything before this position is synced
	over  bool    // the file may have bytes behind end
	state error   // why nothing can be written any more
	index index   // of what was put, if the writer has put all
	from  int64   // position from which the index knows the file
}

// buffers are write buffers that no writer needs now.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keptBuffer is how large a write buffer may be that is kept for the next writer.
const keptBuffer = 8 << 20

// Create makes a file and writes its header; if that fails the file is gone again. To make the name safe is the caller's part: SyncDir.
func Create(fs disk.FS, path string, id ID) (*Writer, error) {
	f, err := fs.Create(path)
	if err != nil {
		return nil, full(err)
	}
	w := newWriter(f, path, id, id.Start())
	if err := w.writeHeader(); err != nil {
		return nil, errors.Join(err, f.Close(), fs.Remove(path))
	}
	return w, nil
}

func newWriter(f disk.File, path string, id ID, end Mark) *Writer {
	return &Writer{f: f, path: path, id: id, end: end, next: end, from: end.At}
}

func (w *Writer) writeHeader() error {
	_, err := w.f.WriteAt(w.id.appendHeader(nil), 0)
	return full(err)
}

// Append opens a file that is not sealed, or whose seal is void, to write on from a mark, which is where it ended when
// it was last synced. It cuts what stands behind, index and footer of a seal included; a crash may bring back
// what was cut, but for a footer, until the next Sync. With the mark of a new file nothing of it need be safe: the header is written again if it is torn. A
// CorruptError says that the file is not the one of the id, or shorter than the mark.
func Append(fs disk.FS, path string, id ID, end Mark) (*Writer, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	w := newWriter(f, path, id, end)
	if err := w.cut(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

// cut makes the file end at the writer's end.
func (w *Writer) cut() error {
	_, size, err := readHeader(w.f, w.path, &w.id)
	if w.end.At == dataStart && tornHeader(err) {
		if err := w.f.Truncate(0); err != nil {
			return err
		}
		return w.writeHeader()
	}
	switch {
	case err != nil:
		return err
	case size < w.end.At || w.end.At < dataStart || w.end.At%alignment != 0:
		return &CorruptError{Path: w.path, File: w.id.File, At: min(size, w.end.At), Err: errFileEnds}
	case size > w.end.At:
		return w.cutFrom(size)
	}
	return nil
}

// cutFrom cuts a file of a size. A footer is gone for good before anything is written: if a crash brought it back behind
// other batches, it would verify, and the file would count as sealed.
func (w *Writer) cutFrom(size int64) error {
	tail, err := readTail(w.f, size)
	if err != nil {
		return err
	}
	if err := w.f.Truncate(w.end.At); err != nil {
		return err
	}
	if _, err := parseFooter(tail, &w.id, size-footerSize); err != nil {
		return nil //nolint:nilerr // there is no footer, which is how it should be
	}
	return w.f.SyncData()
}

// End returns the mark behind what was written. Batches that were only put are not in it.
func (w *Writer) End() Mark { return w.end }

// Buffered returns how many bytes of the file were put and not written.
func (w *Writer) Buffered() int { return int(w.next.At - w.end.At) }

// Put adds a batch to what the next Write writes. It borrows the batch until it returns. sum is the payload's Checksum,
// made when the batch came into memory: if memory changes it in between, readers find that out.
func (w *Writer) Put(b *Batch, sum uint32) error {
	w.busy.Enter("segment.Writer")
	defer w.busy.Leave("segment.Writer")
	switch {
	case w.state != nil:
		return w.state
	case len(b.Payload) > MaxPayload:
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, len(b.Payload))
	case !b.valid() || !b.follows(&w.next):
		return fmt.Errorf("%w: %d records from %d, transaction %d, time %d, behind %+v", ErrOrder, b.Count, b.First, b.TxID, b.Time, w.next)
	}
	if invariants.Enabled {
		invariants.Check(sum == Checksum(b.Payload), "segment: the checksum is not that of the payload")
	}
	size := blockSize(len(b.Payload))
	if w.buf == nil {
		w.buf = buffers.Get().(*[]byte)
	}
	buf := slices.Grow(*w.buf, size)
	n := len(buf)
	*w.buf = buf[:n+size]
	putBlock((*w.buf)[n:], &w.id, w.next.At, kindBatch, b, sum)
	w.index.add(b, w.next.At)
	w.next = Mark{Offset: b.Next(), At: w.next.At + int64(size), TxID: b.TxID, Time: b.Time}
	return nil
}

// Write hands what was put to the operating system in one write. It fails with ErrFull when there is no room.
func (w *Writer) Write() error {
	w.busy.Enter("segment.Writer")
	defer w.busy.Leave("segment.Writer")
	return w.write()
}

func (w *Writer) write() error {
	if w.state != nil || w.buf == nil {
		return w.state
	}
	if _, err := w.f.WriteAt(*w.buf, w.end.At); err != nil {
		w.over = true
		return full(err)
	}
	w.drop()
	w.end = w.next
	return nil
}

// drop gives the write buffer away.
func (w *Writer) drop() {
	if w.buf != nil && cap(*w.buf) <= keptBuffer {
		invariants.Mangle((*w.buf)[:cap(*w.buf)])
		*w.buf = (*w.buf)[:0]
		buffers.Put(w.buf)
	}
	w.buf = nil
}

// Sync makes safe what was written: End then is a mark for Append after a crash, if the file's name is safe.
func (w *Writer) Sync() error {
	w.busy.Enter("segment.Writer")
	defer w.busy.Leave("segment.Writer")
	return w.sync()
}

func (w *Writer) sync() error {
	if w.state != nil {
		return w.state
	}
	return w.synced(w.f.SyncData())
}

// Synced is to be called right after a SyncAll of the file's folder has returned nil, in the place of Sync, with nothing
// written since that call began. It makes sure that all of this file was saved.
func (w *Writer) Synced() error {
	w.busy.Enter("segment.Writer")
	defer w.busy.Leave("segment.Writer")
	if w.state != nil {
		return w.state
	}
	return w.synced(w.f.Failed())
}

func (w *Writer) synced(err error) error {
	if err != nil {
		w.state = fmt.Errorf("%w: %w", ErrFailed, err)
		return w.state
	}
	w.safe = w.end.At
	return nil
}

// Close closes the file. What was put and not written is gone, what was not synced is not safe. It may be called again.
func (w *Writer) Close() error {
	w.busy.Enter("segment.Writer")
	defer w.busy.Leave("segment.Writer")
	if errors.Is(w.state, ErrClosed) {
		return nil
	}
	w.state = ErrClosed
	w.drop()
	return w.f.Close()
}

// full marks errors of a disk without room.
func full(err error) error {
	if disk.IsFull(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
