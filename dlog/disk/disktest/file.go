package disktest

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"syscall"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// node is a file's contents: as programs see them, as they are safe, and what was written in between.
type node struct {
	data, safe []byte
	pending    []write
	lost       error // of a SyncAll, until Failed has told of it
	reserved   int64 // bytes behind the data that nobody else gets
}

// write is bytes written at an offset or, without bytes, a new length.
type write struct {
	at   int64
	b    []byte
	size int64
}

// resize returns b with a length, what is new being zero.
func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

func (w write) apply(b []byte) []byte {
	if w.b == nil {
		return resize(b, w.size)
	}
	b = resize(b, max(int64(len(b)), w.at+int64(len(w.b))))
	copy(b[w.at:], w.b)
	return b
}

// tear applies a part of the write: of each sector that it touches all or nothing, as rng has it.
func (w write) tear(b []byte, rng *rand.Rand) []byte {
	if w.b == nil {
		if rng.IntN(2) == 0 {
			return b
		}
		return w.apply(b)
	}
	for from := int64(0); from < int64(len(w.b)); {
		to := min((w.at+from)/disk.Sector*disk.Sector+disk.Sector-w.at, int64(len(w.b)))
		if rng.IntN(2) == 0 {
			b = write{at: w.at + from, b: w.b[from:to]}.apply(b)
		}
		from = to
	}
	return b
}

func (n *node) write(w write) {
	n.data = w.apply(n.data)
	n.pending = append(n.pending, w)
}

// file is an open file.
type file struct {
	fs     *FS
	node   *node
	name   string
	closed bool
}

func (h *file) do(kind Kind, run func() error) error {
	return h.fs.do(Op{kind, h.name}, func() error {
		if h.closed {
			return fs.ErrClosed
		}
		return run()
	})
}

// ReadAt reads.
func (h *file) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	err := h.do(OpRead, func() error {
		if off < 0 {
			return syscall.EINVAL
		}
		n = copy(p, h.node.data[min(off, int64(len(h.node.data))):])
		return nil
	})
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// WriteAt writes. If the disk is full, or a fault says so, it writes a part.
func (h *file) WriteAt(p []byte, off int64) (int, error) {
	n := 0
	err := h.do(OpWrite, func() error {
		var err error
		n, err = h.put(p, off)
		return err
	})
	if err != nil && h.fs.short(err) {
		h.fs.mu.Lock()
		defer h.fs.mu.Unlock()
		n, _ = h.put(p[:len(p)/2], off)
	}
	return n, err
}

// put writes what there is room for. The file system is locked.
func (h *file) put(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, syscall.EINVAL
	}
	fits := int64(len(p))
	if room := h.fs.roomLocked(h.node, off+fits); room < off+fits {
		fits = max(room-off, 0)
	}
	before := len(h.node.data)
	if fits > 0 {
		h.node.write(write{at: off, b: append([]byte{}, p[:fits]...)})
	}
	h.fs.mu.used += int64(len(h.node.data) - before)
	if fits < int64(len(p)) {
		return int(fits), syscall.ENOSPC
	}
	return int(fits), nil
}

// roomLocked returns how long a file may become that is to become want bytes long.
func (f *FS) roomLocked(n *node, want int64) int64 {
	have := int64(len(n.data))
	if f.mu.limit == 0 || want <= have {
		return want
	}
	return min(want, max(have, have+f.mu.limit-f.mu.used))
}

// Truncate sets the length.
func (h *file) Truncate(size int64) error {
	return h.do(OpTruncate, func() error {
		if size < 0 {
			return syscall.EINVAL
		}
		h.fs.mu.used -= h.node.reserved
		h.node.reserved = 0
		if h.fs.roomLocked(h.node, size) < size {
			return syscall.ENOSPC
		}
		h.fs.mu.used += size - int64(len(h.node.data))
		h.node.write(write{size: size})
		return nil
	})
}

// Preallocate writes zeros behind the end.
func (h *file) Preallocate(size int64) error {
	return h.do(OpPreallocate, func() error {
		have := int64(len(h.node.data))
		if size <= have {
			return nil
		}
		_, err := h.put(make([]byte, size-have), have)
		return err
	})
}

// Reserve takes room. A power failure gives it back.
func (h *file) Reserve(size int64) error {
	return h.do(OpPreallocate, func() error {
		more := size - int64(len(h.node.data)) - h.node.reserved
		if more <= 0 {
			return nil
		}
		if h.fs.mu.limit > 0 && h.fs.mu.used+more > h.fs.mu.limit {
			return syscall.ENOSPC
		}
		h.node.reserved += more
		h.fs.mu.used += more
		return nil
	})
}

// SyncData makes the contents safe. If a fault makes it fail, a part of what was written is saved and the rest never
// will be, whatever later calls return.
func (h *file) SyncData() error {
	err := h.do(OpSync, func() error {
		h.node.sync()
		return nil
	})
	if err != nil {
		h.fs.mu.Lock()
		defer h.fs.mu.Unlock()
		h.node.forget(h.fs.mu.rng)
	}
	return err
}

func (n *node) sync() {
	for _, w := range n.pending {
		n.safe = w.apply(n.safe)
	}
	n.pending = nil
}

// forget saves a part of what was written, and says whether there was anything to save.
func (n *node) forget(rng *rand.Rand) bool {
	for _, w := range n.pending {
		if rng.IntN(4) == 0 {
			n.safe = w.tear(n.safe, rng)
		}
	}
	some := len(n.pending) > 0
	n.pending = nil
	return some
}

// Failed tells, once, of a SyncAll that has lost something of this file.
func (h *file) Failed() error {
	return h.do(OpFailed, func() error {
		err := h.node.lost
		h.node.lost = nil
		return err
	})
}

// Advise counts as an operation that cannot fail.
func (h *file) Advise(int64, int64, disk.Advice) { _ = h.do(OpAdvise, func() error { return nil }) }

// Size returns the length.
func (h *file) Size() (int64, error) {
	size := int64(0)
	err := h.do(OpSize, func() error {
		size = int64(len(h.node.data)) + h.node.reserved
		return nil
	})
	return size, err
}

// Close closes.
func (h *file) Close() error {
	return h.do(OpClose, func() error {
		h.closed = true
		return nil
	})
}
