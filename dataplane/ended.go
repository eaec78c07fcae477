package dataplane

import "github.com/ardea-stream/ardea/wire"

// Ended says that tasks of this container have ended all their streams, maybe
// under an earlier manager of the container: their consumers are told again,
// which does no harm. It waits until the manager is up.
func (m *Manager) Ended(tasks []uint32) {
	select {
	case <-m.ready:
	case <-m.done:
		return
	}
	m.post(func() {
		m.loop.busy.Enter("stream manager loop")
		defer m.loop.busy.Leave("stream manager loop")
		for _, t := range tasks {
			m.loop.repeatEndsOf(t)
		}
	})
}

// repeatEndsOf passes on the ends of all streams of a task. Only of a task of
// this container: what comes from another one stands behind its data.
func (lp *loop) repeatEndsOf(task uint32) {
	d := lp.dest(task)
	if d == nil || !d.local {
		return
	}
	var frame [wire.HeaderSize]byte // not the scratch: passEnd may send others first
	for stream := range lp.sources[task] {
		h := wire.Header{Kind: wire.KindEnd, Stream: stream, Source: task, Epoch: lp.plan.Epoch}
		d.endsOut[stream] = true
		if lp.logs != nil && lp.logs.keepEnd(h) {
			continue
		}
		h.Put(frame[:])
		lp.passEnds(h, frame[:])
	}
}
