package wire

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/ardea-stream/ardea/wire/wirepb"
)

func TestAckSetsAreReused(t *testing.T) {
	var m wirepb.AckSet
	for _, acks := range [][]*wirepb.Ack{
		{{Root: &wirepb.Root{Task: 3, Seq: 300}, Word: 1}, {Root: &wirepb.Root{Task: 3, Seq: 301}, Word: math.MaxUint64}},
		{{Root: &wirepb.Root{Task: math.MaxUint32, Seq: math.MaxUint64}, Word: math.MaxUint64}},
		nil,
		{{Root: &wirepb.Root{}}, {}, {Root: &wirepb.Root{Seq: 1}}},
	} {
		want := &wirepb.AckSet{DestTask: 3, Acks: acks}
		if n := AckSetSize(want); n > 7+MaxSetAck*len(acks) {
			t.Errorf("%d acks take %d bytes", len(acks), n)
		}
		body := AppendAckSet(nil, want)
		var fresh wirepb.AckSet
		if err := ParseAckSet(body, &fresh); err != nil {
			t.Fatal(err)
		}
		if err := ReuseAckSet(body, &m); err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]*wirepb.AckSet{"new": &fresh, "reused": &m} {
			if got.DestTask != 3 || len(got.Acks) != len(acks) {
				t.Fatalf("%s: %d acks for task %d, want %d for 3", name, len(got.Acks), got.DestTask, len(acks))
			}
			for i, a := range got.Acks {
				w := acks[i]
				if a.GetRoot().GetTask() != w.GetRoot().GetTask() || a.GetRoot().GetSeq() != w.GetRoot().GetSeq() || a.Word != w.Word {
					t.Errorf("%s: ack %d is %v, want %v", name, i, a, w)
				}
			}
		}
	}
}

func TestAckSetsOfNewerVersionsAndGarbage(t *testing.T) {
	good := &wirepb.AckSet{DestTask: 3, Acks: []*wirepb.Ack{{Root: &wirepb.Root{Task: 3, Seq: 9}, Word: 4}}}
	_ = AckSetSize(good)
	body := AppendAckSet(nil, good)
	m := &wirepb.AckSet{}
	if err := ReuseAckSet(append(bytes.Clone(body), 0x1a, 1, 7), m); err != nil || len(m.Acks) != 1 || m.Acks[0].Word != 4 {
		t.Errorf("a field of a newer version: %v, %v", m, err)
	}
	for n := 1; n < len(body); n++ {
		fresh, reused := ParseAckSet(body[:n], &wirepb.AckSet{}), ReuseAckSet(body[:n], m)
		if (fresh == nil) != (reused == nil) || reused != nil && !errors.Is(reused, ErrAcks) {
			t.Errorf("cut to %d bytes: %v, reused %v", n, fresh, reused)
		}
	}
}

func TestReusingAnAckSetDoesNotAllocate(t *testing.T) {
	m := &wirepb.AckSet{DestTask: 3}
	for i := range 100 {
		a := AddAck(m)
		a.Root.Task, a.Root.Seq, a.Word = 3, uint64(i), ^uint64(i)
	}
	_ = AckSetSize(m)
	body := AppendAckSet(nil, m)
	if n := testing.AllocsPerRun(10, func() {
		if err := ReuseAckSet(body, m); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
