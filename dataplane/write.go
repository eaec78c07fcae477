package dataplane

import (
	"context"
	"time"

	"github.com/ardea-stream/ardea/wire"
)

// write hands bytes to the connection, which sends or keeps them all. A write
// that fails closes the connection, and closed is called before it returns.
func (lp *loop) write(l *link, b []byte) {
	if l.closing || l.conn == nil {
		return
	}
	n, err := l.conn.Write(b)
	if err == nil {
		lp.c.bytesOut += uint64(n)
	}
}

// writeFrames is write for whole frames: all at once or, in the mode for that, one by one.
func (lp *loop) writeFrames(l *link, frames []byte) {
	if !lp.m.cfg.Mode.NoGather {
		lp.write(l, frames)
		return
	}
	for len(frames) > 0 {
		h, err := wire.ParseHeader(frames)
		n := wire.HeaderSize + int(h.Length)
		if err != nil || n > len(frames) {
			n = len(frames) // cannot be: what is sent is whole frames
		}
		lp.write(l, frames[:n])
		frames = frames[n:]
	}
}

// writev is writeFrames for several slices, whose slice headers it may change.
func (lp *loop) writev(l *link, vecs [][]byte) {
	if l.closing || l.conn == nil {
		return
	}
	if len(vecs) == 1 || lp.m.cfg.Mode.NoGather {
		for _, v := range vecs {
			lp.writeFrames(l, v)
		}
		return
	}
	n, err := l.conn.Writev(vecs)
	if err == nil {
		lp.c.bytesOut += uint64(n)
	}
}

// batchAge is how long a batch waits in modes without flush on drain. Timers
// are not to be trusted with less.
const batchAge = time.Millisecond

// age posts a flush whenever batches that were begun have waited for batchAge,
// until ctx ends. It touches nothing of the loop.
func (m *Manager) age(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.loop.begun:
		}
		if !pause(ctx, batchAge) {
			return
		}
		_ = m.control.Execute(ctx, m.loop.flusher) // fails only when the engine shuts down
	}
}
