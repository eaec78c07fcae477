package instance

import (
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/topology"
)

// TestDeadLettersAreBounded keeps more letters than there is room for.
func TestDeadLettersAreBounded(t *testing.T) {
	var d deadLetters
	large := func() *topology.Failure {
		return &topology.Failure{
			Tries: 4, Component: "work", Task: 2, Cause: strings.Repeat("ä", 2<<10),
			Stack: strings.Repeat("s", 16<<10), Payload: make([]byte, 32<<10),
		}
	}
	fit := uint64(maxLetterBytes / (52 << 10))
	for id := range 2 * fit {
		f := large()
		if whole := d.add(id, f); whole != (id < fit) {
			t.Fatalf("letter %d is whole: %v", id, whole)
		}
		kept := d.why[id]
		if id >= fit && (kept.Stack != "" || kept.Payload != nil || kept.Cause != strings.Repeat("ä", maxShortCause/2) || kept.Tries != 4 || kept.Task != 2) {
			t.Fatalf("letter %d is %+v", id, kept)
		}
		if len(f.Payload) == 0 || len(f.Stack) == 0 {
			t.Fatal("the spout is told of less")
		}
	}
	if most := maxLetterBytes + int(fit)*maxShortCause; d.bytes > most || d.cut != int64(fit) || uint64(len(d.why)) != 2*fit {
		t.Errorf("%d bytes, %d cut, %d letters", d.bytes, d.cut, len(d.why))
	}
	d.remove(0)
	d.remove(0)
	d.remove(fit) // a short one
	if d.add(0, large()) {
		t.Error("the short letters take no room")
	}
	for id := range 2 * fit {
		d.remove(id)
	}
	if d.bytes != 0 || len(d.why) != 0 {
		t.Errorf("%d bytes in %d letters are left", d.bytes, len(d.why))
	}
	for range 2 {
		if !d.add(7, large()) || d.bytes != letterBytes(large()) {
			t.Errorf("an id that is used twice takes %d bytes", d.bytes)
		}
	}
}
