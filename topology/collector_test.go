package topology

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/wire"
)

// sent is a batch as a sink got it.
type sent struct {
	stream uint16
	dest   uint32
	keyed  bool
	size   int
	tuples [][]byte
}

// record is a sink that keeps what it gets, or fails when err is set.
type record struct {
	tb   testing.TB
	sent []sent
	err  error
}

func (r *record) Send(stream uint16, dest uint32, keyed bool, count uint32, b *pool.Buf) error {
	defer b.Release()
	if r.err != nil {
		return r.err
	}
	body := b.B[wire.HeaderSize:]
	if n, err := wire.CheckBatch(body); err != nil || n != int(count) || n == 0 {
		r.tb.Errorf("batch of %d tuples, it is said to have %d: %v", n, count, err)
	}
	s := sent{stream: stream, dest: dest, keyed: keyed, size: len(b.B)}
	for off := 0; off < len(body); {
		tuple, end, _ := wire.NextRecord(body, off)
		s.tuples = append(s.tuples, slices.Clone(body[tuple:end]))
		off = end
	}
	r.sent = append(r.sent, s)
	return nil
}

// tuples are those sent to dest so far, in order.
func (r *record) tuples(dest uint32) []*Tuple {
	var all []*Tuple
	for _, s := range r.sent {
		if s.dest == dest {
			for _, b := range s.tuples {
				t := &Tuple{}
				t.Reset(b, &Source{})
				all = append(all, t)
			}
		}
	}
	return all
}

// checkLeak fails the test if it ends with more buffers held than it began with.
func checkLeak(t *testing.T) {
	t.Helper()
	before := pool.Outstanding()
	t.Cleanup(func() {
		t.Helper()
		if n := pool.Outstanding() - before; n != 0 && !t.Failed() {
			t.Errorf("%d buffers are held and not released", n)
		}
	})
}

func ok(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// texts are the strings that the first fields of tuples hold.
func texts(tb testing.TB, tuples []*Tuple) []string {
	tb.Helper()
	var s []string
	for _, tuple := range tuples {
		text, err := tuple.String(0)
		ok(tb, err)
		s = append(s, text)
	}
	return s
}

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

// keyHash is the hash of a key as docs/wire.md defines it.
func keyHash(seed uint64, values ...Value) uint64 {
	var b []byte
	for i := range values {
		b = wire.AppendKey(b, &values[i])
	}
	return router.Hash(seed, b)
}

// TestKeyHashes checks every way that the collector computes a hash: keys of
// one field, of fields in and out of order, of floats, of short and long
// tuples.
func TestKeyHashes(t *testing.T) {
	checkLeak(t)
	const fields, seed = 20, 77
	keys := [][]int{{0}, {3}, {1, 2, 3}, {3, 1}, {19}, {0, 19}, {17, 18}}
	for _, n := range []int{1, 2, len(keys)} {
		rapid.Check(t, func(rt *rapid.T) {
			sink := &record{tb: t}
			c := NewCollector(sink, seed, 0, 0, []OutputSpec{{Name: DefaultStream, Fields: fieldNames(fields), KeySets: keys[:n], Routed: true}})
			long := rapid.Bool().Draw(rt, "long")
			var want [][]Value
			for range 3 { // the first begins a batch, the others find one
				values := make([]Value, fields)
				for i := range values {
					switch rapid.IntRange(0, 4).Draw(rt, "type") {
					case 0:
						values[i] = Int(rapid.Int64Range(-5, 5).Draw(rt, "int"))
					case 1:
						values[i] = Float(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1.5, math.NaN()}).Draw(rt, "float"))
					case 2:
						values[i] = String(rapid.StringMatching("[a-zü]{0,5}").Draw(rt, "string"))
					case 3:
						values[i] = Bool(true)
					}
				}
				if long {
					values[5] = String(strings.Repeat("long", 50))
				}
				ok(t, c.Emit(values...))
				want = append(want, values)
			}
			ok(t, c.Flush())
			for i, tuple := range sink.tuples(0) {
				for k, key := range keys[:n] {
					var values []Value
					for _, f := range key {
						values = append(values, want[i][f])
					}
					if h, found := wire.KeyHash(tuple.Raw(), k); !found || h != keyHash(seed, values...) {
						rt.Fatalf("tuple %d, key %v: hash %#x, %v, want %#x", i, key, h, found, keyHash(seed, values...))
					}
				}
				if h, found := tuple.KeyHash(); !found || h == 0 {
					rt.Fatalf("the tuple itself says that its hash is %#x, %v", h, found)
				}
			}
		})
	}
}

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

func TestEmitDirect(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	c := NewCollector(sink, 1, 300, 300, []OutputSpec{{
		Name: DefaultStream, Fields: []string{"x"}, KeySets: [][]int{{0}}, Routed: true, Direct: []uint32{4, 5, 6},
		Custom: []CustomTarget{{Tasks: []uint32{9}, Choose: func(_ *Tuple, _, dst []uint32) []uint32 { return dst }}},
	}})
	o, err := c.Stream(DefaultStream)
	ok(t, err)
	want := map[uint32][]string{}
	for i := range 100 {
		task := uint32(4 + i%3)
		text := fmt.Sprint("to task ", task, ", number ", i)
		want[task] = append(want[task], text)
		ok(t, o.EmitDirect(task, String(text)))
	}
	for _, task := range []uint32{0, 1, 7, 9, math.MaxUint32} { // 9 is chosen by a function only
		if err := o.EmitDirect(task, String("x")); !errors.Is(err, ErrNotDirect) || !strings.Contains(err.Error(), fmt.Sprint("task ", task)) {
			t.Errorf("task %d: %v", task, err)
		}
	}
	if err := o.EmitDirect(4, Int(1), Int(2)); !errors.Is(err, ErrFields) {
		t.Errorf("two values for one field: %v", err)
	}
	ok(t, c.Flush())
	for task, w := range want {
		if got := texts(t, sink.tuples(task)); !slices.Equal(got, w) {
			t.Errorf("task %d got %q", task, got)
		}
	}
	if n := len(sink.tuples(0)); n != 0 || c.Emitted() != 100 {
		t.Errorf("%d tuples were routed, %d counted", n, c.Emitted())
	}
	for _, s := range sink.sent {
		if s.size > 300 || !s.keyed {
			t.Errorf("a batch of %d bytes, keyed %v", s.size, s.keyed)
		}
	}
}

func TestCustomGrouping(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	byLength := func(t *Tuple, tasks, dst []uint32) []uint32 {
		b, err := t.Bytes(0)
		if err != nil || len(b) == 0 {
			return dst
		}
		return append(dst, tasks[len(b)%len(tasks)])
	}
	everyone := func(_ *Tuple, tasks, _ []uint32) []uint32 { return tasks }
	c := NewCollector(sink, 1, 0, 0, []OutputSpec{{
		Name: DefaultStream, Fields: []string{"x"}, Routed: true,
		Custom: []CustomTarget{{Tasks: []uint32{4, 5}, Choose: byLength}, {Tasks: []uint32{7, 8, 9}, Choose: everyone}},
	}})
	for range 3 {
		for _, s := range []string{"", "a", "bb", "ccc"} {
			ok(t, c.Emit(String(s)))
		}
	}
	ok(t, c.Flush())
	for task, want := range map[uint32]string{4: "bb", 5: "a ccc", 7: " a bb ccc", 8: " a bb ccc", 9: " a bb ccc", 0: " a bb ccc"} {
		want = strings.Join([]string{want, want, want}, " ")
		if got := strings.Join(texts(t, sink.tuples(task)), " "); got != want {
			t.Errorf("task %d got %q, want %q", task, got, want)
		}
	}
	if c.Emitted() != 12 {
		t.Errorf("%d tuples counted, want 12", c.Emitted())
	}
}

func TestCustomGroupingThatErrs(t *testing.T) {
	checkLeak(t)
	sink := &record{tb: t}
	answer := []uint32{4}
	c := NewCollector(sink, 1, 0, 0, []OutputSpec{{
		Name: DefaultStream, Fields: []string{"x"}, Routed: true,
		Custom: []CustomTarget{{Tasks: []uint32{4, 5}, Choose: func(_ *Tuple, _, dst []uint32) []uint32 {
			if answer == nil {
				panic("user code")
			}
			return append(dst, answer...)
		}}},
	}})
	ok(t, c.Emit(String("good")))
	answer = []uint32{5, 6}
	if err := c.Emit(String("bad")); !errors.Is(err, ErrCustomTask) || !strings.Contains(err.Error(), "task 6") {
		t.Errorf("task 6: %v", err)
	}
	answer = nil
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = c.Emit(String("bad"))
	}()
	answer = []uint32{4, 4} // a task may be named twice
	ok(t, c.Emit(String("twice")))
	ok(t, c.Flush())
	if got := texts(t, sink.tuples(4)); !slices.Equal(got, []string{"good", "twice", "twice"}) {
		t.Errorf("task 4 got %q", got)
	}
	if got := texts(t, sink.tuples(0)); !slices.Equal(got, []string{"good", "twice"}) {
		t.Errorf("routed were %q", got)
	}
	if len(sink.tuples(5)) != 0 || c.Emitted() != 2 {
		t.Errorf("task 5 got %d tuples, %d are counted", len(sink.tuples(5)), c.Emitted())
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
