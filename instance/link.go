package instance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sendBuffer is what the task asks the kernel to hold of its batches, in
// bytes, so that a second batch can be written while the first is being read.
const sendBuffer = 1 << 20

// dialFunc connects to a stream manager's socket.
type dialFunc func(ctx context.Context, path string) (*net.UnixConn, error)

// dialUnix is the dialFunc of all instances but those of some tests.
func dialUnix(ctx context.Context, path string) (*net.UnixConn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("dial stream manager: %w", err)
	}
	return c.(*net.UnixConn), nil
}

// link is one connection to the stream manager. It belongs to the task's
// goroutine. The functions that the runtime calls with the file descriptor are
// made once, so that reading and writing allocate nothing.
type link struct {
	conn *net.UnixConn
	raw  syscall.RawConn
	born time.Time
	// calls counts system calls on the connection.
	calls int64

	rbuf     []byte
	rn       int
	rerr     error
	tryFn    func(fd uintptr)
	readFn   func(fd uintptr) bool
	wbuf     []byte
	werr     error
	writeFn  func(fd uintptr) bool
	deadline bool // a read deadline may be set
}

func newLink(conn *net.UnixConn) (*link, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("stream manager's connection: %w", err)
	}
	// The kernel's default works too, only with more waiting.
	_ = conn.SetWriteBuffer(sendBuffer)
	l := &link{conn: conn, raw: raw, born: time.Now()}
	l.tryFn = func(fd uintptr) { l.readOnce(fd) }
	l.readFn = l.readOnce
	l.writeFn = l.writeSome
	return l, nil
}

// readOnce reads what there is and reports whether that settled the matter,
// which is not so when there was nothing.
func (l *link) readOnce(fd uintptr) bool {
	for {
		l.calls++
		l.rn, l.rerr = unix.Read(int(fd), l.rbuf)
		if !errors.Is(l.rerr, unix.EINTR) {
			break
		}
	}
	return !errors.Is(l.rerr, unix.EAGAIN)
}

// try reads into p, which must not be empty, what the socket holds. It returns
// 0 and no error when that is nothing, and io.EOF when the stream manager has
// closed the connection.
func (l *link) try(p []byte) (int, error) {
	l.rbuf = p
	if err := l.raw.Control(l.tryFn); err != nil {
		return 0, err
	}
	if errors.Is(l.rerr, unix.EAGAIN) {
		return 0, nil
	}
	return l.result()
}

// read is try that waits for bytes, the end, or the deadline, which shows as
// os.ErrDeadlineExceeded.
func (l *link) read(p []byte) (int, error) {
	l.rbuf = p
	if err := l.raw.Read(l.readFn); err != nil {
		return 0, err
	}
	return l.result()
}

func (l *link) result() (int, error) {
	l.rbuf = nil
	if l.rerr != nil {
		return 0, fmt.Errorf("read from stream manager: %w", l.rerr)
	}
	if l.rn == 0 {
		return 0, io.EOF
	}
	return l.rn, nil
}

// write writes all of p, waiting while the socket takes no more.
func (l *link) write(p []byte) error {
	l.wbuf, l.werr = p, nil
	err := l.raw.Write(l.writeFn)
	if err == nil {
		err = l.werr
	}
	l.wbuf = nil
	if err != nil {
		return fmt.Errorf("write to stream manager: %w", err)
	}
	return nil
}

// writeUntil is write that does not wait past a deadline. What the socket has room for it takes however late it is: the
// runtime would not even try once the deadline is past, which a process without a processor can be at any line.
func (l *link) writeUntil(p []byte, until time.Time) error {
	l.wbuf, l.werr = p, nil
	done := false
	err := l.raw.Control(func(fd uintptr) { done = l.writeSome(fd) })
	if err == nil && done {
		err = l.werr
	}
	rest := l.wbuf
	l.wbuf = nil
	if err != nil {
		return fmt.Errorf("write to stream manager: %w", err)
	}
	if done {
		return nil
	}
	_ = l.conn.SetWriteDeadline(until)
	return l.write(rest)
}

// writeSome writes until everything is written, the socket is full, which it
// reports by false, or there is an error.
func (l *link) writeSome(fd uintptr) bool {
	for len(l.wbuf) > 0 {
		l.calls++
		n, err := unix.Write(int(fd), l.wbuf)
		switch {
		case n > 0:
			l.wbuf = l.wbuf[n:]
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return false
		default:
			l.werr = err
			return true
		}
	}
	return true
}

// arm sets the read deadline, none if until is zero. It skips the call when none was set and none is wanted.
func (l *link) arm(until time.Time) {
	if until.IsZero() && !l.deadline {
		return
	}
	// An error means that the connection is closed; the read that follows reports it.
	_ = l.conn.SetReadDeadline(until)
	l.deadline = !until.IsZero()
}

// close closes the connection. Its error tells nothing that reads and writes have not.
func (l *link) close() { _ = l.conn.Close() }
