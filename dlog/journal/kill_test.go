package journal

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

// envVictim is the folder of the journal to which the test program appends until it is killed.
const envVictim = "ARDEA_JOURNAL_VICTIM"

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

func killOptions(dir string) Options { return Options{Dir: dir, FileSize: 64 << 10} }

// kept is how many files before the one that an entry is in a victim keeps.
const kept = 4

// victim appends with several goroutines for ever, releases what is old, and prints each entry that was acknowledged.
func victim(dir string) error {
	j, err := open(killOptions(dir))
	if err != nil {
		return err
	}
	next := uint64(1)
	if ids := j.ids(); len(ids) > 0 {
		next = ids[len(ids)-1] + 1
	}
	l := &ledger{next: next}
	fmt.Println("open", len(j.at))
	failed := make(chan error)
	var out sync.Mutex
	for range 8 {
		go func() {
			w, rng := NewWaiter(), rand.New(rand.NewPCG(next, 17))
			for {
				id := l.number()
				e := made(id, rng.IntN(2000))
				at, err := w.Append(j.Journal, &e, Disk)
				if err != nil {
					failed <- err
					return
				}
				if file := at.File(); file > kept {
					j.Release(position(file-kept, 0))
				}
				out.Lock()
				fmt.Println(id, uint64(at))
				out.Unlock()
			}
		}()
	}
	return <-failed
}

// TestKilledProcess kills a process that appends, at random times, again and again. What it has printed as acknowledged
// must be in the journal, unless it has been released.
func TestKilledProcess(t *testing.T) {
	leaktest.Check(t)
	dir, rounds := t.TempDir(), 12
	if testing.Short() {
		rounds = 3
	}
	total := 0
	for round := range rounds {
		acked := killed(t, dir, time.Duration(20+rand.IntN(150))*time.Millisecond)
		j := mustOpen(t, killOptions(dir))
		newest := 0
		for _, at := range acked {
			newest = max(newest, int(at.File()))
		}
		for id, at := range acked {
			there := j.at[id]
			if there != 0 && there != at || there == 0 && int(at.File()) > newest-kept { // what it did not get to print may be one file on
				t.Fatalf("round %d: entry %d was acknowledged at %v, is at %v; %+v", round, id, at, there, j.report)
			}
		}
		total += len(acked)
		j.mustClose(t)
	}
	t.Logf("%d kills, %d acknowledged entries, 0 lost", rounds, total)
	if total == 0 {
		t.Error("nothing was acknowledged")
	}
}

// killed runs a victim for a while from its first acknowledgement on and returns what it has acknowledged.
func killed(t *testing.T, dir string, after time.Duration) map[uint64]Position {
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
	acked := map[uint64]Position{}
	var timer *time.Timer
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // a line without its end does not count: it may be half a number
			break
		}
		fields := strings.Fields(line)
		if fields[0] == "open" {
			continue
		}
		id, err1 := strconv.ParseUint(fields[0], 10, 64)
		at, err2 := strconv.ParseUint(fields[1], 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("the victim says %q", line)
		}
		acked[id] = Position(at)
		if timer == nil {
			timer = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || complaint.Len() > 0 {
		t.Fatalf("the victim was not killed: %v, %s", err, complaint.String())
	}
	return acked
}
