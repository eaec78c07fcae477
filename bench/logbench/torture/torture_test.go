package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

// envChild makes the test program a child.
const envChild = "ARDEA_TORTURE_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(envChild) != "" {
		if err := Child(context.Background(), os.Args[1], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// patience is how long a run may take that ends by itself when it has seen what the test wants.
const patience = 2 * time.Minute

func tortured(t *testing.T) Config {
	t.Helper()
	t.Setenv(envChild, "1")
	return Config{Dir: t.TempDir(), Duration: patience, ChildArgs: func(spec string) []string { return []string{spec} }}
}

func TestTorture(t *testing.T) {
	leaktest.Check(t)
	c := tortured(t)
	c.enough = func(r *Report) bool { return r.Kills > 1 && r.Disk > 0 && r.OS > 0 && r.Records > 0 && r.Flips > 0 }
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var text, data bytes.Buffer
	if err := errors.Join(r.WriteText(&text), r.WriteJSON(&data)); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	if !r.OK() || !c.enough(r) || !json.Valid(data.Bytes()) {
		t.Errorf("%s", &data)
	}
	if r.Flips != r.Detected+r.Torn+r.Harmless {
		t.Errorf("%d flips: %+v", r.Flips, r)
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestPlanted has children that do what a broken log would seem to have done.
func TestPlanted(t *testing.T) {
	for plant, says := range map[string]string{
		"lost": "behind its end", "twice": "is there again", "invented": "was never appended", "changed": "was never appended", "gap": "are missing before others",
	} {
		t.Run(plant, func(t *testing.T) {
			leaktest.Check(t)
			c := tortured(t)
			c.plant, c.Seed = plant, 5
			r, err := Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if err := r.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if r.OK() || !strings.Contains(text.String(), says) || !strings.Contains(text.String(), "--seed 5") {
				t.Errorf("was not found:\n%s", &text)
			}
		})
	}
}

// TestSlow has children that take longer to acknowledge anything than they live thereafter.
func TestSlow(t *testing.T) {
	leaktest.Check(t)
	c := tortured(t)
	c.plant, c.enough = "slow", func(r *Report) bool { return r.Batches > 0 || r.Kills == 20 }
	r, err := Run(t.Context(), c)
	if err != nil || !r.OK() || r.Batches == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestMute has children that hang before they acknowledge anything.
func TestMute(t *testing.T) {
	leaktest.Check(t)
	c := tortured(t)
	c.plant, c.silence = "mute", 50*time.Millisecond
	r, err := Run(t.Context(), c)
	if err != nil || r.OK() || r.Unopened != 1 || !strings.Contains(r.Violations[0], "acknowledged nothing in 50ms") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestJudge takes what a child may say of a flip.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name string
		o    outcome
		want func(*Report) int
	}{
		{"changed", outcome{Wrong: 1}, func(r *Report) int { return r.Silent }},
		{"changed and told of others", outcome{Wrong: 1, Err: "corrupt"}, func(r *Report) int { return r.Silent }},
		{"missing", outcome{Missing: 1}, func(r *Report) int { return r.Silent }},
		{"missing and torn, but closed", outcome{Missing: 1, Torn: true, Clean: true}, func(r *Report) int { return r.Silent }},
		{"missing and torn", outcome{Missing: 1, Torn: true}, func(r *Report) int { return r.Torn }},
		{"told", outcome{Missing: 9, Err: "corrupt"}, func(r *Report) int { return r.Detected }},
		{"nothing", outcome{Torn: true}, func(r *Report) int { return r.Harmless }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := torturer{report: &Report{}}
			tr.judge(spec{Flips: []flip{{}}}, c.o)
			if c.want(tr.report) != 1 || tr.report.Flips != 1 || tr.report.OK() != (tr.report.Silent == 0) {
				t.Errorf("%+v", tr.report)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	leaktest.Check(t)
	c := tortured(t)
	c.Duration = time.Hour
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if _, err := Run(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("interrupted: %v", err)
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestGarbage(t *testing.T) {
	if _, err := Run(t.Context(), Config{Duration: -1}); err == nil {
		t.Error("a negative duration is taken")
	}
	if _, err := Run(t.Context(), Config{}); err == nil {
		t.Error("nothing to kill is taken")
	}
	if err := Child(t.Context(), "{", nil); err == nil {
		t.Error("a broken specification is taken")
	}
	for _, line := range []string{"", "1 2", "a b c d e f g\n"} {
		if a, err := hear(line); err == nil {
			t.Errorf("%q is taken for %+v", line, a)
		}
	}
}

// TestTortureWithoutRoom begins nothing on a disk that it would fill, and says what it needs.
func TestTortureWithoutRoom(t *testing.T) {
	leaktest.Check(t)
	c := tortured(t)
	for _, free := range []int64{0, Space - 1} {
		c.free = func(string) (int64, error) { return free, nil }
		r, err := Run(t.Context(), c)
		full, is := errors.AsType[*SpaceError](err)
		if !is || full.Need != Space || full.Free != free || r != nil || !strings.Contains(err.Error(), "256 MiB") {
			t.Errorf("with %d bytes free: %+v, %v", free, r, err)
		}
		if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// TestTortureSaysWhatItNeeds says it before anything else.
func TestTortureSaysWhatItNeeds(t *testing.T) {
	leaktest.Check(t)
	c := tortured(t)
	var said []string
	c.Progress = func(line string) { said = append(said, line) }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(said) == 0 || !strings.Contains(said[0], "up to 256 MiB") {
		t.Errorf("said %q", said)
	}
}
