package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) logCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Make, fill, read and check durable logs",
		Long: `Make, fill, read and check the logs of a store, which is a folder. A command opens
the store itself, or asks the process that has it open and serves it.`,
		Example: `  ardea log create /var/lib/events clicks
  ardea log append /var/lib/events clicks < clicks.txt
  ardea log tail /var/lib/events clicks --follow
  ardea log ls /var/lib/events`,
		Args: cobra.NoArgs,
		RunE: a.help,
	}
	for _, sub := range a.logCommands() {
		if sub.RunE != nil {
			sub.RunE = a.toPipe(sub.RunE)
		}
		sub.SetFlagErrorFunc(flagError)
		cmd.AddCommand(sub)
	}
	return cmd
}

// flagError adds what to do about an argument that looks like a flag.
func flagError(_ *cobra.Command, err error) error {
	if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
		return fmt.Errorf("%w: numbers must not be negative; put -- before a name that begins with -", err)
	}
	return err
}

// logCommands are the commands below ardea log.
func (a *app) logCommands() []*cobra.Command {
	return []*cobra.Command{
		a.logCreateCommand(), a.logLsCommand(), a.logInfoCommand(), a.logAppendCommand(), a.logCatCommand(), a.logTailCommand(),
		a.logTruncateCommand(), a.logSealCommand(), a.logForkCommand(), a.logRenameCommand(), a.logRmCommand(),
		a.logServeCommand(), a.logCheckCommand(),
		a.logBenchCommand(),
		a.logTortureCommand(),
	}
}

// logArgs demands a folder and so many more arguments, which usage names.
func logArgs(usage string, n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%d arguments are given, want %d: %s", len(args), n, usage)
		}
		if slices.Contains(args, "") {
			return usagef("an argument is empty: %s", usage)
		}
		return nil
	}
}

// writeJSON prints a value, indented.
func (a *app) writeJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
