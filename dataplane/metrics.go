package dataplane

import "github.com/ardea-stream/ardea/wire"

// counters are the loop's own figures.
type counters struct {
	tuples, framesIn, framesOut uint64
	bytesIn, bytesOut           uint64
	peerBytesIn                 uint64
	dropped, clamps             uint64
	linksLost, remoteErrors     uint64
	acksForwarded, acksDropped  uint64
	losses                      uint64
	queuePeak                   int
	refused                     [16]uint64 // by wire.Code
}

// Metrics are the figures of a stream manager since its start. Counters never fall.
type Metrics struct {
	Tuples       uint64 `json:"tuples"`           // tuples in data frames taken
	FramesIn     uint64 `json:"frames_in"`        // data frames taken
	FramesOut    uint64 `json:"frames_out"`       // data frames or batches of frames passed on
	BytesIn      uint64 `json:"bytes_in"`         // bytes read from all links
	BytesOut     uint64 `json:"bytes_out"`        // bytes written to all links
	PeerBytesIn  uint64 `json:"peer_bytes_in"`    // of BytesIn, those from other stream managers; the others are from tasks
	Dropped      uint64 `json:"dropped"`          // tuples dropped because their task's link was lost
	Clamps       uint64 `json:"clamps"`           // clamp and release frames sent to spouts
	LinksLost    uint64 `json:"links_lost"`       // links that broke before their task had ended
	RemoteErrors uint64 `json:"remote_errors"`    // error frames received
	QueueBytes   int    `json:"queue_bytes"`      // waiting for tasks and peers, now
	QueuePeak    int    `json:"queue_peak_bytes"` // most that ever waited for one of them
	Links        int    `json:"links"`            // connections now
	Clamped      int    `json:"clamped"`          // destinations past the high mark or without a link now, anywhere

	// Where tuples are tracked, acks and failures written to a spout's link or
	// towards its container, and those dropped because there was no link or
	// nobody who read it.
	AcksForwarded uint64 `json:"acks_forwarded"`
	AcksDropped   uint64 `json:"acks_dropped"`
	Losses        uint64 `json:"losses"`        // frames sent that say that something may be lost
	TrackedRoots  int    `json:"tracked_roots"` // in the modes that decode, tuples of local spouts that are tracked here now

	// Of durable streams: tuples that are on disk, and bytes of them; tuples that the
	// log has refused, and why the last of them were; and bytes of frames that it does not have yet, now.
	LogTuples uint64 `json:"log_tuples,omitempty"`
	LogBytes  uint64 `json:"log_bytes,omitempty"`
	LogFailed uint64 `json:"log_failed,omitempty"`
	LogHeld   int    `json:"log_held_bytes,omitempty"`
	LogError  string `json:"log_error,omitempty"`

	// Refused counts links closed with an error, by the name of the code.
	Refused map[string]uint64 `json:"refused"`
}

// snapshot copies the figures.
func (lp *loop) snapshot() *Metrics {
	c := &lp.c
	s := &Metrics{
		Tuples: c.tuples, FramesIn: c.framesIn, FramesOut: c.framesOut, BytesIn: c.bytesIn, BytesOut: c.bytesOut, PeerBytesIn: c.peerBytesIn,
		Dropped: c.dropped, Clamps: c.clamps, LinksLost: c.linksLost, RemoteErrors: c.remoteErrors,
		AcksForwarded: c.acksForwarded, AcksDropped: c.acksDropped, Losses: c.losses, TrackedRoots: lp.fwd.tracked(),
		QueuePeak: c.queuePeak, Links: len(lp.links), Refused: map[string]uint64{},
	}
	if lp.logs != nil {
		lp.logs.fill(s)
	}
	for code, n := range c.refused {
		if n > 0 {
			s.Refused[wire.Code(code).String()] = n
		}
	}
	for _, d := range lp.dests {
		if d == nil {
			continue
		}
		if d.level > levelFree {
			s.Clamped++
		}
		if d.local {
			s.QueueBytes += d.out.queue.Len()
		}
	}
	for _, p := range lp.peers {
		s.QueueBytes += p.queue.Len()
	}
	return s
}
