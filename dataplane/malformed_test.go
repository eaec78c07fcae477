package dataplane

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/wire"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// keyOnly is the record of a tuple that has a key hash and nothing else.
var keyOnly = []byte{0x0a, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8}

// malformed lists bodies that are no batch of 2 tuples with a key hash. Those
// that optimized forwards all the same, since it looks into no tuple, are deep.
var malformed = []struct {
	name string
	body []byte
	want error
	deep bool
}{
	{"a record too few", keyOnly, wire.ErrCount, false},
	{"a record too many", bytes.Repeat(keyOnly, 3), wire.ErrCount, false},
	{"nothing", nil, wire.ErrCount, false},
	{"another field", behindKeyOnly(0x12, 0), wire.ErrRecord, false},
	{"a record cut short", behindKeyOnly(0x0a, 1), wire.ErrRecord, false},
	{"a length without end", behindKeyOnly(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), wire.ErrRecord, false},
	{"a tuple beyond the limit", behindKeyOnly(append([]byte{0x0a, 0x81, 0x80, 0x40}, make([]byte, 1<<20+1)...)...), wire.ErrRecord, false},
	{"a tag alone", behindKeyOnly(0x0a), wire.ErrRecord, false},
	{"no key hash", behindKeyOnly(0x0a, 2, 0x22, 0), wire.ErrNoKeyHash, false},
	{"a field cut short", behindKeyOnly(0x0a, 11, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0x22, 5), wire.ErrRecord, true},
	{"a string that is not UTF-8", behindKeyOnly(0x0a, 14, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0x22, 3, 0x1a, 1, 0xff), wire.ErrRecord, true},
}

func behindKeyOnly(b ...byte) []byte { return append(slices.Clip(keyOnly), b...) }

func TestMalformedBatches(t *testing.T) {
	for _, mode := range slices.Concat(allModes, hashedModes) {
		for _, c := range malformed {
			t.Run(mode+"/"+c.name, func(t *testing.T) {
				p := splitPlan(t, 2, 1)
				lp := offline(t, p, 1, mode)
				h := wire.Header{Kind: wire.KindData, Source: 1, Count: 2, Epoch: p.Epoch, Length: uint32(len(c.body))}
				frame := append(wire.AppendHeader(nil, h), c.body...)
				err := lp.fwd.route(h, frame)
				blind := c.deep && lp.m.cfg.Mode.Optimized
				if !blind && !errors.Is(err, c.want) {
					t.Errorf("route returns %v, want %v", err, c.want)
				}
				if !errors.Is(c.want, wire.ErrNoKeyHash) {
					err = lp.fwd.deliver(h, frame, lp.dests[2], false)
					if !blind && !errors.Is(err, c.want) {
						t.Errorf("deliver returns %v, want %v", err, c.want)
					}
				}
				lp.flushRun()
				lp.fwd.flush()
				if lp.m.cfg.Mode.Optimized {
					return // has sent what stood before the fault
				}
				if n := lp.dests[2].out.queue.Len() + lp.dests[3].out.queue.Len(); n != 0 {
					t.Errorf("%d bytes of it were sent", n)
				}
				feed(lp, roleInstance, 1, encodeFrame(p, 0, 1, 0, plainTuple(0, "a"), plainTuple(1<<63, "b")))
				lp.fwd.flush()
				if a, b := items(t, 2, queued(lp.dests[2].out), false), items(t, 3, queued(lp.dests[3].out), false); len(a) != 1 || len(b) != 1 {
					t.Errorf("behind it tasks got %d and %d tuples, want 1 and 1", len(a), len(b))
				}
			})
		}
	}
}

func TestMalformedBatchesOfPeers(t *testing.T) {
	envelope := func(dest uint32, batch []byte) []byte {
		e := &wirepb.Envelope{DestTask: dest, Batch: batch}
		_ = wire.EnvelopeSize(e)
		return wire.AppendEnvelope(nil, e)
	}
	for _, mode := range allModes {
		md, _ := ParseMode(mode)
		if md.Optimized {
			continue
		}
		cases := []struct {
			name string
			body []byte
			want error
		}{
			{"no envelope but a batch", []byte{0x0a, 0, 0x0a, 0}, ErrDest},
			{"empty", nil, ErrDest},
			{"other destination", envelope(2, []byte{0x0a, 0, 0x0a, 0}), ErrDest},
			{"envelope cut short", envelope(3, []byte{0x0a, 0, 0x0a, 0})[:5], wire.ErrRecord},
			{"field of a newer version", append([]byte{0x1a, 1, 7}, envelope(3, []byte{0x0a, 0, 0x0a, 0})...), nil},
		}
		for _, c := range malformed {
			want := c.want
			if errors.Is(want, wire.ErrNoKeyHash) || c.deep && md.Lazy {
				want = nil // of no concern to who does not route or does not look
			}
			cases = append(cases, struct {
				name string
				body []byte
				want error
			}{c.name, envelope(3, c.body), want})
		}
		for _, c := range cases {
			t.Run(mode+"/"+c.name, func(t *testing.T) {
				p := splitPlan(t, 2, 2) // tasks 1 and 3 in container 1, task 2 in container 2
				lp := offline(t, p, 1, mode)
				d := lp.dests[3]
				h := wire.Header{Kind: wire.KindData, Source: 1, Dest: 3, Count: 2, Epoch: p.Epoch, Length: uint32(len(c.body))}
				err := lp.fwd.deliver(h, append(wire.AppendHeader(nil, h), c.body...), d, true)
				if !errors.Is(err, c.want) {
					t.Errorf("deliver returns %v, want %v", err, c.want)
				}
				lp.fwd.flush()
				if sent := d.out.queue.Len() > 0; sent != (c.want == nil) {
					t.Errorf("%d bytes were sent", d.out.queue.Len())
				}
				queued(d.out)
				good := encodeFrame(p, 0, 1, 3, plainTuple(1, "a"), plainTuple(2, "b"))
				hg, _ := wire.ParseHeader(good)
				if err := lp.fwd.deliver(hg, append(good[:wire.HeaderSize:wire.HeaderSize], envelope(3, good[wire.HeaderSize:])...), d, true); err != nil {
					t.Fatal(err)
				}
				lp.fwd.settle(d)
				if got, want := items(t, 3, queued(d.out), md.Unbatched), items(t, 3, good, false); !slices.Equal(got, want) {
					t.Errorf("behind it came %v, want %v", got, want)
				}
			})
		}
	}
}
