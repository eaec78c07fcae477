package dataplane

import (
	"log/slog"

	"github.com/panjf2000/gnet/v2"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/wire"
)

// role says who is at the other end of a link.
type role uint8

const (
	roleNew      role = iota // accepted, has not said hello
	roleInstance             // a task
	rolePeer                 // another stream manager
	roleControl              // the manager's own, carries nothing
)

// link is one connection. All of it belongs to the event loop.
type link struct {
	conn      gnet.Conn
	role      role
	dialled   bool // by this side; waits for a welcome while role is roleNew
	closing   bool // an error frame is out or the link is replaced; nothing more is read or written
	task      uint32
	container uint32
	nonce     []byte // of the hello that this side sent
	tcp       bool   // came over the network: stream managers only
	idle      int    // ticks without a byte from the other side

	// Frames that arrive in pieces: partial holds what there is of one, and
	// want how long it must be before anything can be done.
	partial *pool.Buf
	want    int

	credit  int // bytes of data frames that the other side may still send
	pending int // bytes taken since the last grant
	blocked int // destinations past the hard mark that this task feeds

	out  *outlet       // what waits to be written to this link, of a task or peer
	gone chan struct{} // of a dialled link: closed when the connection is
}

// read takes what one read of the socket gave. Whole frames are handled where
// they lie; the rest is kept until it is whole. It borrows b, and writes into
// the headers of frames that are passed on.
func (lp *loop) read(l *link, b []byte) {
	l.idle = 0
	got := uint64(len(b))
	lp.c.bytesIn += got
	for l.partial != nil && len(b) > 0 && !l.closing {
		b = lp.complete(l, b)
	}
	start := 0
	for !l.closing {
		rest := b[start:]
		if len(rest) < wire.HeaderSize {
			break
		}
		h, err := wire.ParseHeader(rest)
		if code, err := lp.admit(l, h, err); err != nil {
			lp.refuse(l, code, err)
			break
		}
		end := wire.HeaderSize + int(h.Length)
		if len(rest) < end {
			break
		}
		lp.frame(l, h, rest[:end])
		start += end
	}
	lp.flushRun()
	if l.role == rolePeer { // known by now, of the first bytes too
		lp.c.peerBytesIn += got
	}
	if l.closing {
		return
	}
	if start < len(b) {
		lp.keep(l, b[start:])
	}
	if l.pending > 0 {
		lp.grant(l)
	}
}

// keepAhead is the most that is allocated for a frame on the word of its
// header alone, in bytes. Longer ones get room as they arrive.
const keepAhead = 256 << 10

// keep copies the start of a frame that is not whole into a buffer of its own.
func (lp *loop) keep(l *link, b []byte) {
	l.want = wire.HeaderSize
	if len(b) >= wire.HeaderSize {
		h, err := wire.ParseHeader(b)
		if code, err := lp.admit(l, h, err); err != nil {
			lp.refuse(l, code, err)
			return
		}
		l.want += int(h.Length)
	}
	l.partial = pool.Get(max(len(b), min(l.want, keepAhead)))
	l.partial.B = append(l.partial.B, b...)
}

// admit says whether the body behind a header may follow at all. Before the
// handshake only small frames may, so that a stranger costs little.
func (lp *loop) admit(l *link, h wire.Header, err error) (wire.Code, error) {
	if err != nil {
		return wire.CodeMalformed, err
	}
	if l.role == roleNew && h.Kind == wire.KindData {
		return wire.CodeUnexpected, &wire.FrameError{Header: h, Err: ErrUnexpected}
	}
	return 0, nil
}

// complete adds to the partial frame from b, handles the frame if that makes
// it whole, and returns what is left of b.
func (lp *loop) complete(l *link, b []byte) []byte {
	n := min(l.want-len(l.partial.B), len(b))
	lp.extend(l, b[:n])
	b = b[n:]
	if len(l.partial.B) < l.want {
		return b
	}
	h, err := wire.ParseHeader(l.partial.B)
	if code, err := lp.admit(l, h, err); err != nil {
		lp.refuse(l, code, err)
		return nil
	}
	if l.want = wire.HeaderSize + int(h.Length); len(l.partial.B) < l.want {
		return b // it was only the header that became whole
	}
	p := l.partial
	l.partial = nil
	lp.frame(l, h, p.B)
	lp.flushRun()
	p.Release()
	return b
}

// extend appends to the partial frame, in a larger buffer where it must.
func (lp *loop) extend(l *link, b []byte) {
	p := l.partial
	if len(p.B)+len(b) > cap(p.B) {
		l.partial = pool.Get(min(max(2*cap(p.B), len(p.B)+len(b)), wire.HeaderSize+wire.MaxBody))
		l.partial.B = append(l.partial.B, p.B...)
		p.Release()
		p = l.partial
	}
	p.B = append(p.B, b...)
}

// frame handles one whole frame, which it borrows.
func (lp *loop) frame(l *link, h wire.Header, frame []byte) {
	if l.role == roleNew {
		lp.handshake(l, h, frame)
		return
	}
	if h.Epoch != lp.plan.Epoch {
		lp.refuse(l, wire.CodeEpoch, &EpochError{Have: h.Epoch, Want: lp.plan.Epoch})
		return
	}
	switch h.Kind {
	case wire.KindData:
		lp.data(l, h, frame)
	case wire.KindEnd:
		lp.end(l, h, frame)
	case wire.KindCredit:
		lp.granted(l, h)
	case wire.KindAck, wire.KindFail:
		lp.ack(l, h, frame)
	case wire.KindLost:
		lp.peerTells(l, h)
	case wire.KindClamp, wire.KindRelease:
		lp.peerLevel(l, h)
	case wire.KindPing:
		lp.pong(l, h)
	case wire.KindPong:
	case wire.KindError:
		lp.remoteError(l, frame[wire.HeaderSize:])
	default:
		lp.refuse(l, wire.CodeUnexpected, &wire.FrameError{Header: h, Err: ErrUnexpected})
	}
}

// refuse tells the other side what is wrong and closes the link.
func (lp *loop) refuse(l *link, code wire.Code, err error) {
	if l.closing {
		return
	}
	lp.c.refused[code]++
	lp.log.Warn("link refused", slog.String("code", code.String()), slog.Uint64("task", uint64(l.task)),
		slog.Uint64("container", uint64(l.container)), slog.Any("err", err))
	lp.write(l, wire.AppendError(nil, lp.plan.Epoch, code, err.Error()))
	lp.close(l)
}

// close ends a link after what was written to it. The callback that runs on
// the link, if any, must return soon after.
func (lp *loop) close(l *link) {
	if l.closing {
		return
	}
	lp.detach(l, errClosed)
	l.closing = true
	_ = lp.el.Execute(lp.ctx, lp.closer(l.conn))
}

// pong answers a ping, unless the other side asks without reading the answers.
func (lp *loop) pong(l *link, h wire.Header) {
	if l.conn.OutboundBuffered() > lp.windowOf(l)+maxUnread {
		lp.refuse(l, wire.CodeCredit, &wire.FrameError{Header: h, Err: ErrUnread})
		return
	}
	h.Kind = wire.KindPong
	lp.sendControl(l, h)
}

// maxUnread bounds the answers that wait for a side that does not read, in bytes beyond its window.
const maxUnread = 1 << 20

// remoteError notes why the other side is about to close.
func (lp *loop) remoteError(l *link, body []byte) {
	remote, err := wire.ParseError(body)
	if err != nil {
		lp.refuse(l, wire.CodeMalformed, err)
		return
	}
	lp.c.remoteErrors++
	lp.log.Warn("link refused by the other side", slog.Uint64("task", uint64(l.task)),
		slog.Uint64("container", uint64(l.container)), slog.Any("err", remote))
	lp.close(l)
}

// sendControl writes a frame that is only a header. It overtakes queued data.
func (lp *loop) sendControl(l *link, h wire.Header) {
	h.Length, h.Epoch = 0, lp.plan.Epoch
	h.Put(lp.scratch[:])
	lp.write(l, lp.scratch[:wire.HeaderSize])
}
