package deliver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

const (
	envOptions = "ARDEA_DELIVER_OPTIONS" // of the topology, for child processes
	patience   = 30 * time.Second
)

func TestMain(m *testing.M) {
	if !local.InChild() {
		os.Exit(m.Run())
	}
	var o Options
	err := json.Unmarshal([]byte(os.Getenv(envOptions)), &o)
	if err == nil {
		err = child(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(o Options) error {
	t, err := Topology(o)
	if err != nil {
		return err
	}
	return local.RunChild(context.Background(), t)
}

// writeInput writes a file with so many lines and returns the output that is
// expected of it, by offset, for lines that contain a 7.
func writeInput(t *testing.T, path string, lines int) map[string]bool {
	t.Helper()
	var b bytes.Buffer
	want := map[string]bool{}
	for i := range lines {
		line := fmt.Sprintf("line %d", i)
		if strings.Contains(line, "7") {
			want[strconv.Itoa(b.Len())+"\t"+line] = true
		}
		b.WriteString(line)
		if i < lines-1 { // the last one has no end
			b.WriteByte('\n')
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return want
}

// check compares the output with what is expected and returns how many lines came more than once.
func check(t *testing.T, path string, want map[string]bool) (again int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		t.Error("the output ends within a line")
	}
	got := map[string]int{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if !want[line] {
			t.Fatalf("unexpected line %q", line)
		}
		got[line]++
	}
	for _, n := range got {
		again += n - 1
	}
	if len(got) != len(want) {
		t.Errorf("%d different lines were delivered, want %d", len(got), len(want))
	}
	return again
}

func TestDeliversEveryLine(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	o := Options{Input: filepath.Join(dir, "in"), Output: filepath.Join(dir, "out"), Text: "7", Bolts: 2}
	want := writeInput(t, o.Input, 20_000)
	// What another run has left half-written.
	if err := os.WriteFile(o.Output, []byte("12\tli"), 0o600); err != nil {
		t.Fatal(err)
	}
	topo, err := Topology(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Run(t.Context(), topo, local.Options{Containers: 2, InProcess: true}); err != nil {
		t.Fatal(err)
	}
	if again := check(t, o.Output, want); again != 0 {
		t.Errorf("%d lines were delivered again although nothing went wrong", again)
	}
}

// TestDeliversThroughDeaths kills each process of a run in turn.
func TestDeliversThroughDeaths(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	o := Options{Input: filepath.Join(dir, "in"), Output: filepath.Join(dir, "out"), Text: "7", Bolts: 2, Pending: 200}
	want := writeInput(t, o.Input, 100_000)
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(envOptions, string(text))
	topo, err := Topology(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := local.Start(t.Context(), topo, local.Options{MaxRestarts: 100, Stderr: &bytes.Buffer{}, Args: []string{"-test.run=^$"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Kill()
		_, _ = c.Wait()
	})
	killed := 0
	for _, victim := range []string{"sink", "lines", "grep", ""} {
		if grown(t, c, o.Output) && kill(c, victim) {
			killed++
		}
	}
	if _, err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	again := check(t, o.Output, want)
	t.Logf("%d processes were killed, %d of %d lines were delivered again", killed, again, len(want))
	if killed == 0 {
		t.Error("the run was over before a process was killed")
	}
}

// grown waits until a file has grown. It reports false if the run ends before.
func grown(t *testing.T, c *local.Cluster, path string) bool {
	t.Helper()
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	before := size()
	for deadline := time.Now().Add(patience); size() <= before; time.Sleep(time.Millisecond) {
		s, err := c.Sample(t.Context())
		if err == nil && !slices.ContainsFunc(s.Tasks(), func(ts local.TaskSample) bool { return !ts.Metrics.Ended }) {
			return false
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is delivered")
		}
	}
	return true
}

// kill kills a process of a component, or the stream manager if that is empty.
func kill(c *local.Cluster, component string) bool {
	for _, p := range c.Processes() {
		if component == "" && p.Role == local.RoleManager || slices.Contains(p.Components, component) {
			return syscall.Kill(p.PID, syscall.SIGKILL) == nil
		}
	}
	return false
}
