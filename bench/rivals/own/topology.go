package own

import (
	"bytes"
	"context"
	"time"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/words"
	"github.com/ardea-stream/ardea/topology"
)

// summaryName is the name under which tasks publish what they have done.
const summaryName = "summary"

// spec is a run as its child processes build it. It travels as JSON.
type spec struct {
	adapter.Spec
	Guarantee topology.Guarantee `json:"guarantee"`
}

// user code: ardea

func (s spec) topology() (*topology.Topology, error) {
	b := topology.NewBuilder("words").Deliver(topology.Delivery{Guarantee: s.Guarantee})
	b.Spout("source", func() topology.Spout { return &source{spec: s} },
		topology.Parallelism(s.Parallelism), topology.Output(s.fields()...))
	from := "source"
	if s.Workload == words.Sentences {
		from = "split"
		b.Bolt("split", func() topology.Bolt { return &split{spec: s} },
			topology.Parallelism(s.Parallelism), topology.Shuffle("source"), topology.Output(s.fields()...))
	}
	b.Bolt("count", func() topology.Bolt { return &count{spec: s} },
		topology.Parallelism(s.Parallelism), topology.Fields(from, "text"))
	return b.Build()
}

// split emits the words of sentences.
type split struct {
	spec spec
	out  *topology.Collector
}

func (s *split) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out = out
	return nil
}

func (s *split) Execute(t *topology.Tuple) error {
	sentence, err := t.Bytes(0)
	if err != nil {
		return err
	}
	due, err := s.spec.due(t)
	for word := range bytes.SplitSeq(sentence, []byte{' '}) {
		switch {
		case err != nil:
			return err
		case s.spec.Rate == 0:
			err = s.out.Emit(topology.StringBytes(word))
		default:
			err = s.out.Emit(topology.StringBytes(word), topology.Int(due))
		}
	}
	return err
}

func (s *split) Close() error { return nil }

// user code: ardea-pipeline

// count counts words.
type count struct {
	spec  spec
	task  *topology.Task
	run   *adapter.Run
	words *adapter.Counter
}

func (c *count) Open(ctx context.Context, task *topology.Task, _ *topology.Collector) (err error) {
	c.task = task
	if c.run, err = c.spec.Part(ctx, task.Index); err == nil {
		c.words = c.run.Counter()
	}
	return err
}

func (c *count) Execute(t *topology.Tuple) error {
	word, err := t.Bytes(0)
	if err != nil {
		return err
	}
	due, err := c.spec.due(t)
	if err != nil {
		return err
	}
	c.words.AddBytes(word, due)
	return nil
}

func (c *count) Finish() error { return publish(c.task, c.run) }

func (c *count) Close() error { return nil }

// end of user code

// user code: ardea-pipeline

// pipeline has the words appended to a log before they are counted, and the counts to another one.
func (s spec) pipeline() (*topology.Topology, error) {
	b := topology.NewBuilder("words").Deliver(topology.Delivery{Guarantee: s.Guarantee})
	b.Spout("source", func() topology.Spout { return &source{spec: s} },
		topology.Parallelism(s.Parallelism), topology.Output(s.fields()...), topology.Durable("words"))
	b.Bolt("count", func() topology.Bolt { return &publishingCount{count: count{spec: s}} },
		topology.Parallelism(s.Parallelism), topology.Fields("source", "text"),
		topology.Output("word", "count"), topology.Durable(countsLog), topology.TickEvery(time.Second))
	return b.Build()
}

// publishingCount counts words and emits each second those whose counts have changed.
type publishingCount struct {
	count
	out *topology.Collector
}

func (c *publishingCount) Open(ctx context.Context, task *topology.Task, out *topology.Collector) error {
	c.out = out
	return c.count.Open(ctx, task, out)
}

func (c *publishingCount) Tick(time.Time) error {
	return c.words.Changed(func(word string, n uint64) error {
		return c.out.Emit(topology.String(word), topology.Int(int64(n)))
	})
}

func (c *publishingCount) Finish() error {
	if err := c.Tick(time.Time{}); err != nil {
		return err
	}
	return c.count.Finish()
}

// end of user code
