package topology

import (
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/invariants"
)

// wantNoAllocs fails the test if f allocates. In checked builds the pool does,
// so that it proves nothing there.
func wantNoAllocs(t *testing.T, what string, f func()) {
	t.Helper()
	if invariants.Enabled {
		t.Skip("a checked build's pool allocates")
	}
	for range 2000 { // batches grow, pools fill
		f()
	}
	if n := testing.AllocsPerRun(5000, f); n != 0 {
		t.Errorf("%s: %v allocations", what, n)
	}
}

func TestEmitDoesNotAllocate(t *testing.T) {
	word, raw := []byte("abscissa"), make([]byte, 40)
	long := make([]byte, 300)
	at := time.Unix(5, 0)
	custom := []CustomTarget{{Tasks: []uint32{4, 5}, Choose: func(t *Tuple, tasks, dst []uint32) []uint32 {
		b, _ := t.Bytes(0)
		return append(dst, tasks[len(b)&1])
	}}}
	for _, tc := range []struct {
		name string
		spec OutputSpec
		emit func(c *Collector, o *Out) error
	}{
		{"a word", OutputSpec{Fields: fieldNames(1), Routed: true}, func(c *Collector, _ *Out) error { return c.Emit(StringBytes(word)) }},
		{"a keyed word", OutputSpec{Fields: fieldNames(1), KeySets: [][]int{{0}}, Routed: true}, func(c *Collector, _ *Out) error {
			return c.Emit(StringBytes(word))
		}},
		{"a keyed int", OutputSpec{Fields: fieldNames(1), KeySets: [][]int{{0}}, Routed: true}, func(c *Collector, _ *Out) error {
			return c.Emit(Int(int64(len(word))))
		}},
		{"a keyed float", OutputSpec{Fields: fieldNames(1), KeySets: [][]int{{0}}, Routed: true}, func(c *Collector, _ *Out) error {
			return c.Emit(Float(1.5))
		}},
		{"several, two keys", OutputSpec{Fields: fieldNames(5), KeySets: [][]int{{0, 1}, {4, 2}}, Routed: true}, func(c *Collector, _ *Out) error {
			return c.Emit(StringBytes(word), Bytes(raw), Float(0.5), Time(at), Int(5))
		}},
		{"a long one", OutputSpec{Fields: fieldNames(2), KeySets: [][]int{{0}, {1, 0}}, Routed: true}, func(c *Collector, _ *Out) error {
			return c.Emit(StringBytes(word), Bytes(long))
		}},
		{"a named stream", OutputSpec{Fields: fieldNames(2), Routed: true}, func(_ *Collector, o *Out) error {
			return o.Emit(Bool(true), Null())
		}},
		{"direct", OutputSpec{Fields: fieldNames(1), Direct: []uint32{3, 4}}, func(_ *Collector, o *Out) error {
			return o.EmitDirect(4, StringBytes(word))
		}},
		{"custom", OutputSpec{Fields: fieldNames(1), Custom: custom, Routed: true}, func(_ *Collector, o *Out) error {
			return o.Emit(StringBytes(word))
		}},
		{"unheard", OutputSpec{Fields: fieldNames(1)}, func(c *Collector, _ *Out) error { return c.Emit(StringBytes(word)) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.spec.Name = DefaultStream
			c := NewCollector(&drop{}, 1, 0, 0, []OutputSpec{tc.spec})
			o, err := c.Stream(DefaultStream)
			ok(t, err)
			wantNoAllocs(t, "an emit", func() {
				if err := tc.emit(c, o); err != nil {
					t.Fatal(err)
				}
			})
			ok(t, c.Flush())
		})
	}
}

func TestFlushDoesNotAllocate(t *testing.T) {
	c := NewCollector(&drop{}, 1, 0, 0, []OutputSpec{{Name: DefaultStream, Fields: fieldNames(1), Routed: true, Direct: []uint32{1, 2, 3}}})
	o, err := c.Stream(DefaultStream)
	ok(t, err)
	wantNoAllocs(t, "four emits and a flush", func() {
		_ = c.Emit(Int(1))
		for task := range uint32(3) {
			_ = o.EmitDirect(task+1, Int(1))
		}
		_ = c.Flush()
		_ = c.Age()
	})
}

func TestTupleDoesNotAllocate(t *testing.T) {
	src := &Source{Component: "a", Stream: "b", Fields: fieldNames(3)}
	sink := &record{tb: t}
	c := oneStream(sink, 3, []int{0})
	ok(t, c.Emit(String("abscissa"), Int(300), Float(1.5)))
	ok(t, c.Flush())
	raw := sink.sent[0].tuples[0]
	var tuple Tuple
	wantNoAllocs(t, "a look at a tuple", func() {
		tuple.Reset(raw, src)
		b, err := tuple.Bytes(0)
		n, err1 := tuple.Int(1)
		f, err2 := tuple.Float(2)
		_, keyed := tuple.KeyHash()
		i, err3 := tuple.Index("f1")
		if err != nil || err1 != nil || err2 != nil || err3 != nil || !keyed || len(b) != 8 || n != 300 || f != 1.5 || i != 1 || tuple.IsNull(0) {
			t.Fatal("the tuple reads differently")
		}
	})
}
