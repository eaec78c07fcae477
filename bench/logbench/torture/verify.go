package torture

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/ardea-stream/ardea/dlog"
)

// history is what is known of a store from outside.
type history struct {
	seed uint64
	acks [logs]map[uint64]ack       // by the offset of their first record
	seen [logs]uint64               // end of the log, when it was verified last
	sums [logs]uint32               // checksum of the records up to there
	next [logs]map[[2]uint32]uint64 // number of the next record, by cycle and writer, in this verification
}

func newHistory(seed uint64) *history {
	h := &history{seed: seed}
	for i := range logs {
		h.acks[i] = map[uint64]ack{}
	}
	return h
}

// verify opens the store and compares all that it holds with what was acknowledged.
func (h *history) verify(ctx context.Context, dir string, r *Report) error {
	s, _, err := dlog.Open(dir, options())
	if err != nil {
		r.Unopened++
		r.violate("the store does not open: %v", err)
		return nil
	}
	for i := range logs {
		l, err := s.Log(logName(i))
		if errors.Is(err, dlog.ErrNotFound) && len(h.acks[i]) == 0 {
			continue
		}
		if err == nil {
			err = h.verifyLog(ctx, i, l, r)
		}
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			r.Unopened++
			r.violate("%s cannot be read: %v", logName(i), err)
		}
	}
	if err := s.Close(); err != nil {
		r.Unopened++
		r.violate("the store does not close: %v", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.Verified++
	return nil
}

func (h *history) verifyLog(ctx context.Context, i int, l *dlog.Log, r *Report) error {
	reader, err := l.NewReader(dlog.First, dlog.ReadOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	h.next[i] = map[[2]uint32]uint64{}
	sum, end, found := uint32(0), uint64(0), 0
	cycle := uint32(0)
	var scratch []byte
	for {
		records, err := reader.TryNext(ctx)
		if errors.Is(err, dlog.ErrEnd) {
			break
		}
		if err != nil {
			return err
		}
		for offset, record := range records.All() {
			if offset != end {
				r.OutOfOrder++
				r.violate("%s: offset %d where %d should be", l.Name(), offset, end)
			}
			if offset == h.seen[i] && sum != h.sums[i] {
				r.OutOfOrder++
				r.violate("%s: the records before %d are not those that were there", l.Name(), offset)
			}
			end = offset + 1
			sum = crc32.Update(sum, crc32.IEEETable, record)
			s, ok := parse(record, h.seed, &scratch)
			if !ok || int(s.Log) != i || s.Writer >= writers {
				r.Invented++
				r.violate("%s: record %d of %d bytes was never appended", l.Name(), offset, len(record))
				continue
			}
			h.place(i, s, cycle, l.Name(), r)
			cycle = max(cycle, s.Cycle)
			if a, is := h.acks[i][offset]; is {
				found++
				if a.stamp != s {
					r.OutOfOrder++
					r.violate("%s: record %d is %+v, acknowledged was %+v", l.Name(), offset, s, a.stamp)
				}
			}
		}
	}
	h.compare(i, end, found, l.Name(), r)
	r.Records += end - min(end, h.seen[i])
	h.seen[i], h.sums[i] = end, sum
	return nil
}

// place checks that a record is the next of its writer.
func (h *history) place(i int, s stamp, cycle uint32, name string, r *Report) {
	key := [2]uint32{s.Cycle, uint32(s.Writer)}
	want := h.next[i][key]
	switch {
	case s.Number < want:
		r.Twice++
		r.violate("%s: %+v is there again", name, s)
		return
	case s.Number > want:
		r.Lost += s.Number - want
		r.violate("%s: of cycle %d and writer %d the records %d to %d are missing before others", name, s.Cycle, s.Writer, want, s.Number-1)
	case s.Cycle < cycle:
		r.OutOfOrder++
		r.violate("%s: %+v stands behind a record of cycle %d", name, s, cycle)
	}
	h.next[i][key] = s.Number + 1
}

// compare compares the end of a log with what was acknowledged and what was there before.
func (h *history) compare(i int, end uint64, found int, name string, r *Report) {
	if end < h.seen[i] {
		r.Lost += h.seen[i] - end
		r.violate("%s: ends at %d, was verified up to %d", name, end, h.seen[i])
	}
	missing := 0
	for first, a := range h.acks[i] {
		if first+uint64(a.Count) > end {
			r.Lost += first + uint64(a.Count) - max(first, end)
			missing++
		}
	}
	if missing > 0 {
		r.violate("%s: %d acknowledged batches are behind its end at %d", name, missing, end)
	}
	if missing == 0 && found != len(h.acks[i]) {
		r.violate("%s: %d of %d acknowledged batches are found", name, found, len(h.acks[i]))
	}
}

// heard notes an acknowledgement.
func (h *history) heard(a ack, r *Report) error {
	if a.Log >= logs {
		return fmt.Errorf("an acknowledgement of log %d", a.Log)
	}
	h.acks[a.Log][a.First] = a
	r.Batches++
	if a.Level == dlog.Disk {
		r.Disk += uint64(a.Count)
	} else {
		r.OS += uint64(a.Count)
	}
	return nil
}
