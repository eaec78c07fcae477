package instance

import (
	"strings"

	"github.com/ardea-stream/ardea/topology"
)

const (
	// maxLetterBytes bounds the texts and payloads of the dead letters of a spout
	// task that have not been acked. Letters beyond it go without payload and stack.
	maxLetterBytes = 16 << 20
	// maxShortCause bounds the cause of such a letter, in bytes.
	maxShortCause = 256
)

// deadLetters are the letters of a spout that have not been acked: why their
// tuples were given up, by id. The zero value is empty.
type deadLetters struct {
	why   map[uint64]*topology.Failure
	bytes int   // of texts and payloads that are kept
	cut   int64 // letters that went without payload and stack
}

func letterBytes(f *topology.Failure) int { return len(f.Cause) + len(f.Stack) + len(f.Payload) }

// add keeps why a tuple is given up. It reports false if it keeps it without
// payload and stack, and with the beginning of the cause, for lack of room.
func (d *deadLetters) add(id uint64, f *topology.Failure) (whole bool) {
	d.remove(id) // the spout has used the id twice
	if d.why == nil {
		d.why = map[uint64]*topology.Failure{}
	}
	whole = d.bytes+letterBytes(f) <= maxLetterBytes
	if !whole {
		short := *f
		short.Stack, short.Payload = "", nil
		short.Cause = strings.Clone(strings.ToValidUTF8(f.Cause[:min(len(f.Cause), maxShortCause)], ""))
		f = &short
		d.cut++
	}
	d.bytes += letterBytes(f)
	d.why[id] = f
	return whole
}

// remove forgets a letter that is done.
func (d *deadLetters) remove(id uint64) {
	if f := d.why[id]; f != nil {
		d.bytes -= letterBytes(f)
		delete(d.why, id)
	}
}
