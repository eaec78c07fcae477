package durable

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// envSpec is the topology that a child builds, as JSON of spec.
const envSpec = "ARDEA_DURABLE_SPEC"

// spec is a topology that a test and its child processes build alike: spouts that emit numbers, bolts that double them,
// and a sink. Both streams are durable.
type spec struct {
	Tuples  uint64 // of each of the two spout tasks
	Tracked bool
	Alone   bool   // nobody consumes the doubles
	Dir     string // where sinks write what they get
}

// Logs of the topology.
const (
	numbersLog = "numbers"
	doublesLog = "doubles"
)

func (s spec) build() (*topology.Topology, error) {
	b := topology.NewBuilder("durable")
	if s.Tracked {
		b.Deliver(topology.Delivery{Guarantee: topology.AtLeastOnce})
	}
	b.Spout("numbers", func() topology.Spout { return &numbers{limit: s.Tuples} }, topology.Parallelism(2),
		topology.Output("n"), topology.Durable(numbersLog))
	b.Bolt("double", func() topology.Bolt { return &double{} }, topology.Parallelism(2), topology.Shuffle("numbers"),
		topology.OutputStream("doubles", "n"), topology.DurableStream("doubles", doublesLog))
	if !s.Alone {
		b.Bolt("sink", func() topology.Bolt { return &sink{dir: s.Dir} }, topology.Parallelism(2), topology.Fields("double/doubles", "n"))
		b.Bolt("mirror", func() topology.Bolt { return &sink{} }, topology.All("double/doubles"))
	}
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

// numbers emits its index + 2 i for all i below the limit, and can do so again.
type numbers struct {
	out         *topology.Collector
	next, limit uint64
	index       int
}

func (s *numbers) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	s.out, s.index = out, task.Index
	return nil
}

func (s *numbers) Next() error {
	if s.next == s.limit {
		return io.EOF
	}
	s.next++
	return s.Replay(s.next - 1)
}

func (s *numbers) Replay(id uint64) error {
	return s.out.EmitID(id, topology.Int(int64(id)*2+int64(s.index)))
}

func (s *numbers) Seek(id uint64) error {
	s.next = id
	return nil
}

func (*numbers) Close() error { return nil }

// double emits the double of what it gets.
type double struct{ out *topology.Out }

func (b *double) Open(_ context.Context, _ *topology.Task, out *topology.Collector) (err error) {
	b.out, err = out.Stream("doubles")
	return err
}

func (b *double) Execute(t *topology.Tuple) error {
	n, err := t.Int(0)
	if err != nil {
		return err
	}
	return b.out.Emit(topology.Int(2 * n))
}

func (*double) Close() error { return nil }

// sink writes what it gets to a file of its process, before it acks it. Without a folder it writes nothing.
type sink struct {
	dir  string
	file *os.File
}

func (b *sink) Open(_ context.Context, task *topology.Task, _ *topology.Collector) (err error) {
	if b.dir != "" {
		b.file, err = os.Create(filepath.Join(b.dir, fmt.Sprintf("%d-%d", task.ID, os.Getpid())))
	}
	return err
}

func (b *sink) Execute(t *topology.Tuple) error {
	n, err := t.Int(0)
	if err != nil || b.file == nil {
		return err
	}
	_, err = b.file.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	return err
}

func (b *sink) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
