package pipe

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

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// envSpec is the topology that a child builds, as JSON of spec.
const envSpec = "ARDEA_PIPE_SPEC"

// patience is for how long a test waits for what must come.
const patience = 30 * time.Second

// spec is a topology that a test and its child processes build alike: it reads a log and notes the numbers in a file.
type spec struct {
	Src  Source
	Out  string // path of the file
	Hold int64  // numbers from here on are neither noted nor acked; 0: all are noted
	Tell string // path of a pipe that is told of the first number, when it is noted; empty: there is none
}

func (s spec) build() (*topology.Topology, error) {
	b := topology.NewBuilder("killed")
	b.Deliver(tracked)
	b.Spout("log", func() topology.Spout { return NewSpout(s.Src) }, topology.Output("n"))
	b.Bolt("note", func() topology.Bolt { return &noting{path: s.Out, hold: s.Hold, tell: s.Tell} }, topology.ManualAck(), topology.Shuffle("log"))
	return b.Build()
}

func TestMain(m *testing.M) {
	if !local.InChild() {
		os.Exit(m.Run())
	}
	var s spec
	err := json.Unmarshal([]byte(os.Getenv(envSpec)), &s)
	if err == nil {
		var t *topology.Topology
		if t, err = s.build(); err == nil {
			err = local.RunChild(context.Background(), t)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// noting is a bolt that notes a number before it acks it.
type noting struct {
	path string
	hold int64
	tell string
	file *os.File
	out  *topology.Collector
}

func (b *noting) Open(_ context.Context, _ *topology.Task, out *topology.Collector) (err error) {
	b.out = out
	b.file, err = os.OpenFile(b.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

func (b *noting) Execute(t *topology.Tuple) error {
	n, err := t.Int(0)
	if err != nil {
		return err
	}
	a := t.Anchor()
	if b.hold > 0 && n >= b.hold {
		return nil
	}
	if _, err := fmt.Fprintln(b.file, n); err != nil {
		return err
	}
	if b.tell != "" {
		if err := os.WriteFile(b.tell, []byte{1}, 0); err != nil {
			return err
		}
		b.tell = ""
	}
	return b.out.Ack(a)
}

func (b *noting) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// startSpec starts a topology in processes of its own.
func startSpec(t *testing.T, s spec) *local.Cluster {
	t.Helper()
	text, err := json.Marshal(s)
	ok(t, err)
	t.Setenv(envSpec, string(text))
	topo, err := s.build()
	ok(t, err)
	c, err := local.Start(t.Context(), topo, local.Options{Args: []string{"-test.run=^$"}, Stderr: &bytes.Buffer{}})
	ok(t, err)
	t.Cleanup(func() {
		c.Kill()
		_, _ = c.Wait()
	})
	return c
}

// awaitPosition waits until a subscription has come to an offset. It looks again and again: nobody is told of a commit.
func awaitPosition(t *testing.T, sub *dlog.Subscription, offset uint64) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if at, err := sub.Position(); err == nil && at >= offset {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for offset %d to be committed", offset)
		}
	}
}

// noted returns how often each number is in a file.
func noted(t *testing.T, path string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(path)
	ok(t, err)
	seen := map[string]int{}
	for n := range strings.FieldsSeq(string(text)) {
		seen[n]++
	}
	return seen
}

// TestKilledRun kills a run as a whole while it holds back what it has read, and expects that the next one goes on with
// just that.
func TestKilledRun(t *testing.T) {
	h := host(t, t.TempDir())
	h.write(t, "numbers", numbers(0, 1000)...)
	s := spec{
		Src: Source{Dir: h.store.Dir(), Log: "numbers", Subscription: "test", Follow: true}, Out: filepath.Join(t.TempDir(), "out"), Hold: 640,
	}
	c := startSpec(t, s)
	sub := h.log(t, "numbers").Subscription("test")
	awaitPosition(t, sub, 640)
	c.Kill()
	_, _ = c.Wait()
	if at := h.position(t, "numbers", "test"); at > 640 {
		t.Errorf("position %d was committed, and 640 and those behind are not acked", at)
	}
	s.Hold, s.Src.Follow = 0, false
	_, err := startSpec(t, s).Wait()
	ok(t, err)
	seen := noted(t, s.Out)
	for i := range 1000 {
		if n := seen[strconv.Itoa(i)]; n != 1 { // all that was acked was committed
			t.Fatalf("number %d was noted %d times", i, n)
		}
	}
	h.stop()
}

// TestKilledSpout kills the process of a spout within a run, and the one that serves the log stays.
func TestKilledSpout(t *testing.T) {
	h := host(t, t.TempDir())
	h.write(t, "numbers", numbers(0, 20_000)...)
	dir := t.TempDir()
	s := spec{
		Src: Source{Dir: h.store.Dir(), Log: "numbers", Subscription: "test", Follow: true},
		Out: filepath.Join(dir, "out"), Tell: filepath.Join(dir, "tell"),
	}
	ok(t, syscall.Mkfifo(s.Tell, 0o600))
	told, err := os.OpenFile(s.Tell, os.O_RDWR, 0) // does not wait for somebody who writes
	ok(t, err)
	defer told.Close()
	c := startSpec(t, s)
	ok(t, told.SetReadDeadline(time.Now().Add(patience)))
	_, err = told.Read(make([]byte, 1))
	ok(t, err)
	for _, p := range c.Processes() {
		if slices.Contains(p.Components, "log") {
			ok(t, syscall.Kill(p.PID, syscall.SIGKILL))
		}
	}
	l := h.log(t, "numbers")
	h.write(t, "numbers", numbers(20_000, 21_000)...)
	w, err := l.OpenWriter(0)
	ok(t, err)
	ok(t, w.Seal(t.Context()))
	_, err = c.Wait()
	ok(t, err)
	seen := noted(t, s.Out)
	for i := range 21_000 {
		if seen[strconv.Itoa(i)] == 0 {
			t.Fatalf("number %d is missing", i)
		}
	}
	if at := h.position(t, "numbers", "test"); at != 21_000 {
		t.Errorf("position is %d, want 21000", at)
	}
	h.stop()
}
