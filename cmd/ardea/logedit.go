package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// logEdit is a command that changes a log and says what became of it.
type logEdit struct {
	use, short, long, example string
	args                      int
	flags                     func(*cobra.Command)
	// do changes the log that args name and returns the name of the one to be shown, empty for none, and a line of text.
	do func(ctx context.Context, s logStore, args []string) (log, text string, err error)
}

// logEditCommand makes a command of it.
func (a *app) logEditCommand(e logEdit) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: e.use, Short: e.short, Long: e.long, Example: e.example,
		Args: logArgs(strings.TrimPrefix(e.use, strings.Fields(e.use)[0]+" "), e.args),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return withLogs(ctx, args[0], func(s logStore) error {
				log, text, err := e.do(ctx, s, args[1:])
				if err != nil {
					return err
				}
				return a.logEdited(ctx, s, log, text, asJSON)
			})
		}),
	}
	cmd.Flags().SortFlags = false
	if e.flags != nil {
		e.flags(cmd)
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what became of it as JSON")
	return cmd
}

func (a *app) logEdited(ctx context.Context, s logStore, log, text string, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(a.stdout, text)
		return err
	}
	if log == "" {
		return a.writeJSON(map[string]string{"done": text})
	}
	info, err := s.Info(ctx, log)
	if err != nil {
		return err
	}
	return a.writeJSON(describeLog(&info))
}

func parseOffset(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, usagef("%q is no offset: use a number from 0 on; ardea log info shows those of a log", text)
	}
	return n, nil
}

func (a *app) logTruncateCommand() *cobra.Command {
	return a.logEditCommand(logEdit{
		use: "truncate DIR LOG OFFSET", short: "Remove the oldest records", args: 3,
		long: `Remove the records before OFFSET. Those that are left keep their offsets. Room on the
disk becomes free by whole segment files.`,
		example: `  ardea log truncate /var/lib/events clicks 1000000`,
		do: func(ctx context.Context, s logStore, args []string) (string, string, error) {
			offset, err := parseOffset(args[1])
			if err != nil {
				return "", "", err
			}
			return args[0], fmt.Sprintf("%s begins at %d", args[0], offset), s.Truncate(ctx, args[0], offset)
		},
	})
}

func (a *app) logSealCommand() *cobra.Command {
	return a.logEditCommand(logEdit{
		use: "seal DIR LOG", short: "End a log for good", args: 2,
		long: `End a log: nothing is appended any more, by whoever does now, and those who read to
its end are told that it is the end.`,
		example: `  ardea log seal /var/lib/events clicks`,
		do: func(ctx context.Context, s logStore, args []string) (string, string, error) {
			return args[0], args[0] + " is sealed", s.Seal(ctx, args[0])
		},
	})
}

func (a *app) logRenameCommand() *cobra.Command {
	return a.logEditCommand(logEdit{
		use: "rename DIR LOG NAME", short: "Give a log another name", args: 3,
		long:    `Give a log another name. Those who read it or append to it do not notice.`,
		example: `  ardea log rename /var/lib/events clicks clicks-2026`,
		do: func(ctx context.Context, s logStore, args []string) (string, string, error) {
			return args[1], args[0] + " is " + args[1] + " now", s.Rename(ctx, args[0], args[1])
		},
	})
}

func (a *app) logRmCommand() *cobra.Command {
	return a.logEditCommand(logEdit{
		use: "rm DIR LOG", short: "Delete a log", args: 2,
		long:    `Delete a log with its records and subscriptions. Records that forks share stay theirs.`,
		example: `  ardea log rm /var/lib/events clicks`,
		do: func(ctx context.Context, s logStore, args []string) (string, string, error) {
			return "", "deleted " + args[0], s.Delete(ctx, args[0])
		},
	})
}

func (a *app) logForkCommand() *cobra.Command {
	at := ""
	return a.logEditCommand(logEdit{
		use: "fork DIR LOG NAME", short: "Make a log that goes on from a place in another", args: 3,
		long: `Make a log that has the records of another one before an offset, and goes on by
itself from there. The records are shared, not copied.`,
		example: `  ardea log fork /var/lib/events clicks experiment
  ardea log fork /var/lib/events clicks replay --at 1000000`,
		flags: func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&at, "at", "", "share the records before `OFFSET` (default: all that are durable)")
		},
		do: func(ctx context.Context, s logStore, args []string) (string, string, error) {
			info, err := s.Info(ctx, args[0])
			offset := info.Committed
			if at != "" {
				var bad error
				offset, bad = parseOffset(at)
				err = errors.Join(bad, err)
			}
			if err != nil {
				return "", "", err
			}
			return args[1], fmt.Sprintf("%s goes on from %d of %s", args[1], offset, args[0]), s.Fork(ctx, args[0], args[1], offset)
		},
	})
}
