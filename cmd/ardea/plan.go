package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/plan"
)

// planOptions are the flags of ardea plan.
type planOptions struct {
	name       string
	example    exampleOptions
	containers int
}

func (a *app) planCommand() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan TOPOLOGY",
		Short: "Show how a built-in topology would be run",
		Long: `Show the logical plan of a built-in topology (components, streams, tasks) and how
its tasks are packed into containers. The topologies are

` + describeExamples(),
		Example: `  ardea plan trending --bolts 4 --containers 2
  ardea plan wordcount --input book.txt`,
		Args:              oneExample,
		ValidArgsFunction: completeExamples,
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			o.name = args[0]
			return showPlan(a.stdout, o)
		}),
	}
	cmd.Flags().SortFlags = false
	o.example.addFlags(cmd.Flags())
	cmd.Flags().IntVar(&o.containers, "containers", 1, "pack the tasks into `N` containers")
	return cmd
}

func showPlan(out io.Writer, o planOptions) error {
	t, err := o.example.build(o.name)
	if err != nil {
		return err
	}
	if o.containers < 1 {
		return usagef("--containers is %d: the least is 1", o.containers)
	}
	l := plan.NewLogical(t)
	var b strings.Builder
	b.WriteString("Logical plan: " + l.String() + "Packing:\n")
	for i, tasks := range plan.PackRoundRobin(l, o.containers) {
		fmt.Fprintf(&b, "  container %d", i+1)
		for _, task := range tasks {
			fmt.Fprintf(&b, " %s-%d", l.ComponentOf(task).Name, task)
		}
		b.WriteByte('\n')
	}
	_, err = io.WriteString(out, b.String())
	return err
}
