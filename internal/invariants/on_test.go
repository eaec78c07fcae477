//go:build invariants || race

package invariants

import (
	"bytes"
	"strings"
	"testing"
)

// mustPanic runs f and checks that it panics with a message that contains want.
func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if msg, _ := recover().(string); !strings.Contains(msg, want) {
			t.Errorf("panic says %q, want %q in it", msg, want)
		}
	}()
	f()
}

func TestCheckPanicsOnlyWhenTheConditionFails(t *testing.T) {
	if !Enabled {
		t.Fatal("Enabled is false in a checked build")
	}
	Check(true, "never said")
	mustPanic(t, "head 3 is past tail 2", func() { Check(false, "head %d is past tail %d", 3, 2) })
}

func TestMangleOverwritesEveryByte(t *testing.T) {
	b := []byte("released")
	Mangle(b)
	if want := bytes.Repeat([]byte{poison}, len(b)); !bytes.Equal(b, want) {
		t.Errorf("got %x, want %x", b, want)
	}
	Mangle(nil)
}

func TestBusyRefusesASecondEntry(t *testing.T) {
	var b Busy
	for range 2 {
		b.Enter("loop")
		b.Leave("loop")
	}
	b.Enter("loop")
	second := make(chan any)
	go func() {
		defer func() { second <- recover() }()
		b.Enter("loop")
	}()
	if msg, _ := (<-second).(string); !strings.Contains(msg, "loop was entered twice") {
		t.Errorf("panic of the second goroutine says %q", msg)
	}
	b.Leave("loop")
	mustPanic(t, "loop was left without being entered", func() { b.Leave("loop") })
}
