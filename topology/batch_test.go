package topology

import (
	"testing"

	"github.com/ardea-stream/ardea/wire"
)

func TestBatchSizeFollowsTheLoad(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	const least, most = 1 << 10, 8 << 10
	c := NewCollector(sink, 1, least, most, []OutputSpec{{Name: DefaultStream, Fields: []string{"x"}, Routed: true}})
	word := Bytes(make([]byte, 60))
	for range 2000 {
		ok(t, c.Emit(word))
	}
	limit := least
	for i, s := range sink.sent {
		if s.size > limit || s.size < limit-200 {
			t.Fatalf("batch %d has %d bytes, want nearly %d", i, s.size, limit)
		}
		limit = min(2*limit, most)
	}
	if limit != most {
		t.Fatalf("batches grew to %d bytes only", limit)
	}
	ok(t, c.Age()) // says nothing about the load
	sink.sent = nil
	for range 300 {
		ok(t, c.Emit(word))
	}
	if size := sink.sent[0].size; size < most-200 {
		t.Errorf("after Age a batch has %d bytes", size)
	}
	for range 10 { // the task runs dry, again and again
		ok(t, c.Emit(word))
		ok(t, c.Flush())
	}
	sink.sent = nil
	for range 300 {
		ok(t, c.Emit(word))
	}
	if size := sink.sent[0].size; size > least {
		t.Errorf("after many flushes a batch has %d bytes", size)
	}
	ok(t, c.Flush())
}

// TestBurstIsOneFrame has the task run dry after bursts of one size, with moments in
// between at which it has nothing: once batches are as large as a burst they stay so.
func TestBurstIsOneFrame(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := NewCollector(sink, 1, 1<<10, 64<<10, []OutputSpec{{Name: DefaultStream, Fields: []string{"x"}, Routed: true}})
	word := Bytes(make([]byte, 60))
	burst := func() int {
		sink.sent = nil
		for range 150 { // 10 KB
			ok(t, c.Emit(word))
		}
		ok(t, c.Flush())
		return len(sink.sent)
	}
	for range 5 {
		burst()
	}
	for range 20 {
		if n := burst(); n != 1 {
			t.Fatalf("a burst is %d frames", n)
		}
		ok(t, c.Flush())
	}
}

func TestBatchLimits(t *testing.T) {
	for _, tc := range []struct {
		name                string
		least, most         int
		wantLeast, wantMost int
	}{
		{"defaults", 0, 0, DefaultMinBatch, DefaultMaxBatch},
		{"least above most", 100 << 10, 50 << 10, 50 << 10, 50 << 10},
		{"most below the default least", 0, 1 << 10, 1 << 10, 1 << 10},
		{"more than a frame holds", 1 << 30, 1 << 30, wire.HeaderSize + wire.MaxBody, wire.HeaderSize + wire.MaxBody},
		{"negative", -5, -5, DefaultMinBatch, DefaultMaxBatch},
	} {
		c := NewCollector(&drop{}, 0, tc.least, tc.most, nil)
		if c.min != tc.wantLeast || c.max != tc.wantMost {
			t.Errorf("%s: batches of %d to %d bytes, want %d to %d", tc.name, c.min, c.max, tc.wantLeast, tc.wantMost)
		}
	}
}

func TestUnbatched(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := NewCollector(sink, 1, 1, 1, []OutputSpec{{Name: DefaultStream, Fields: []string{"x"}, Routed: true}})
	for i := range 10 {
		ok(t, c.Emit(Int(int64(i))))
	}
	ok(t, c.Flush())
	if len(sink.sent) != 10 {
		t.Errorf("10 tuples went in %d batches", len(sink.sent))
	}
}

func TestTupleLargerThanABatch(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := oneStream(sink, 1, []int{0})
	big := make([]byte, 500<<10)
	for i := range 5 {
		ok(t, c.Emit(Int(int64(i))))
		ok(t, c.Emit(Bytes(big)))
	}
	ok(t, c.Flush())
	got := sink.tuples(0)
	if len(got) != 10 {
		t.Fatalf("%d tuples", len(got))
	}
	for i, tuple := range got {
		if typ, err := tuple.Type(0); err != nil || typ != []Type{TypeInt, TypeBytes}[i%2] {
			t.Errorf("tuple %d: %v, %v", i, typ, err)
		}
	}
	for _, s := range sink.sent {
		if len(s.tuples) > 1 && s.size > DefaultMaxBatch {
			t.Errorf("%d tuples in a batch of %d bytes", len(s.tuples), s.size)
		}
	}
}
