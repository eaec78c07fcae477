package torture

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ardea-stream/ardea/bench"
)

const (
	longestLife = 300 * time.Millisecond // of a process before it is killed
	silence     = time.Minute            // after which a process that has said nothing hangs
	storeBytes  = 48 << 20               // when another store is begun
	flipBytes   = 16 << 20               // of a store whose bits are flipped, at most
	flipShare   = 4                      // one part in so many of the time is for flips
)

// torturer tortures.
type torturer struct {
	c       Config
	dir     string
	random  *rand.Rand
	report  *Report
	history *history
	cycle   uint32
	fresh   bool          // no bit was flipped in copies of the store yet: it is small enough
	flipped time.Duration // time that went into flips
}

// Run tortures stores until the time is up or a promise is broken. It needs Space bytes of room; a SpaceError says that
// there are fewer. What it has written is removed, unless it is to be
// kept or shows a violation.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Duration == 0 {
		c.Duration = DefaultDuration
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()>>1 | 1
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if c.free == nil {
		c.free = freeSpace
	}
	if c.silence == 0 {
		c.silence = silence
	}
	dir, err := os.MkdirTemp(c.Dir, "ardea-log-torture-")
	if err != nil {
		return nil, err
	}
	t := &torturer{
		c: c, dir: dir, random: rand.New(rand.NewPCG(c.Seed, 0)), report: &Report{Machine: bench.ThisMachine(), Seed: c.Seed},
	}
	if err := t.checkSpace(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	begun := time.Now()
	err = t.run(ctx, begun.Add(c.Duration))
	t.report.Seconds = time.Since(begun).Seconds()
	if c.Keep || !t.report.OK() {
		t.report.KeptIn = dir
		return t.report, err
	}
	return t.report, errors.Join(err, os.RemoveAll(dir))
}

func (t *torturer) store() string { return filepath.Join(t.dir, "store") }

func (t *torturer) run(ctx context.Context, until time.Time) error {
	begun, told := time.Now(), time.Now()
	for t.report.OK() && ctx.Err() == nil && time.Now().Before(until) && (t.c.enough == nil || !t.c.enough(t.report)) {
		if err := t.renew(); err != nil {
			return err
		}
		if err := t.killOne(ctx); err != nil {
			return err
		}
		if t.fresh || t.random.IntN(2) == 0 || !time.Now().Before(until) {
			if err := t.verify(ctx, time.Since(begun)/flipShare > t.flipped); err != nil {
				return err
			}
		}
		if time.Since(told) > 5*time.Second {
			r := t.report
			t.c.Progress(fmt.Sprintf("%d kills, %d records acknowledged, %d lost; %d flips, %d silent", r.Kills, r.Disk+r.OS, r.Lost, r.Flips, r.Silent))
			told = time.Now()
		}
	}
	if !t.report.OK() || ctx.Err() != nil {
		return ctx.Err()
	}
	return t.verify(ctx, false)
}

// renew begins another store when there is none or the one that there is has become large.
func (t *torturer) renew() error {
	n, err := folderSize(t.store())
	if err != nil || t.history != nil && n < storeBytes {
		return err
	}
	t.history, t.fresh = newHistory(t.c.Seed), true
	t.report.Stores++
	return os.RemoveAll(t.store())
}

// verify compares the store with what is known of it, and flips bits of copies of it, as it is after the kill and as it
// is after it was closed.
func (t *torturer) verify(ctx context.Context, flips bool) error {
	n, err := folderSize(t.store())
	if err != nil {
		return err
	}
	flips = flips && 0 < n && n < flipBytes // who is killed at once has made nothing
	if flips {
		if err := t.flipCopies(ctx); err != nil {
			return err
		}
	}
	if err := t.history.verify(ctx, t.store(), t.report); err != nil {
		return err
	}
	if flips && t.report.OK() {
		return t.flipCopies(ctx)
	}
	return nil
}

// child makes the command of a child.
func (t *torturer) child(ctx context.Context, s spec, complaint *strings.Builder) (*exec.Cmd, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, t.c.ChildArgs(string(text))...)
	cmd.Stderr = complaint
	return cmd, nil
}

// killOne has a process append and kills it: most often some time after its first acknowledgement, however late that
// comes, and otherwise some time after its start, when the store may not be open yet.
func (t *torturer) killOne(ctx context.Context) error {
	t.cycle++
	var complaint strings.Builder
	cmd, err := t.child(ctx, spec{Dir: t.store(), Seed: t.c.Seed, Cycle: t.cycle, Plant: t.c.plant}, &complaint)
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	life := time.Duration(t.random.Int64N(int64(longestLife)))
	limit, awaited := life, t.random.IntN(4) > 0 // whether the life begins with a first line that is to come
	if awaited {
		limit = t.c.silence
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // a line without its end does not count: it may be half a number
			break
		}
		if awaited {
			timer.Reset(life)
			awaited = false
		}
		a, err := hear(line)
		if err == nil {
			err = t.history.heard(a, t.report)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("the process says %q: %w", line, err), cmd.Process.Kill(), cmd.Wait())
		}
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if exit, is := errors.AsType[*exec.ExitError](err); !is || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.report.Unopened++
		t.report.violate("cycle %d: the process ended by itself: %v: %s", t.cycle, err, complaint.String())
		return nil
	}
	if awaited {
		t.report.Unopened++
		t.report.violate("cycle %d: the process acknowledged nothing in %v: %s", t.cycle, t.c.silence, complaint.String())
		return nil
	}
	t.report.Kills++
	return nil
}

// folderSize returns how many bytes the files below a folder have, 0 if there is none.
func folderSize(dir string) (n int64, err error) {
	err = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil && info.Mode().IsRegular() && info.Name() != reserveFile {
			n += info.Size()
		}
		return err
	})
	return n, err
}
