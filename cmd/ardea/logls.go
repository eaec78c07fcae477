package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/dlog"
)

// logDescription is what is known of a log, as JSON.
type logDescription struct {
	Name        string     `json:"name"`
	ID          uint64     `json:"id"`
	Created     time.Time  `json:"created"`
	First       uint64     `json:"first"`
	End         uint64     `json:"end"`
	Committed   uint64     `json:"committed"`
	TxID        *int64     `json:"txid,omitempty"` // of the last batch
	Time        *time.Time `json:"time,omitempty"` // of the last batch
	Epoch       uint64     `json:"epoch"`
	Sealed      bool       `json:"sealed"`
	Bytes       int64      `json:"bytes"`
	Segments    int        `json:"segments"`
	RetainAge   string     `json:"retain_age,omitempty"`
	RetainBytes int64      `json:"retain_bytes,omitempty"`
	Parent      uint64     `json:"parent,omitempty"`
	ForkedAt    uint64     `json:"forked_at,omitempty"`
}

func describeLog(i *dlog.Info) logDescription {
	d := logDescription{
		Name: i.Name, ID: i.ID, Created: i.Created.UTC(), First: i.First, End: i.End, Committed: i.Committed, Epoch: i.Epoch,
		Sealed: i.Sealed, Bytes: i.Bytes, Segments: i.Segments, RetainBytes: i.Retain.Bytes, Parent: i.Parent, ForkedAt: i.ForkedAt,
	}
	if i.TxID != math.MinInt64 {
		d.TxID = &i.TxID
	}
	if !i.Time.IsZero() {
		at := i.Time.UTC()
		d.Time = &at
	}
	if i.Retain.Age > 0 {
		d.RetainAge = i.Retain.Age.String()
	}
	return d
}

func (a *app) logLsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls DIR [PREFIX]",
		Short: "List the logs of a store",
		Long: `List the logs of the store in folder DIR, in the order of their names, or those
whose names begin with PREFIX. A log holds the records from FIRST to before END.`,
		Example: `  ardea log ls /var/lib/events
  ardea log ls /var/lib/events click --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("%d arguments are given: name a folder, and a prefix if you like", len(args))
			}
			if args[0] == "" {
				return usagef("the name of the folder is empty")
			}
			return nil
		},
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			prefix := ""
			if len(args) > 1 {
				prefix = args[1]
			}
			return a.logLs(cmd.Context(), args[0], prefix, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

func (a *app) logLs(ctx context.Context, dir, prefix string, asJSON bool) (err error) {
	s, err := openLogStore(ctx, dir, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	infos, err := s.Logs(ctx, prefix)
	if err != nil {
		return err
	}
	if asJSON {
		all := make([]logDescription, len(infos))
		for i := range infos {
			all[i] = describeLog(&infos[i])
		}
		return a.writeJSON(all)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "LOG\tFIRST\tEND\tBYTES\tFILES\tLAST")
	for i := range infos {
		l := &infos[i]
		last := "never"
		if !l.Time.IsZero() {
			last = l.Time.UTC().Format(time.RFC3339)
		}
		if l.Sealed {
			last += ", sealed"
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\n", l.Name, l.First, l.End, l.Bytes, l.Segments, last)
	}
	return w.Flush()
}
