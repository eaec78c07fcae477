package wordcount

import (
	"errors"
	"fmt"
	"os"

	"github.com/ardea-stream/ardea/topology"
)

// Options says what to count and with how many tasks.
type Options struct {
	Input     string // file to read; required
	Output    string // file to write; empty = publish the totals only
	Spouts    int    // tasks that read the file; 0 = 1
	Splitters int    // tasks that split lines; 0 = 1
	Bolts     int    // tasks that count; 0 = 1
}

// Topology returns the topology for the options. The error names an input that
// is missing or no regular file, or is that of topology.Builder.Build.
func Topology(o Options) (*topology.Topology, error) {
	if o.Input == "" {
		return nil, errors.New("wordcount: no input: name a file to count the words of")
	}
	info, err := os.Stat(o.Input)
	if err != nil {
		return nil, fmt.Errorf("wordcount: input: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("wordcount: input %s is not a regular file", o.Input)
	}
	b := topology.NewBuilder("wordcount")
	if info, err := os.Stat(o.Output); o.Output != "" && err == nil && info.IsDir() {
		return nil, fmt.Errorf("wordcount: output %s is a directory: name a file", o.Output)
	}
	b.Spout("lines", func() topology.Spout { return &lines{path: o.Input, size: info.Size()} },
		topology.Parallelism(orOne(o.Spouts)),
		topology.Output("line"))
	b.Bolt("split", func() topology.Bolt { return &split{} },
		topology.Parallelism(orOne(o.Splitters)),
		topology.Shuffle("lines"),
		topology.Output("word"))
	b.Bolt("count", func() topology.Bolt { return &count{} },
		topology.Parallelism(orOne(o.Bolts)),
		topology.Fields("split", "word"),
		topology.Output("word", "count"))
	b.Bolt("sink", func() topology.Bolt { return &sink{path: o.Output} },
		topology.Global("count"))
	return b.Build()
}

func orOne(n int) int {
	if n == 0 {
		return 1
	}
	return n
}
