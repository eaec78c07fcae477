package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/ardea-stream/ardea/pool"
)

const (
	// keepOut is how much memory a connection keeps for what is to be sent.
	keepOut = 1 << 20
	// maxOut is how much may wait to be sent before who wants to send more waits.
	maxOut = 256 << 10
	inSize = 64 << 10
	// helloIn is the buffer for what is read before both sides have said hello: whoever says nothing costs no more.
	helloIn = 512
)

// link is one side of a connection. What is sent is put into a buffer, from which the goroutine of write sends all that
// there is at once. One goroutine reads with next.
type link struct {
	conn net.Conn
	in   *bufio.Reader
	head [headerSize]byte
	done chan struct{} // closed when the connection has ended

	mu struct {
		sync.Mutex

		out, spare []byte
		waiting    int   // who wait for room
		last       bool  // the connection ends when out is sent
		err        error // why the connection has ended
	}
	more, room sync.Cond
}

func newLink(conn net.Conn) *link {
	l := &link{conn: conn, in: bufio.NewReaderSize(conn, helloIn), done: make(chan struct{})}
	l.more.L, l.room.L = &l.mu, &l.mu
	return l
}

// greeted makes room for more than hellos. Who reads calls it.
func (l *link) greeted() { l.in = bufio.NewReaderSize(l.in, inSize) }

// begin locks the link and waits until there is room in out, or stop says that it is not wanted any more. Unless it
// fails, the caller appends frames to out and calls commit.
func (l *link) begin(stop func() bool) error {
	l.mu.Lock()
	for len(l.mu.out) > maxOut && l.mu.err == nil && !l.mu.last && (stop == nil || !stop()) {
		l.mu.waiting++
		l.room.Wait()
		l.mu.waiting--
	}
	if err := l.failedLocked(); err != nil {
		l.mu.Unlock()
		return err
	}
	return nil
}

func (l *link) failedLocked() error {
	if l.mu.err == nil && l.mu.last {
		return ErrGone
	}
	return l.mu.err
}

// commit has what was appended to out sent.
func (l *link) commit() {
	l.more.Signal()
	l.mu.Unlock()
}

// send sends a frame.
func (l *link) send(k kind, id uint64, payload ...byte) error {
	if err := l.begin(nil); err != nil {
		return err
	}
	l.mu.out = append(appendHeader(l.mu.out, k, id, len(payload)), payload...)
	l.commit()
	return nil
}

// post sends a small frame without waiting for room. There must not be many of them.
func (l *link) post(k kind, id uint64, payload ...byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failedLocked() == nil {
		l.mu.out = append(appendHeader(l.mu.out, k, id, len(payload)), payload...)
		l.more.Signal()
	}
}

// sendJSON sends a frame that holds a value.
func (l *link) sendJSON(k kind, id uint64, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.send(k, id, b...)
}

// sendError sends a frame that holds an error. It does not wait for room.
func (l *link) sendError(id uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failedLocked() != nil {
		return
	}
	at := len(l.mu.out)
	l.mu.out = appendError(appendHeader(l.mu.out, kindFailed, id, 0), err)
	le.PutUint32(l.mu.out[at:], uint32(len(l.mu.out)-at-headerSize))
	l.more.Signal()
}

// write sends what is put into out until the connection ends.
func (l *link) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.mu.out) == 0 && l.mu.err == nil && !l.mu.last {
			l.more.Wait()
		}
		if l.mu.err != nil {
			return
		}
		if len(l.mu.out) == 0 {
			l.endLocked(ErrGone)
			return
		}
		out := l.mu.out
		l.mu.out, l.mu.spare = l.mu.spare[:0], nil
		l.mu.Unlock()
		_, err := l.conn.Write(out)
		l.mu.Lock()
		if cap(out) <= keepOut {
			l.mu.spare = out
		}
		if err != nil {
			l.endLocked(gone(err))
		}
		if l.mu.waiting > 0 {
			l.room.Broadcast()
		}
	}
}

// gone returns the error for a connection that has ended.
func gone(cause error) error {
	if cause == nil || errors.Is(cause, ErrGone) || errors.Is(cause, io.EOF) || errors.Is(cause, net.ErrClosed) {
		return ErrGone
	}
	return fmt.Errorf("%w: %w", ErrGone, cause)
}

// end ends the connection.
func (l *link) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLocked(err)
}

func (l *link) endLocked(err error) {
	if l.mu.err != nil {
		return
	}
	l.mu.err = err
	_ = l.conn.Close()
	close(l.done)
	l.more.Broadcast()
	l.room.Broadcast()
}

// endWith ends the connection when all was sent, with an error for the other side.
func (l *link) endWith(err error) {
	l.sendError(0, err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.last = true
	l.more.Broadcast()
	l.room.Broadcast()
}

// err returns why the connection has ended, nil if it has not.
func (l *link) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.err
}

// next reads a frame. The caller owns its payload and must release it. A ProtocolError says that there is nothing to be
// read any more.
func (l *link) next(limit int, mayCome func(kind) bool) (header, *pool.Buf, error) {
	if _, err := io.ReadFull(l.in, l.head[:]); err != nil {
		return header{}, nil, err
	}
	h, err := parseHeader(l.head[:], limit, mayCome)
	if err != nil {
		return h, nil, err
	}
	p := pool.Get(int(h.length))
	p.B = p.B[:h.length]
	if _, err := io.ReadFull(l.in, p.B); err != nil {
		p.Release()
		return h, nil, err
	}
	return h, p, nil
}
