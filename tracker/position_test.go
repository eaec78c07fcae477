package tracker

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// reopened closes a position, as death does, and opens its file again.
func reopened(t *testing.T, p *Position, path string) *Position {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := OpenPosition(path)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestEndOfWhatWasEmittedOnlyRises(t *testing.T) {
	path := filepath.Join(t.TempDir(), "position")
	p, err := OpenPosition(path)
	if err != nil {
		t.Fatal(err)
	}
	if p.End() != 0 {
		t.Errorf("end is %d before anything was emitted", p.End())
	}
	for _, c := range []struct{ id, end uint64 }{{0, 1}, {0, 1}, {41, 42}, {7, 42}, {1<<64 - 1, 42}} {
		p.Reach(c.id)
		other, err := OpenPosition(path) // what somebody else sees while the writer lives
		if err != nil {
			t.Fatal(err)
		}
		if _, known := other.Get(); known || other.End() != c.end {
			t.Errorf("end is %d after %d, want %d", other.End(), c.id, c.end)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
	}
	p = reopened(t, p, path)
	if err := p.Set(40); err != nil {
		t.Fatal(err)
	}
	p = reopened(t, p, path)
	if id, known := p.Get(); id != 40 || !known || p.End() != 42 {
		t.Errorf("position %d %v, end %d", id, known, p.End())
	}
	p.Reach(42)
	if p.End() != 43 {
		t.Errorf("end is %d", p.End())
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPositionFilesOfEarlierVersions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "position")
	p, err := OpenPosition(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Set(1), p.Set(2), p.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]uint64{positionEnd: 2, positionRecord: 1, positionRecord - 1: 0, 0: 0} {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := OpenPosition(path)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if id, known := p.Get(); id != want || known != (want != 0) || p.End() != 0 {
			t.Errorf("%d bytes: position %d %v, end %d", size, id, known, p.End())
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForeignFilesStayAsTheyAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "diary")
	for _, size := range []int{positionRecord, positionEnd, positionSize, 100} {
		diary := bytes.Repeat([]byte("x"), size)
		if err := os.WriteFile(path, diary, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPosition(path); !errors.Is(err, ErrPosition) {
			t.Errorf("%d bytes: error is %v", size, err)
		}
		if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, diary) {
			t.Errorf("%d bytes: it is %q now, %v", size, b, err)
		}
	}
}
