package trending

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

// RankingName is the name under which the ranking is published, as a JSON list of Entry.
const RankingName = "ranking"

// Entry is one place of a ranking.
type Entry struct {
	Tag   string `json:"tag"`
	Count int64  `json:"count"`
}

// best sorts entries, most used first and equal ones by name, and cuts them to n.
func best(entries []Entry, n int) []Entry {
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Tag, b.Tag))
	})
	return entries[:min(n, len(entries))]
}

// ranking merges the lists of all count tasks.
type ranking struct {
	top   int
	print bool

	task  *topology.Task
	lists map[uint32][]Entry // latest, by count task
}

// Open prepares an empty ranking.
func (r *ranking) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	r.task, r.lists = task, map[uint32][]Entry{}
	return nil
}

// Execute adds one place to the list of the task that sent it.
func (r *ranking) Execute(t *topology.Tuple) error {
	place, err := t.Int(0)
	if err != nil {
		return err
	}
	tag, err := t.String(1)
	if err != nil {
		return err
	}
	count, err := t.Int(2)
	if err != nil {
		return err
	}
	from := t.Source().Task
	if place == 0 {
		r.lists[from] = r.lists[from][:0]
	}
	if count > 0 {
		r.lists[from] = append(r.lists[from], Entry{Tag: tag, Count: count})
	}
	return nil
}

// Tick ranks what is known.
func (r *ranking) Tick(time.Time) error { return r.rank() }

// Finish ranks the last lists.
func (r *ranking) Finish() error { return r.rank() }

func (r *ranking) rank() error {
	all := []Entry{}
	for _, list := range r.lists {
		all = append(all, list...)
	}
	all = best(all, r.top)
	if r.print {
		var b strings.Builder
		for i, e := range all {
			fmt.Fprintf(&b, "%3d. #%-20s %8d\n", i+1, e.Tag, e.Count)
		}
		fmt.Println(b.String())
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	r.task.Publish(RankingName, text)
	return nil
}

// Close does nothing.
func (r *ranking) Close() error { return nil }
