package topology

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

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
