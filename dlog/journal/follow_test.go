package journal

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// followed is a function that follows entries.
type followed func(Position, Level, error)

func (f followed) Reached(at Position, level Level, err error) { f(at, level, err) }

// follow follows an entry, and wakes the writer if need be.
func (p *opened) follow(e *Entry, level Level, f followed) error {
	wake, err := p.Follow(e, Checksum(e.Payload), level, f)
	if wake {
		p.Wake()
	}
	return err
}

// TestFollow checks that who follows an entry hears of its level and of Disk, in order, and Told after both.
func TestFollow(t *testing.T) {
	leaktest.Check(t)
	var heard []Level
	told := make(chan int, 10)
	o := small(disktest.New())
	o.Hooks.Told = func() { told <- len(heard) }
	j := mustOpen(t, o)
	for level, want := range map[Level][]Level{Memory: {Disk}, OS: {OS, Disk}, Disk: {Disk}} {
		e := made(1, 10)
		heard = nil
		if err := j.follow(&e, level, func(_ Position, level Level, err error) {
			if err != nil {
				t.Error(err)
			}
			heard = append(heard, level)
		}); err != nil {
			t.Fatal(err)
		}
		if n := <-told; n != len(want) || !slices.Equal(heard, want) {
			t.Errorf("level %d: told after %d of the levels %v", level, n, heard)
		}
	}
	j.mustClose(t)
}

// TestNobodyAppendsBeforeFailuresAreTold lets a follower that is told of a full disk append: it must be refused, since
// others that have failed do not know it yet. What is appended when all know must work once there is room.
func TestNobodyAppendsBeforeFailuresAreTold(t *testing.T) {
	leaktest.Check(t)
	fs, told := disktest.New(), make(chan struct{}, 10)
	o := small(fs)
	o.Hooks.Told = func() { told <- struct{}{} }
	j := mustOpen(t, o)
	j.fill(t, 1, 2)
	<-told
	fs.Fail(disktest.Fault{Kind: disktest.OpWrite, K: 1, On: true, Err: syscall.ENOSPC}) // also of files that are made ahead
	e, calls := made(2, 10), 0
	if err := j.follow(&e, Disk, func(_ Position, _ Level, err error) {
		calls++
		if !errors.Is(err, ErrFull) {
			t.Errorf("the entry that failed: %v", err)
		}
		again := made(3, 10)
		if err := j.follow(&again, Disk, func(Position, Level, error) { t.Error("appended while failures are told") }); !errors.Is(err, ErrTelling) {
			t.Errorf("an append meanwhile: %v", err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	<-told
	if calls != 1 {
		t.Errorf("told %d times", calls)
	}
	fs.Heal()
	j.fill(t, 4, 5)
	j.mustClose(t)
	j = mustOpen(t, small(fs))
	if got := j.ids(); !slices.Equal(got, []uint64{1, 4}) {
		t.Errorf("entries %v are there", got)
	}
	j.mustClose(t)
}
