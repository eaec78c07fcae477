package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/dlog"
)

// logDetails is logDescription with the subscriptions.
type logDetails struct {
	logDescription

	Subscriptions []logSubscription `json:"subscriptions"`
}

type logSubscription struct {
	Name    string    `json:"name"`
	Offset  uint64    `json:"offset"`
	Behind  uint64    `json:"behind"` // records that it has still to read
	Updated time.Time `json:"updated"`
}

func (a *app) logInfoCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "info DIR LOG",
		Short: "Show what is known of a log",
		Long: `Show what is known of a log: which records it has, its last transaction, what it keeps,
and how far its subscriptions have come.`,
		Example: `  ardea log info /var/lib/events clicks
  ardea log info /var/lib/events clicks --json`,
		Args: logArgs("DIR LOG", 2),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return withLogs(cmd.Context(), args[0], func(s logStore) error { return a.logInfo(cmd.Context(), s, args[1], asJSON) })
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

func (a *app) logInfo(ctx context.Context, s logStore, log string, asJSON bool) error {
	info, err := s.Info(ctx, log)
	if err != nil {
		return err
	}
	subs, err := s.Subscriptions(ctx, log)
	if err != nil {
		return err
	}
	d := logDetails{describeLog(&info), []logSubscription{}}
	for _, sub := range subs {
		d.Subscriptions = append(d.Subscriptions, logSubscription{
			sub.Name, sub.Offset, info.Committed - min(sub.Offset, info.Committed), sub.Updated.UTC(),
		})
	}
	if asJSON {
		return a.writeJSON(&d)
	}
	return a.printLogInfo(&d, &info)
}

func (a *app) printLogInfo(d *logDetails, info *dlog.Info) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { _, _ = fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	line("log", "%s, number %d, made %s", d.Name, d.ID, d.Created.Format(time.RFC3339))
	line("records", "%d: %d to before %d", d.End-d.First, d.First, d.End)
	line("durable", "before %d", d.Committed)
	line("files", "%d with %d bytes", d.Segments, d.Bytes)
	if d.Time != nil {
		line("last batch", "%s, transaction %d", d.Time.Format(time.RFC3339Nano), info.TxID)
	}
	line("writer", "epoch %d", d.Epoch)
	if d.Sealed {
		line("sealed", "nothing is appended any more")
	}
	if d.RetainAge != "" {
		line("keeps", "records of the last %s", d.RetainAge)
	}
	if d.RetainBytes > 0 {
		line("keeps", "%d bytes", d.RetainBytes)
	}
	if d.Parent != 0 {
		line("fork", "of log number %d, before %d", d.Parent, d.ForkedAt)
	}
	for _, sub := range d.Subscriptions {
		line("subscription", "%s wants %d, %d behind, since %s", sub.Name, sub.Offset, sub.Behind, sub.Updated.Format(time.RFC3339))
	}
	return w.Flush()
}
