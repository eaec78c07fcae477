package local_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// TestMain is also the main of the children that the tests start, and of the
// parents that they start to kill them. Their arguments name the topology.
func TestMain(m *testing.M) {
	args := strings.Join(os.Args[1:], " ")
	switch {
	case os.Getenv(ignoreOrders) != "" && local.InChild():
	case local.InChild():
		if err := local.RunChild(context.Background(), build(args)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case strings.HasPrefix(args, parentArg):
		os.Exit(beParent(strings.TrimPrefix(args, parentArg+" ")))
	default:
		os.Exit(m.Run())
	}
}

// ignoreOrders makes a child be none, like a program that never comes to RunChild.
const ignoreOrders = "LOCAL_TEST_IGNORE_ORDERS"

// build makes a topology from its arguments: a name, and for most a number of tuples for each spout.
func build(args string) *topology.Topology {
	f := strings.Fields(args)
	limit := -1
	if len(f) > 1 {
		n, err := strconv.Atoi(f[1])
		if err != nil {
			panic(err)
		}
		limit = n
	}
	b := topology.NewBuilder(f[0])
	b.Spout("numbers", func() topology.Spout { return &numbers{kind: f[0], limit: limit} }, topology.Output("n"), topology.Parallelism(2))
	b.Bolt("twice", func() topology.Bolt { return &twice{kind: f[0]} }, topology.Shuffle("numbers"), topology.Output("n"), topology.Parallelism(2))
	b.Bolt("sum", func() topology.Bolt { return &sum{kind: f[0]} }, topology.Fields("twice", "n"), topology.Parallelism(2))
	t, err := b.Build()
	if err != nil {
		panic(err)
	}
	return t
}

// envTrigger names the file that makes the spouts of the topology "fall" do so.
const envTrigger = "LOCAL_TEST_TRIGGER"

// hangs is what a spout says before it hangs.
const hangs = "this spout hangs"

// numbers emits 0 to limit-1, or without end if limit is negative.
type numbers struct {
	kind    string
	n       int64
	limit   int
	out     *topology.Collector
	stopped <-chan struct{}
}

func (s *numbers) Open(ctx context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out, s.stopped = out, ctx.Done()
	if s.kind == "openerror" {
		return errors.New("the door is locked")
	}
	return nil
}

func (s *numbers) Next() error {
	switch {
	case s.limit >= 0 && s.n == int64(s.limit) && (s.kind == "idle" || s.kind == "dieinclose"): // until it is drained
		return topology.ErrIdle
	case s.limit >= 0 && s.n == int64(s.limit):
		return io.EOF
	case s.kind == "panic" && s.n == 100:
		panic("the sky falls")
	case s.kind == "crash" && s.n == 100:
		go func() { panic("a goroutine of the user's falls") }()
		select {}
	case s.kind == "fall" && exists(os.Getenv(envTrigger)):
		go func() { panic("a goroutine of the user's falls") }()
		select {}
	case s.kind == "exit" && s.n == 100:
		os.Exit(7)
	case s.kind == "hang" && s.n == 100:
		fmt.Fprintln(os.Stderr, hangs)
		select {} // heeds nothing
	}
	s.n++
	return s.out.Emit(topology.Int(s.n - 1))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (s *numbers) Close() error { return dieIn(s.kind) }

// dieIn kills the process where the topology is one that dies in Close.
func dieIn(kind string) error {
	if kind != "dieinclose" {
		return nil
	}
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// twice emits the double of what it gets.
type twice struct {
	kind string
	out  *topology.Collector
}

func (b *twice) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	b.out = out
	if b.kind == "chatty" {
		fmt.Fprintf(os.Stderr, "task %d says hello\n", task.ID)
	}
	return nil
}

func (b *twice) Execute(t *topology.Tuple) error {
	n, err := t.Int(0)
	if err != nil {
		return err
	}
	return b.out.Emit(topology.Int(2 * n))
}

func (*twice) Close() error { return nil }

// sum publishes how many numbers it got and what they add up to.
type sum struct {
	kind       string
	task       *topology.Task
	count, sum uint64
}

func (b *sum) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	b.task = task
	return nil
}

func (b *sum) Execute(t *topology.Tuple) error {
	n, err := t.Int(0)
	if err != nil {
		return err
	}
	b.count++
	b.sum += uint64(n)
	return nil
}

func (b *sum) Finish() error {
	b.task.Publish("sum", binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, b.count), b.sum))
	switch b.kind {
	case "publish":
		b.task.Publish("large", make([]byte, local.MaxPublished))
	case "oversized":
		b.task.Publish("large", make([]byte, local.MaxPublished+1))
	case "slowfinish":
		time.Sleep(time.Hour) // heeds nothing
	}
	return nil
}

func (b *sum) Close() error { return dieIn(b.kind) }

// summed adds up what the tasks of sum published.
func summed(t *testing.T, res *local.Result) (count, sum uint64) {
	t.Helper()
	for task, b := range res.Published["sum"] {
		if len(b) != 16 {
			t.Fatalf("task %d published %d bytes", task, len(b))
		}
		count += binary.LittleEndian.Uint64(b)
		sum += binary.LittleEndian.Uint64(b[8:])
	}
	return count, sum
}
