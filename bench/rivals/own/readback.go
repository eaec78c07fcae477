package own

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/dlog/pipe"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// countsLog is the log of the counts of a pipeline, countsName what the reader of it publishes.
const (
	countsLog  = "counts"
	countsName = "counts"
)

// readBack has the run tell the newest counts in the log, and returns a note of how many there are.
func readBack(ctx context.Context, run *adapter.Run, logs string) (note string, err error) {
	b := topology.NewBuilder("counts").Deliver(topology.Delivery{Guarantee: topology.AtLeastOnce})
	b.Spout("log", func() topology.Spout {
		return pipe.NewSpout(pipe.Source{Dir: logs, Log: countsLog, Subscription: "check", Host: true})
	}, topology.Output("word", "count"))
	counts := map[string]uint64{} // of the bolt until the run has ended
	b.Bolt("newest", func() topology.Bolt { return &newest{counts: counts} }, topology.Global("log"))
	t, err := b.Build()
	if err != nil {
		return "", err
	}
	result, err := local.Run(ctx, t, local.Options{InProcess: true, Stderr: os.Stderr})
	if err != nil {
		return "", err
	}
	if result.Interrupted {
		return "", context.Cause(ctx)
	}
	records := 0
	for _, text := range result.Published[countsName] {
		if records, err = strconv.Atoi(string(text)); err != nil {
			return "", err
		}
	}
	if records == 0 {
		return "", errors.New("own: the log has no counts")
	}
	run.ReadBack(counts)
	text, err := json.Marshal(map[string]int{"records_of_counts": records})
	return string(text), err
}

// newest keeps the greatest count of each word: counts only rise, and a record may come twice.
type newest struct {
	task    *topology.Task
	counts  map[string]uint64
	records int
}

func (n *newest) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	n.task = task
	return nil
}

func (n *newest) Execute(t *topology.Tuple) error {
	word, err := t.Bytes(0)
	if err != nil {
		return err
	}
	count, err := t.Int(1)
	if err != nil {
		return err
	}
	n.records++
	n.counts[string(word)] = max(n.counts[string(word)], uint64(count))
	return nil
}

func (n *newest) Finish() error {
	n.task.Publish(countsName, strconv.AppendInt(nil, int64(n.records), 10))
	return nil
}

func (n *newest) Close() error { return nil }
