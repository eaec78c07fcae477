//go:build !invariants && !race

package invariants

import (
	"reflect"
	"testing"
)

func TestPlainBuildsCheckNothing(t *testing.T) {
	if Enabled {
		t.Fatal("Enabled is true in a plain build")
	}
	b := []byte("released")
	var guard Busy
	task, left := 7, uint64(9)
	allocs := testing.AllocsPerRun(100, func() {
		Check(false, "task %d has %d left", task, left)
		Mangle(b)
		guard.Enter("loop")
		guard.Enter("loop")
		guard.Leave("loop")
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
	if string(b) != "released" {
		t.Errorf("Mangle wrote %q", b)
	}
	if size := reflect.TypeFor[Busy]().Size(); size != 0 {
		t.Errorf("Busy takes %d bytes, want 0", size)
	}
}
