package dlog

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

// envVictim is the folder of the store to which the test program appends until it is killed.
const envVictim = "ARDEA_DLOG_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envVictim); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func killOptions() Options {
	return Options{
		JournalFile: 64 << 10, WindowBytes: 64 << 10, SegmentBytes: 32 << 10, CheckpointBytes: 100 << 10,
	}
}

const victimLogs = 4

func victimLog(i int) string { return fmt.Sprintf("log%d", i) }

// victim appends to several logs for ever, and prints what was acknowledged.
func victim(dir string) error {
	s, _, err := Open(dir, killOptions())
	if err != nil {
		return err
	}
	failed := make(chan error)
	for i := range victimLogs {
		name := victimLog(i)
		l, err := s.Log(name)
		if errors.Is(err, ErrNotFound) {
			l, err = s.Create(name, LogOptions{})
		}
		if err != nil {
			return err
		}
		w, err := l.OpenWriter(0)
		if err != nil {
			return err
		}
		go func() { failed <- torment(w, name, i%2 == 0) }()
	}
	return <-failed
}

// torment appends to a log, of which old records are truncated, at level OS or Disk: a killed process loses neither.
func torment(w *Writer, name string, onDisk bool) error {
	info, err := w.Log().Info()
	if err != nil {
		return err
	}
	level := OS
	if onDisk {
		level = Disk
	}
	for next := info.End; ; {
		var b Batch
		for range 1 + rand.IntN(20) {
			b.Add(stamped(name, next, 0))
			next++
		}
		f, err := w.Append(&b, level)
		if err != nil {
			return err
		}
		if _, err := f.Wait(background); err != nil {
			return err
		}
		fmt.Println(name, next, w.Epoch())
		if rand.IntN(200) == 0 {
			if err := w.Flush(background); err != nil {
				return err
			}
			if err := w.Log().Truncate(next - min(next, 500)); err != nil {
				return err
			}
		}
	}
}

// TestKilledProcess kills a process that appends, at random times, again and again. What it has printed as acknowledged
// must be there.
func TestKilledProcess(t *testing.T) {
	leaktest.Check(t)
	dir, rounds := t.TempDir(), 8
	if testing.Short() {
		rounds = 3
	}
	total := uint64(0)
	for round := range rounds {
		ends, epochs := killed(t, dir, time.Duration(20+rand.IntN(200))*time.Millisecond)
		s, report, err := Open(dir, killOptions())
		if err != nil {
			t.Fatal(err)
		}
		for name, end := range ends {
			l, err := s.Log(name)
			if err != nil {
				t.Fatal(err)
			}
			info, err := l.Info()
			if err != nil || info.End < end || info.Epoch < epochs[name] {
				t.Fatalf("round %d: %s was acknowledged up to %d in epoch %d, is %+v, %v; %+v", round, name, end, epochs[name], info, err, report)
			}
			rounds, err := stamps(l, name)
			if err != nil || uint64(len(rounds)) != info.End {
				t.Fatalf("round %d: %d records can be read of %+v: %v", round, len(rounds), info, err)
			}
			total += end
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d acknowledged records found", rounds, total)
	if total == 0 {
		t.Error("nothing was acknowledged")
	}
}

// killed runs a victim for a while from its first acknowledgement on and returns what it has acknowledged.
func killed(t *testing.T, dir string, after time.Duration) (ends, epochs map[string]uint64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envVictim+"="+dir)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ends, epochs = map[string]uint64{}, map[string]uint64{}
	var timer *time.Timer
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // a line without its end does not count: it may be half a number
			break
		}
		var name string
		var end, epoch uint64
		if _, err := fmt.Sscan(line, &name, &end, &epoch); err != nil {
			t.Fatalf("the victim says %q", line)
		}
		ends[name], epochs[name] = end, epoch
		if timer == nil {
			timer = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || complaint.Len() > 0 {
		t.Fatalf("the victim was not killed: %v, %s", err, complaint.String())
	}
	return ends, epochs
}
