package dlog

import (
	"sync"
	"sync/atomic"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/spin"
	"github.com/ardea-stream/ardea/pool"
)

// itemSize is what the window counts for a batch beside its body.
const itemSize = 104

// chunk is a piece of the window's memory. Batches of any logs stand in it one behind the other.
//
// The window holds one reference to the buffer. A reader that is given a batch of it takes another, under the lock of
// the batch's log and while the log still lists the batch.
type chunk struct {
	buf    *pool.Buf
	size   int64        // that the window counts, under its lock
	logs   []*Log       // that have batches in it, under the window's lock
	unsafe atomic.Int32 // batches that are in no segment file yet, and those that are being put here
}

// window is the memory of what was appended last: bounded, shared by all logs, in the order of time.
type window struct {
	limit     int64
	chunkSize int
	needFlush func() // wakes the flusher; called without locks

	unflushed atomic.Int64 // bytes of batches that are in no segment file

	mu struct {
		sync.Mutex

		chunks  []*chunk // the oldest first
		cur     *chunk   // the last of them, if batches are put there; nil if none
		bytes   int64    // of all chunks
		waiting int      // appenders that wait for room
		err     error    // why nothing is put here any more
		tries   int      // attempts to make room that have begun
		failed  int      // number of the last of them that has failed
		tryErr  error    // why it has
	}
	room sync.Cond
}

func newWindow(limit int64, needFlush func()) *window {
	w := &window{limit: limit, needFlush: needFlush}
	w.chunkSize = int(min(max(limit/16, 1<<10), 256<<10))
	w.room.L = &w.mu
	return w
}

// reserve returns memory for n bytes of a log's batch, and the chunk that it is in, which must be given to settle once.
// It waits until there is room, and fails if there will be none.
func (w *window) reserve(l *Log, n int) (*chunk, []byte, error) {
	spin.Lock(&w.mu.Mutex)
	defer w.mu.Unlock()
	for {
		if w.mu.err != nil {
			return nil, nil, w.mu.err
		}
		if c := w.mu.cur; c != nil && cap(c.buf.B)-len(c.buf.B) >= n && w.mu.bytes+itemSize <= w.limit {
			return c, w.takeLocked(c, l, n), nil
		}
		size := int64(max(n, w.chunkSize))
		if w.mu.bytes == 0 || w.mu.bytes+size+itemSize <= w.limit {
			c := &chunk{buf: pool.Get(int(size))} // may be larger than asked for, and than the window
			w.mu.cur = c
			w.addLocked(c)
			return c, w.takeLocked(c, l, n), nil
		}
		if err := w.makeRoomLocked(); err != nil {
			return nil, nil, err
		}
	}
}

// takeLocked takes n bytes of a chunk for a log's batch.
func (w *window) takeLocked(c *chunk, l *Log, n int) []byte {
	at := len(c.buf.B)
	c.buf.B = c.buf.B[:at+n]
	w.useLocked(c, l, n)
	return c.buf.B[at : at+n : at+n]
}

// adopt makes a shared buffer a chunk of its own, which takes over a reference of the caller.
func (w *window) adopt(l *Log, buf *pool.Buf, n int) (*chunk, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	size := int64(cap(buf.B)) + itemSize
	for w.mu.err == nil && w.mu.bytes != 0 && w.mu.bytes+size > w.limit {
		if err := w.makeRoomLocked(); err != nil {
			return nil, err
		}
	}
	if w.mu.err != nil {
		return nil, w.mu.err
	}
	c := &chunk{buf: buf}
	w.mu.cur = nil
	w.addLocked(c)
	w.useLocked(c, l, n)
	return c, nil
}

func (w *window) addLocked(c *chunk) {
	c.size = int64(cap(c.buf.B))
	w.mu.bytes += c.size
	w.mu.chunks = append(w.mu.chunks, c)
}

func (w *window) useLocked(c *chunk, l *Log, n int) {
	c.size += itemSize
	w.mu.bytes += itemSize
	c.unsafe.Add(1)
	if l.lastChunk != c {
		l.lastChunk = c
		c.logs = append(c.logs, l)
	}
	if before := w.unflushed.Add(int64(n) + itemSize); before > w.limit/2 {
		w.needFlush()
	}
}

// settle says that a batch of n bytes needs its place in the window no longer: it is in a file, or was not appended.
func (w *window) settle(c *chunk, n int) {
	left := c.unsafe.Add(-1)
	invariants.Check(left >= 0, "window: a batch was settled twice")
	w.unflushed.Add(-int64(n) - itemSize)
}

// makeRoomLocked drops the oldest chunk if nothing needs it. Else it waits until the flusher has been there, and returns
// the error that it has met if it has come since: one that it met before may be over.
func (w *window) makeRoomLocked() error {
	if c := w.popLocked(); c != nil {
		w.mu.Unlock()
		c.drop()
		w.mu.Lock()
		w.room.Broadcast()
		return nil
	}
	w.mu.cur = nil // it may be the one that is in the way
	tries := w.mu.tries
	w.mu.waiting++
	w.needFlush()
	w.room.Wait()
	w.mu.waiting--
	if w.mu.failed > tries {
		return w.mu.tryErr
	}
	return nil
}

// popLocked takes the oldest chunk out of the window if all that is in it can be had elsewhere.
func (w *window) popLocked() *chunk {
	if len(w.mu.chunks) == 0 || w.mu.chunks[0].unsafe.Load() > 0 || w.mu.chunks[0] == w.mu.cur {
		return nil
	}
	c := w.mu.chunks[0]
	w.mu.chunks[0] = nil
	w.mu.chunks = w.mu.chunks[1:]
	w.mu.bytes -= c.size
	for _, l := range c.logs {
		if l.lastChunk == c {
			l.lastChunk = nil
		}
	}
	return c
}

// drop makes the logs forget what is in the chunk, and gives up the window's reference.
func (c *chunk) drop() {
	for _, l := range c.logs {
		l.forget(c)
	}
	c.buf.Release()
}

// flushed lets those who wait for room look again, or fail, if the flusher has.
func (w *window) flushed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.mu.failed, w.mu.tryErr = w.mu.tries, err
	}
	w.room.Broadcast()
}

// due returns the logs whose batches are to be written now, appended to logs: those with batches in the older part of
// the window if it is more than half full, all if somebody waits for room. An attempt to write them begins with it, and
// ends with flushed.
func (w *window) due(logs []*Log) []*Log {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.tries++
	excess := w.unflushed.Load() - w.limit/4
	if w.mu.waiting == 0 && excess <= w.limit/4 {
		return logs
	}
	for _, c := range w.mu.chunks {
		if w.mu.waiting == 0 && excess <= 0 {
			break
		}
		if c.unsafe.Load() > 0 {
			logs = append(logs, c.logs...)
			excess -= c.size
		}
	}
	return logs
}

// isWaiting says whether somebody waits for room.
func (w *window) isWaiting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.waiting > 0
}

// fail makes all who wait, and all who come, fail with an error. nil lets them go on.
func (w *window) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.err = err
	w.room.Broadcast()
}

// close gives all memory back. Nobody may use the window any more.
func (w *window) close() {
	w.mu.Lock()
	chunks := w.mu.chunks
	w.mu.chunks, w.mu.cur, w.mu.bytes = nil, nil, 0
	w.mu.Unlock()
	for _, c := range chunks {
		c.drop()
	}
}
