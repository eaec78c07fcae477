package bare_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ardea-stream/ardea/bench/logbench/bare"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestLoop(t *testing.T) {
	leaktest.Check(t)
	path := filepath.Join(t.TempDir(), "bare")
	l, err := bare.Open(path, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 20 {
		a := l.Appender()
		all.Go(func() {
			for range 50 { // more than the file holds
				if err := a.Append([]byte("a record of the loop"), 3); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if did, err := l.Close(); did.Appends != 1000 || did.Rounds == 0 || did.Sync == 0 || err != nil {
		t.Errorf("%+v, %v", did, err)
	}
	if _, err := bare.Open(path, 64<<10); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
}

func TestChangedFile(t *testing.T) {
	leaktest.Check(t)
	path := filepath.Join(t.TempDir(), "bare")
	l, err := bare.Open(path, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Appender().Append([]byte("a record"), 1); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{'A'}, 8); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Close(); !errors.Is(err, bare.ErrChanged) {
		t.Errorf("a changed file: %v", err)
	}
}
