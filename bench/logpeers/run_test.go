package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shortDir returns an empty directory with a path that is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lp") //nolint:usetesting // the paths of t.TempDir hold the test's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// runs skips the test when e cannot run here. Only what is not part of this program may be missing.
func runs(t *testing.T, e engine) {
	t.Helper()
	if _, err := e.version(); err != nil {
		if e.name != redisEngine.name {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// TestEngines runs each engine for a moment, as its command does, and holds the line against what must be in it.
func TestEngines(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			runs(t, e)
			for _, batch := range []int{1, 7} {
				writers := 5
				if e.oneWriter {
					writers = 1
				}
				var out bytes.Buffer
				args := []string{
					"run", "--engine", e.name, "--dir", shortDir(t), "--writers", strconv.Itoa(writers),
					"--batch", strconv.Itoa(batch), "--bytes", "200", "--duration", "200ms",
				}
				if err := command(t.Context(), args, &out); err != nil {
					t.Fatalf("batch %d: %v", batch, err)
				}
				var r result
				if err := json.Unmarshal(out.Bytes(), &r); err != nil {
					t.Fatal(err)
				}
				appends := uint64(r.Append.Count)
				switch {
				case r.Engine != e.name || r.Version == "" || r.Setting == "" || r.Durability == "":
					t.Errorf("what ran is not told: %s", &out)
				case r.Writers != writers || r.Batch != batch || r.Bytes != 200:
					t.Errorf("asked for %v, told %s", args, &out)
				case appends == 0 || r.Records != appends*uint64(batch):
					t.Errorf("%d appends of %d records are told as %d records", appends, batch, r.Records)
				case r.Checked.Records != r.Records+uint64(writers*batch):
					t.Errorf("read back %d, want the %d of the run and a warm-up of %d", r.Checked.Records, r.Records, writers*batch)
				case r.Append.P50 <= 0 || r.Append.P99 < r.Append.P50 || r.Append.P999 < r.Append.P99 || r.Append.Max < r.Append.P999:
					t.Errorf("times do not grow: %+v", r.Append)
				case r.Seconds <= 0 || r.PerSecond <= 0 || r.CPU <= 0 || r.Ended != "time":
					t.Errorf("rate or cost are missing: %s", &out)
				case r.Syncs != nil && (*r.Syncs <= 0 || *r.Syncs > 4*int64(appends)+64):
					t.Errorf("%d syncs of %d appends", *r.Syncs, appends)
				case r.Syncs == nil && !strings.HasPrefix(e.name, "nats") && e.name != "redis":
					t.Error("syncs are not counted")
				}
			}
		})
	}
}

// TestRedisIsStopped sees that the process is gone after a run.
func TestRedisIsStopped(t *testing.T) {
	runs(t, redisEngine)
	s := setting{dir: shortDir(t), writers: 2, batch: 1, bytes: 100, duration: 20 * time.Millisecond}
	var started []*redisStore
	e := redisEngine
	e.open = func(s setting) (store, error) {
		st, err := redisEngine.open(s)
		if err == nil {
			started = append(started, st.(*redisStore))
		}
		return st, err
	}
	if _, err := run(t.Context(), e, s); err != nil {
		t.Fatal(err)
	}
	if len(started) != 2 {
		t.Fatalf("opened %d times, want 2", len(started))
	}
	for _, r := range started {
		if r.process.ProcessState == nil {
			t.Error("a process was not waited for")
		}
	}
	if conn, err := net.Dial("unix", filepath.Join(s.dir, redisSocket)); err == nil {
		_ = conn.Close()
		t.Error("somebody still answers on the socket")
	}
}

// TestDirMustBeEmpty also sees that what is there is left alone.
func TestDirMustBeEmpty(t *testing.T) {
	dir := shortDir(t)
	file := filepath.Join(dir, "bare")
	if err := os.WriteFile(file, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := command(t.Context(), []string{"run", "--engine", "bare", "--dir", dir}, &bytes.Buffer{})
	if !errors.Is(err, ErrDirNotEmpty) || status(err) != 2 {
		t.Errorf("error %v, status %d", err, status(err))
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file that was there is %q, %v", text, err)
	}
}

// TestInterrupted interrupts each engine in the middle of a run of a minute.
func TestInterrupted(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			runs(t, e)
			ctx, cancel := context.WithCancel(t.Context())
			closed := false
			tapped := tap(e, func(n int) {
				if n == 5 {
					cancel()
				}
			}, func() { closed = true })
			s := setting{dir: shortDir(t), writers: 1, batch: 1, bytes: 100, duration: time.Minute}
			r, err := run(ctx, tapped, s)
			if r != nil || !errors.Is(err, ErrInterrupted) || status(err) != 130 {
				t.Errorf("result %v, error %v, status %d", r, err, status(err))
			}
			if !closed {
				t.Error("the store was not closed")
			}
		})
	}
}

// TestFull ends a run early when the file is full, and still checks it.
func TestFull(t *testing.T) {
	e := bareEngine
	e.open = func(s setting) (store, error) {
		s.duration = time.Second // what is prepared is for all of it
		st, err := openBare(s)
		if err == nil {
			st.(*bare).size = 64 << 10
		}
		return st, err
	}
	r, err := run(t.Context(), e, setting{dir: shortDir(t), writers: 1, batch: 1, bytes: 1000, duration: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if r.Ended != "full" || r.Checked.Records == 0 || r.Checked.Records > 65 {
		t.Errorf("ended by %s with %d records", r.Ended, r.Checked.Records)
	}
}

func TestGarbageFlags(t *testing.T) {
	for _, args := range []string{
		"", "walk", "run", "run --engine nothing --dir d", "run --engine bare", "run --engine bare --dir d --writers 0",
		"run --engine bare --dir d --writers x", "run --engine bare --dir d --batch -1", "run --engine bare --dir d --bytes 15",
		"run --engine bare --dir d --bytes 99999999", "run --engine bare --dir d --duration 0s", "run --engine bare --dir d --duration 5",
		"run --engine bare --dir d --duration 48h", "run --engine bare --dir d --no-such", "run --engine bare --dir d more",
		"run --engine raft-wal --dir d --writers 2", "run --engine nats-atomic --dir d --batch 1001",
		"run --engine bare --dir d --writers 65536 --batch 1000000", "list more", "list --no-such",
	} {
		t.Run(args, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var out bytes.Buffer
			err := command(t.Context(), strings.Fields(args), &out)
			var wrong *SettingError
			if !errors.As(err, &wrong) || status(err) != 2 || out.Len() > 0 {
				t.Errorf("error %v, status %d, output %q", err, status(err), &out)
			}
			if _, err := os.Stat("d"); err == nil {
				t.Error("the directory was made")
			}
		})
	}
}

func TestList(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	if err := command(t.Context(), []string{"list", "--json"}, &out); err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(out.String()) {
		var l listing
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		names = append(names, l.Engine)
		if wantRuns := l.Engine != "redis"; l.Runs != wantRuns || (l.WhyNot == "") != wantRuns || l.Durability == "" {
			t.Errorf("without programs on the path: %s", line)
		}
	}
	if want := "bare pebble bbolt raft-wal nats nats-tcp nats-atomic redis"; strings.Join(names, " ") != want {
		t.Errorf("lists %v, want %s", names, want)
	}
}
