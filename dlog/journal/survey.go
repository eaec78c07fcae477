package journal

import "encoding/binary"

// span is a range of offsets in a file.
type span struct{ from, to uint32 }

// survey is what all bytes of a file say when they are looked at together.
type survey struct {
	end     uint32 // where what counts ends; firstRecord if nothing does
	entries int    // that count
	bytes   int64  // of their payloads
	synced  uint32 // offset up to which the file is known to have been synced
	torn    uint32 // bytes of what was being written at the end, and did not get there
	damaged []span // before end: was synced and is not valid any more
	closed  bool   // the last record that counts is a mark
	blank   bool   // nothing seems ever to have been written behind the header

	noted  bool     // whether before is known
	before Position // where the journal ended when the first batch of this file was written
}

// survey looks at a file up to limit. It is exact if a later file notes that this one ended there: then all up to limit
// must be valid. Otherwise the first record that is not valid is the end, unless a record behind it notes that more was
// synced: then it is damage, and reading goes on behind it.
func (r *reader) survey(limit uint32, exact, zeroed bool) survey {
	s := newSurvey(limit, exact)
	r.surveyFrom(&s, firstRecord, limit, zeroed)
	return s
}

func newSurvey(limit uint32, exact bool) (s survey) {
	if exact {
		s.synced = limit
	}
	return s
}

// surveyFrom is survey for a file of which all before off was valid and was counted.
func (r *reader) surveyFrom(s *survey, off, limit uint32, zeroed bool) {
	last := uint32(0)
	for looked := false; off < limit; {
		if rec, ok := r.record(off); ok && rec.size <= limit-off {
			s.count(&rec, r.number)
			off += rec.size
			continue
		}
		if !looked {
			last, looked = r.lookAhead(s, off, limit, zeroed), true
		}
		if off >= s.synced {
			break
		}
		next := r.next(off, s.synced)
		s.damaged = append(s.damaged, span{off, next})
		off, s.closed = next, false
	}
	s.end, s.torn = off, max(min(last, limit), off)-off
	s.blank = off == firstRecord && s.torn == 0 && !s.noted
}

// count takes a record that counts.
func (s *survey) count(rec *record, number uint32) {
	s.note(rec, number)
	s.closed = rec.kind == kindMark
	if rec.kind == kindEntry {
		s.entries++
		s.bytes += int64(len(rec.Payload))
	}
}

// note takes what a record says about how far the journal was synced.
func (s *survey) note(rec *record, number uint32) {
	if rec.synced.File() == number {
		s.synced = max(s.synced, rec.synced.Offset())
	} else if !s.noted {
		s.noted, s.before = true, rec.synced
	}
}

// lookAhead takes the notes of all records from off on whose headers are valid. It returns where the last of them ends
// or, in a file whose rest was zero, the last byte that is not. It may have to look at the whole of a large file.
func (r *reader) lookAhead(s *survey, off, limit uint32, zeroed bool) uint32 {
	last := off
	if zeroed {
		limit = off + uint32(lastByte(r.data[off-r.base:limit-r.base]))
		last = limit
	}
	for at := off; at < limit; at += alignment {
		if rec, ok := r.header(at); ok {
			s.note(&rec, r.number)
			last = max(last, at+rec.size)
		}
	}
	return last
}

// lastByte returns the length of b without the zeros at its end.
func lastByte(b []byte) int {
	for len(b) >= 8 && binary.LittleEndian.Uint64(b[len(b)-8:]) == 0 {
		b = b[:len(b)-8]
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return len(b)
}

// next returns the offset behind off where the next record with a valid header stands, limit if none does before.
func (r *reader) next(off, limit uint32) uint32 {
	for at := off + alignment; at < limit; at += alignment {
		if _, ok := r.header(at); ok {
			return at
		}
	}
	return limit
}
