package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ardea-stream/ardea/examples/randomwords"
	"github.com/ardea-stream/ardea/examples/trending"
	"github.com/ardea-stream/ardea/examples/wordcount"
	"github.com/ardea-stream/ardea/topology"
)

// example is a topology that the program has built in.
type example struct {
	name, about string
	files       bool // it reads --input and writes --output
	topology    func(exampleOptions) (*topology.Topology, error)
}

// exampleOptions are the flags that topologies are built from.
type exampleOptions struct {
	input, output string
	spouts, bolts int
}

var examples = []example{
	{
		name: "wordcount", about: "counts the words of a file (--input, --output)", files: true,
		topology: func(o exampleOptions) (*topology.Topology, error) {
			return wordcount.Topology(wordcount.Options{Input: o.input, Output: o.output, Spouts: o.spouts, Bolts: o.bolts})
		},
	},
	{
		name: "randomwords", about: "counts random words for ever, the published benchmark",
		topology: func(o exampleOptions) (*topology.Topology, error) {
			return randomwords.Topology(randomwords.Options{Spouts: o.spouts, Bolts: o.bolts})
		},
	},
	{
		name: "trending", about: "ranks the hashtags of made-up tweets over a sliding window, for ever",
		topology: func(o exampleOptions) (*topology.Topology, error) {
			return trending.Topology(trending.Options{Spouts: o.spouts, Bolts: o.bolts, Rate: trendingRate, Print: true})
		},
	},
}

// trendingRate is how many tweets a second each spout of trending makes up.
const trendingRate = 10_000

// exampleNames lists the names for messages.
func exampleNames() string {
	names := make([]string, len(examples))
	for i, e := range examples {
		names[i] = e.name
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// describeExamples lists names and purposes for help texts.
func describeExamples() string {
	var b strings.Builder
	for _, e := range examples {
		b.WriteString("  " + e.name + strings.Repeat(" ", 13-len(e.name)) + e.about + "\n")
	}
	return b.String()
}

// oneExample checks that a command has one argument and that it names an example.
func oneExample(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%d topologies are named: name one, %s", len(args), exampleNames())
	}
	_, err := findExample(args[0])
	return err
}

func findExample(name string) (example, error) {
	i := slices.IndexFunc(examples, func(e example) bool { return e.name == name })
	if i < 0 {
		return example{}, usagef("there is no topology %q: use %s", name, exampleNames())
	}
	return examples[i], nil
}

// completeExamples is for shell completion.
func completeExamples(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, e := range examples {
		names = append(names, e.name+"\t"+e.about)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (o *exampleOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.input, "input", "", "read `FILE` (wordcount)")
	f.StringVar(&o.output, "output", "", "write the counts to `FILE` (wordcount)")
	f.IntVar(&o.spouts, "spouts", 1, "run `N` spout tasks")
	f.IntVar(&o.bolts, "bolts", 1, "run `N` counting tasks")
}

// build returns the topology of an example. All its errors are usage errors.
func (o *exampleOptions) build(name string) (*topology.Topology, error) {
	e, err := findExample(name)
	if err != nil {
		return nil, err
	}
	switch given := cmp.Or(o.input, o.output); {
	case !e.files && given != "":
		return nil, usagef("%s has no files: leave out --input and --output", name)
	case e.files && o.input == "":
		return nil, usagef("%s needs a text: name it with --input FILE", name)
	case o.spouts < 1 || o.bolts < 1:
		return nil, usagef("--spouts is %d and --bolts %d: the least is 1", o.spouts, o.bolts)
	}
	if o.output != "" {
		if info, err := os.Stat(filepath.Dir(o.output)); err != nil || !info.IsDir() {
			return nil, usagef("--output: there is no directory %s: make it, or name another file", filepath.Dir(o.output))
		}
	}
	t, err := e.topology(*o)
	if err != nil {
		return nil, &usageError{err: err}
	}
	return t, nil
}
