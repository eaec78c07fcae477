package dlog

import (
	"container/list"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/segment"
)

// handles are the segment files that are open to be read. Those that nobody uses stay open until there are too many.
type handles struct {
	fs   disk.FS
	dir  string
	most int // that stay open unused

	mu struct {
		sync.Mutex
		open   map[uint64]*handle
		idle   list.List // of *handle, the one that was used last at the end
		closed bool
	}
}

// handle is an open segment file.
type handle struct {
	*segment.File

	number  uint64
	stepped atomic.Bool // the system reads nothing ahead
	users   int
	idle    *list.Element
}

func newHandles(fs disk.FS, dir string, most int) *handles {
	h := &handles{fs: fs, dir: dir, most: most}
	h.mu.open = map[uint64]*handle{}
	return h
}

// get returns a file, which must be put back.
func (h *handles) get(id segment.ID) (*handle, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.closed {
		return nil, ErrClosed
	}
	if f := h.mu.open[id.File]; f != nil {
		if f.users++; f.users == 1 {
			h.mu.idle.Remove(f.idle)
		}
		return f, nil
	}
	file, err := segment.Open(h.fs, segment.FileName(h.dir, id.File), id)
	if err != nil {
		return nil, err
	}
	file.Advise(0, 0, disk.Sequential)
	f := &handle{File: file, number: id.File, users: 1}
	h.mu.open[id.File] = f
	return f, nil
}

// readAhead says whether the system is to read ahead of who reads. Several readers of a file may differ: the last one
// counts.
func (f *handle) readAhead(yes bool) {
	if f.stepped.Load() == yes && f.stepped.Swap(!yes) == yes {
		advice := disk.Random
		if yes {
			advice = disk.Sequential
		}
		f.Advise(0, 0, advice)
	}
}

// put gives a file back.
func (h *handles) put(f *handle) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.users--; f.users > 0 {
		return
	}
	if h.mu.closed || h.mu.open[f.number] != f {
		_ = f.Close() // it was only read
		return
	}
	f.idle = h.mu.idle.PushBack(f)
	if h.mu.idle.Len() > h.most {
		h.closeLocked(h.mu.idle.Front().Value.(*handle))
	}
}

// closeLocked closes a file that nobody uses.
func (h *handles) closeLocked(f *handle) {
	h.mu.idle.Remove(f.idle)
	delete(h.mu.open, f.number)
	_ = f.Close() // it was only read
}

// forget makes the next get of a file open it again, and closes it when nobody uses it.
func (h *handles) forget(number uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch f := h.mu.open[number]; {
	case f == nil:
	case f.users == 0:
		h.closeLocked(f)
	default:
		delete(h.mu.open, number)
	}
}

// close closes all that nobody uses, and the others when they are put back.
func (h *handles) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.closed = true
	for h.mu.idle.Len() > 0 {
		h.closeLocked(h.mu.idle.Front().Value.(*handle))
	}
}

// writers are the segment files that are open to be written. Who holds the store's files uses them.
type writers struct {
	most   int
	closed bool // the store is, for good
	open   map[*extent]*list.Element
	used   list.List // of *openWriter, the one that was used last at the end
}

type openWriter struct {
	*segment.Writer

	of *extent
}

func newWriters(most int) *writers {
	return &writers{most: most, open: map[*extent]*list.Element{}}
}

// get returns the writer of a file if it is open.
func (w *writers) get(e *extent) *segment.Writer {
	el := w.open[e]
	if el == nil {
		return nil
	}
	w.used.MoveToBack(el)
	return el.Value.(*openWriter).Writer
}

// add adds a writer that was opened and closes the one that has not been used for longest if there are too many.
func (w *writers) add(e *extent, sw *segment.Writer) error {
	w.open[e] = w.used.PushBack(&openWriter{sw, e})
	if w.used.Len() > w.most {
		return w.close(w.used.Front().Value.(*openWriter).of)
	}
	return nil
}

// close closes the writer of a file, if it is open.
func (w *writers) close(e *extent) error {
	el := w.open[e]
	if el == nil {
		return nil
	}
	delete(w.open, e)
	return w.used.Remove(el).(*openWriter).Close()
}

// closeAll closes all. No others may be opened.
func (w *writers) closeAll() error {
	w.closed = true
	var errs []error
	for w.used.Len() > 0 {
		errs = append(errs, w.close(w.used.Front().Value.(*openWriter).of))
	}
	return errors.Join(errs...)
}
