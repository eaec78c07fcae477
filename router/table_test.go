package router

import (
	"fmt"
	"slices"
	"testing"
)

func tasks(first uint32, n int) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = first + uint32(i)
	}
	return ids
}

func TestNewConsumer(t *testing.T) {
	even := func(task uint32) bool { return task%2 == 0 }
	c := NewConsumer(Fields, 2, tasks(5, 4), even)
	if c.Grouping != Fields || c.KeyIndex != 2 || !slices.Equal(c.Local, []bool{false, true, false, true}) {
		t.Errorf("got %+v", c)
	}
	if c.Owners == nil || c.Owners.Of(0) != 0 || c.Owners.Of(1<<64-1) != 3 {
		t.Error("the key groups are not divided among 4 tasks")
	}
	for g := range groupingLimit {
		if c := NewConsumer(g, 0, tasks(1, 2), even); (c.Owners != nil) != (g == Fields) {
			t.Errorf("%v has owners: %v", g, c.Owners != nil)
		}
	}
}

func TestTable(t *testing.T) {
	c := NewConsumer(All, 0, tasks(1, 2), func(uint32) bool { return true })
	table := Table{nil, {c}}
	for _, tc := range []struct {
		stream uint16
		n      int
		known  bool
	}{{0, 0, true}, {1, 1, true}, {2, 0, false}, {65535, 0, false}} {
		got, known := table.Consumers(tc.stream)
		if len(got) != tc.n || known != tc.known {
			t.Errorf("stream %d: %d consumers, known %v", tc.stream, len(got), known)
		}
	}
}

func TestGroupings(t *testing.T) {
	for _, tc := range []struct {
		g                   Grouping
		name                string
		addressed, perBatch bool
	}{
		{Shuffle, "shuffle", false, true},
		{LocalShuffle, "local-shuffle", false, true},
		{Fields, "fields", false, false},
		{All, "all", false, true},
		{Global, "global", false, true},
		{Direct, "direct", true, true},
		{None, "none", false, true},
		{Custom, "custom", true, true},
	} {
		if tc.g.String() != tc.name || tc.g.Addressed() != tc.addressed || tc.g.PerBatch() != tc.perBatch || !tc.g.Valid() {
			t.Errorf("%s: %v, addressed %v, per batch %v, valid %v", tc.name, tc.g, tc.g.Addressed(), tc.g.PerBatch(), tc.g.Valid())
		}
	}
	if g := groupingLimit; g.Valid() || g.String() != "grouping(8)" {
		t.Errorf("%v is valid: %v", g, g.Valid())
	}
}

// TestBalance gives the loads of all tasks before every pick, and what is picked.
func TestBalance(t *testing.T) {
	type turn struct {
		load []int
		want int
	}
	for _, tc := range []struct {
		name  string
		g     Grouping
		local []bool
		turns []turn
	}{
		{"one task", Shuffle, []bool{true}, []turn{{[]int{9}, 0}, {[]int{0}, 0}}},
		{
			"equals take turns", Shuffle,
			[]bool{true, false, false},
			[]turn{{[]int{0, 0, 0}, 0}, {[]int{0, 0, 0}, 1}, {[]int{0, 0, 0}, 2}, {[]int{0, 0, 0}, 0}},
		},
		{
			"equally busy ones do too", Shuffle,
			[]bool{true, false, false},
			[]turn{{[]int{5, 5, 5}, 0}, {[]int{5, 5, 5}, 1}, {[]int{5, 5, 5}, 2}, {[]int{5, 5, 5}, 0}},
		},
		{
			"least loaded", Shuffle,
			[]bool{true, false, false},
			[]turn{{[]int{5, 3, 4}, 1}, {[]int{5, 3, 4}, 1}, {[]int{1, 3, 4}, 0}, {[]int{9, 9, 1}, 2}},
		},
		{
			"the turn goes on behind the one picked", Shuffle,
			[]bool{true, false, false},
			[]turn{{[]int{5, 0, 0}, 1}, {[]int{0, 0, 0}, 2}, {[]int{0, 0, 0}, 0}},
		},
		{
			"none is shuffle", None,
			[]bool{true, false},
			[]turn{{[]int{7, 2}, 1}, {[]int{1, 2}, 0}},
		},
		{
			"local ones while they have room", LocalShuffle,
			[]bool{false, true, false, true},
			[]turn{{[]int{0, 50, 0, 99}, 1}, {[]int{0, 50, 0, 10}, 3}, {[]int{0, 0, 0, 0}, 1}, {[]int{0, 0, 0, 0}, 3}},
		},
		{
			"the last local one with room", LocalShuffle,
			[]bool{false, true, false, true},
			[]turn{{[]int{0, 100, 0, 99}, 3}},
		},
		{
			"all alike when no local one has room", LocalShuffle,
			[]bool{false, true, false, true},
			[]turn{{[]int{120, 100, 130, 110}, 1}, {[]int{20, 100, 30, 110}, 0}, {[]int{0, 100, 0, 100}, 2}},
		},
		{
			"no local one at all", LocalShuffle,
			[]bool{false, false},
			[]turn{{[]int{3, 2}, 1}, {[]int{0, 0}, 0}, {[]int{0, 0}, 1}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := NewConsumer(tc.g, 0, tasks(10, len(tc.local)), func(task uint32) bool { return tc.local[task-10] })
			var b Balance
			for i, turn := range tc.turns {
				load := func(task uint32) int { return turn.load[task-10] }
				if got := b.Pick(c, load, 100); got != turn.want {
					t.Errorf("turn %d, loads %v: task %d, want %d", i, turn.load, got, turn.want)
				}
			}
		})
	}
}

// TestBalanceLevels feeds tasks of different speed: what is queued stays level.
func TestBalanceLevels(t *testing.T) {
	speed := []int{1, 2, 3, 10}
	c := NewConsumer(Shuffle, 0, tasks(1, len(speed)), func(uint32) bool { return true })
	queued := make([]int, len(speed))
	taken := make([]int, len(speed))
	var b Balance
	for range 10_000 {
		for range 4 { // four units come in a round, sixteen could leave
			i := b.Pick(c, func(task uint32) int { return queued[task-1] }, 0)
			queued[i] += 4
			taken[i] += 4
		}
		for i := range queued {
			queued[i] = max(0, queued[i]-speed[i])
		}
	}
	for i, n := range queued {
		if n > 16 {
			t.Errorf("task %d has %d queued", i, n)
		}
	}
	if !slices.IsSorted(taken) {
		t.Errorf("tasks of speeds %v took %v", speed, taken)
	}
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{2, 16, 256} {
		b.Run(fmt.Sprintf("tasks=%d", n), func(b *testing.B) {
			c := NewConsumer(Shuffle, 0, tasks(1, n), func(uint32) bool { return true })
			var bal Balance
			b.ReportAllocs()
			for b.Loop() {
				bal.Pick(c, func(task uint32) int { return int(task) }, 0)
			}
		})
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	c := NewConsumer(Shuffle, 0, tasks(1, 5), func(uint32) bool { return true })
	var b Balance
	load := func(task uint32) int { return int(task) }
	if n := testing.AllocsPerRun(100, func() { b.Pick(c, load, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
