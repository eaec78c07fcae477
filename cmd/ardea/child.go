package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/local"
)

// childName is the hidden command of a benchmark's processes.
const childName = "bench-child"

func (a *app) childCommand() *cobra.Command {
	return &cobra.Command{
		Use:    childName + " SPEC",
		Short:  "Play a part in a benchmark; started by ardea itself",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return benchChild(cmd.Context(), args[0])
		}),
	}
}

// childArgs leads a re-executed child to benchChild.
func childArgs(s bench.Spec) []string {
	text, _ := json.Marshal(s) // of numbers and a name
	return []string{childName, string(text)}
}

// benchChild plays the part that the process was started for.
func benchChild(ctx context.Context, text string) error {
	var s bench.Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return usagef("specification of a benchmark: %w: this command is for ardea itself", err)
	}
	t, err := s.Topology()
	if err != nil {
		return &usageError{err: err}
	}
	if !local.InChild() {
		return usagef("nobody has started this process as a child: use ardea bench")
	}
	return local.RunChild(ctx, t)
}
