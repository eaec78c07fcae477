package topology

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/wire"
)

func TestEmitKeepsOrderAndValues(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := oneStream(sink, 2, []int{0})
	const n = 10_000
	for i := range n {
		ok(t, c.Emit(String(fmt.Sprint("word", i)), Int(int64(i))))
	}
	ok(t, c.Flush())
	got := sink.tuples(0)
	if len(got) != n || c.Emitted() != n {
		t.Fatalf("%d tuples sent, %d counted, want %d", len(got), c.Emitted(), n)
	}
	for i, tuple := range got {
		word, err := tuple.String(0)
		ok(t, err)
		number, err := tuple.Int(1)
		ok(t, err)
		if word != fmt.Sprint("word", i) || number != int64(i) {
			t.Fatalf("tuple %d is (%q, %d)", i, word, number)
		}
	}
}

func TestTupleThatIsTooLarge(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := oneStream(sink, 1, []int{0})
	ok(t, c.Emit(String("before")))
	// Two lengths of three bytes, two tags, and the key hash come on top.
	largest := wire.MaxTuple - wire.KeyHashSize - 8
	ok(t, c.Emit(Bytes(make([]byte, largest))))
	for _, n := range []int{largest + 1, 2 * wire.MaxTuple, 20 << 20} {
		err := c.Emit(Bytes(make([]byte, n)))
		var te *TupleTooLargeError
		if !errors.As(err, &te) || te.Size < n {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	ok(t, c.Emit(String("behind")))
	ok(t, c.Flush())
	if n := len(sink.tuples(0)); n != 3 || c.Emitted() != 3 {
		t.Errorf("%d tuples sent, %d counted", n, c.Emitted())
	}
}

func TestEmitErrorsLeaveNothingBehind(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := oneStream(sink, 2, []int{1})
	good := func() error { return c.Emit(String("good"), Int(1)) }
	ok(t, good())
	for _, tc := range []struct {
		name   string
		values []Value
		want   error
		text   string
	}{
		{"too few", []Value{Int(1)}, ErrFields, "topology: number of values differs from the fields of the stream: 1 values for the 2 fields of stream default"},
		{"none", nil, ErrFields, "0 values"},
		{"too many", []Value{Int(1), Int(2), Int(3)}, ErrFields, "3 values"},
		{"no UTF-8", []Value{Int(1), String("a\xff")}, ErrInvalidUTF8, "wire: string is not valid UTF-8; send it as bytes (field 1 of stream default)"},
		{"no such time", []Value{Time(time.Time{}), Int(1)}, ErrTimeRange, "(field 0 of stream default)"},
	} {
		err := c.Emit(tc.values...)
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v", tc.name, err)
		}
		ok(t, good())
	}
	ok(t, c.Flush())
	if n := len(sink.tuples(0)); n != 6 || c.Emitted() != 6 {
		t.Errorf("%d tuples sent, %d counted, want 6", n, c.Emitted())
	}
}

func TestStreams(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := NewCollector(sink, 1, 0, 0, []OutputSpec{
		{Name: "words", Index: 3, Fields: []string{"word"}, KeySets: [][]int{{0}}, Routed: true},
		{Name: "lines", Index: 4, Fields: []string{"line"}, Routed: true},
		{Name: "unheard", Index: 5, Fields: []string{"x"}},
	})
	if err := c.Emit(String("x")); !errors.Is(err, ErrNoStream) || !strings.Contains(err.Error(), `"default"`) {
		t.Errorf("Emit without a default stream: %v", err)
	}
	if _, err := c.Stream("word"); !errors.Is(err, ErrNoStream) || !strings.Contains(err.Error(), `"word"`) {
		t.Errorf("an unknown stream: %v", err)
	}
	for _, name := range []string{"words", "lines", "unheard"} {
		o, err := c.Stream(name)
		ok(t, err)
		ok(t, o.Emit(String(name)))
		if err := o.Emit(String("\xff")); !errors.Is(err, ErrInvalidUTF8) {
			t.Errorf("%s takes what is no UTF-8: %v", name, err)
		}
	}
	if !c.Pending() {
		t.Error("nothing is pending")
	}
	ok(t, c.Flush())
	if c.Pending() {
		t.Error("something is pending after Flush")
	}
	if len(sink.sent) != 2 || sink.sent[0].stream != 3 || !sink.sent[0].keyed || sink.sent[1].stream != 4 || sink.sent[1].keyed {
		t.Errorf("sent %+v", sink.sent)
	}
	if c.Emitted() != 3 {
		t.Errorf("%d tuples counted", c.Emitted())
	}
}

func TestSinkThatStops(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t, err: ErrStopped}
	c := NewCollector(sink, 1, 200, 200, []OutputSpec{
		{Name: DefaultStream, Fields: []string{"x"}, Routed: true},
		{Name: "direct", Index: 1, Fields: []string{"x"}, Direct: []uint32{1, 2}},
	})
	d, err := c.Stream("direct")
	ok(t, err)
	for range 3 {
		failed := false
		for range 20 {
			if err := c.Emit(String("some text")); err != nil {
				failed = true
				if !errors.Is(err, ErrStopped) {
					t.Fatal(err)
				}
			}
		}
		if !failed {
			t.Error("Emit never failed")
		}
		ok(t, d.EmitDirect(1, Int(1)))
		ok(t, d.EmitDirect(2, Int(2)))
		if err := c.Flush(); !errors.Is(err, ErrStopped) {
			t.Errorf("Flush: %v", err)
		}
		if c.Pending() {
			t.Error("batches stay behind")
		}
	}
	sink.err = nil
	ok(t, c.Emit(String("again")))
	ok(t, c.Flush())
	if got := texts(t, sink.tuples(0)); !slices.Equal(got, []string{"again"}) {
		t.Errorf("got %q", got)
	}
}

// TestBorrowedBytesAreCopied changes a slice as soon as Emit returns.
func TestBorrowedBytesAreCopied(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := oneStream(sink, 1, []int{0})
	b := []byte("aaaaaaaa")
	var want []string
	for i := range 10 {
		for j := range b {
			b[j] = byte('a' + i)
		}
		want = append(want, string(b))
		ok(t, c.Emit(StringBytes(b)))
	}
	clear(b)
	ok(t, c.Flush())
	if got := texts(t, sink.tuples(0)); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestStreamWithoutFields(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := oneStream(sink, 0)
	for range 5 {
		ok(t, c.Emit())
	}
	ok(t, c.Flush())
	if got := sink.tuples(0); len(got) != 5 || got[4].Len() != 0 {
		t.Errorf("%d tuples", len(got))
	}
}
