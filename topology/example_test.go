package topology_test

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// lines is a spout of three lines.
type lines struct {
	out  *topology.Collector
	left []string
}

func (s *lines) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out, s.left = out, []string{"a rose is", "a rose", "is a rose"}
	return nil
}

func (s *lines) Next() error {
	if len(s.left) == 0 {
		return io.EOF
	}
	line := s.left[0]
	s.left = s.left[1:]
	return s.out.Emit(topology.String(line))
}

func (s *lines) Close() error { return nil }

// split is a bolt that emits the words of lines.
type split struct{ out *topology.Collector }

func (b *split) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	b.out = out
	return nil
}

func (b *split) Execute(t *topology.Tuple) error {
	line, err := t.Bytes(0) // borrowed until Execute returns
	if err != nil {
		return err
	}
	for word := range bytes.FieldsSeq(line) {
		if err := b.out.Emit(topology.StringBytes(word)); err != nil {
			return err
		}
	}
	return nil
}

func (b *split) Close() error { return nil }

// count is a bolt that counts words and publishes the counts at the end.
type count struct {
	task  *topology.Task
	words map[string]int
}

func (b *count) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	b.task, b.words = task, map[string]int{}
	return nil
}

func (b *count) Execute(t *topology.Tuple) error {
	word, err := t.Bytes(0)
	if err != nil {
		return err
	}
	b.words[string(word)]++
	return nil
}

func (b *count) Finish() error {
	b.task.Publish("words", fmt.Append(nil, b.words))
	return nil
}

func (b *count) Close() error { return nil }

// A word count of three components.
func ExampleBuilder() {
	b := topology.NewBuilder("wordcount")
	b.Spout("lines", func() topology.Spout { return &lines{} }, topology.Output("line"))
	b.Bolt("split", func() topology.Bolt { return &split{} },
		topology.Parallelism(2), topology.Shuffle("lines"), topology.Output("word"))
	b.Bolt("count", func() topology.Bolt { return &count{} },
		topology.Parallelism(4), topology.Fields("split", "word"))
	t, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range t.Components {
		fmt.Println(c.Kind, c.Name, c.Parallelism)
	}
	// Output:
	// spout lines 1
	// bolt split 2
	// bolt count 4
}

// Everything that is wrong comes in one message.
func ExampleBuilder_Build() {
	b := topology.NewBuilder("wordcount")
	b.Spout("lines", func() topology.Spout { return &lines{} }, topology.Output("line"))
	b.Bolt("count", func() topology.Bolt { return &count{} }, topology.Parallelism(0), topology.Fields("lines", "word"))
	_, err := b.Build()
	fmt.Println(err)
	// Output:
	// topology: "wordcount" is not valid:
	//   - bolt "count" has parallelism 0, allowed are 1 to 4096
	//   - bolt "count" groups lines/default by field "word", the stream has ["line"]
}

// toBolt is a Sink that hands every tuple to a bolt. The engine sends batches
// through stream managers instead; tests of user code can do it so.
type toBolt struct {
	bolt topology.Bolt
	view topology.Tuple
	src  topology.Source
}

func (s *toBolt) Send(_ uint16, _ uint32, _ bool, _ uint32, batch *pool.Buf) error {
	defer batch.Release()
	body := batch.B[wire.HeaderSize:]
	for off := 0; off < len(body); {
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			return wire.ErrRecord
		}
		s.view.Reset(body[tuple:end], &s.src)
		if err := s.bolt.Execute(&s.view); err != nil {
			return err
		}
		off = end
	}
	return nil
}

type printing struct{}

func (printing) Open(context.Context, *topology.Task, *topology.Collector) error { return nil }
func (printing) Close() error                                                    { return nil }

func (printing) Execute(t *topology.Tuple) error {
	user, err := t.String(0) // a copy
	if err != nil {
		return err
	}
	clicks, err := t.Int(1)
	if err != nil {
		return err
	}
	_, err = t.Int(0)
	fmt.Println(user, clicks, t.IsNull(2), err)
	return nil
}

// Fields are decoded when asked for; a wrong type is an error.
func ExampleTuple() {
	out := topology.NewCollector(&toBolt{bolt: printing{}}, 0, 0, 0, []topology.OutputSpec{
		{Name: topology.DefaultStream, Fields: []string{"user", "clicks", "referrer"}, Routed: true},
	})
	if err := out.Emit(topology.String("ada"), topology.Int(42), topology.Null()); err != nil {
		fmt.Println(err)
	}
	if err := out.Emit(topology.String("ada"), topology.Int(42)); err != nil {
		fmt.Println(err)
	}
	if err := out.Flush(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// topology: number of values differs from the fields of the stream: 2 values for the 3 fields of stream default
	// ada 42 true wire: field 0 holds string, not int
}

// ValueOf converts Go values whose types are known at run time only.
func ExampleValueOf() {
	for _, v := range []any{7, "seven", 7.0, []string{"7"}} {
		value, err := topology.ValueOf(v)
		fmt.Println(value.Type(), err)
	}
	// Output:
	// int <nil>
	// string <nil>
	// float <nil>
	// null topology: a field cannot hold []string: use an int, float, string, []byte, bool, time.Time or nil, or encode it to bytes
}
