package ardea_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ardea-stream/ardea"
	"github.com/ardea-stream/ardea/topology"
)

// verse is a spout of lines.
type verse struct {
	lines []string
	out   *topology.Collector
}

func (v *verse) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	v.out = out
	return nil
}

func (v *verse) Next() error {
	if len(v.lines) == 0 {
		return io.EOF
	}
	line := v.lines[0]
	v.lines = v.lines[1:]
	return v.out.Emit(topology.String(line))
}

func (*verse) Close() error { return nil }

// split is a bolt that parts lines into words.
type split struct{ out *topology.Collector }

func (b *split) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	b.out = out
	return nil
}

func (b *split) Execute(t *topology.Tuple) error {
	line, err := t.String(0)
	if err != nil {
		return err
	}
	for word := range strings.FieldsSeq(line) {
		if err := b.out.Emit(topology.String(word)); err != nil {
			return err
		}
	}
	return nil
}

func (*split) Close() error { return nil }

// tally is a bolt that counts words and publishes each count under the word.
type tally struct {
	counts map[string]int
	task   *topology.Task
}

func (b *tally) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	b.counts, b.task = map[string]int{}, task
	return nil
}

func (b *tally) Execute(t *topology.Tuple) error {
	word, err := t.Bytes(0) // borrowed: a map's key is copied only when it is new
	if err != nil {
		return err
	}
	b.counts[string(word)]++
	return nil
}

func (b *tally) Finish() error {
	for word, n := range b.counts {
		b.task.Publish(word, fmt.Append(nil, n))
	}
	return nil
}

func (*tally) Close() error { return nil }

// Counts the words of a verse. Without InProcess every task would be a process
// of its own.
func Example() {
	b := topology.NewBuilder("example")
	b.Spout("verse", func() topology.Spout {
		return &verse{lines: []string{"the heron waits", "the river runs", "the heron strikes"}}
	}, topology.Output("line"))
	b.Bolt("split", func() topology.Bolt { return &split{} }, topology.Shuffle("verse"), topology.Output("word"))
	b.Bolt("count", func() topology.Bolt { return &tally{} }, topology.Fields("split", "word"), topology.Parallelism(2))
	t, err := b.Build()
	if err != nil {
		panic(err)
	}
	res, err := ardea.Run(context.Background(), t, ardea.Options{InProcess: true})
	if err != nil {
		panic(err)
	}
	var lines []string
	for word, byTask := range res.Published {
		for _, n := range byTask {
			lines = append(lines, fmt.Sprintf("%s %s", word, n))
		}
	}
	slices.Sort(lines)
	fmt.Println(strings.Join(lines, "\n"))
	// Output:
	// heron 2
	// river 1
	// runs 1
	// strikes 1
	// the 3
	// waits 1
}
