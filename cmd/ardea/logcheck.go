package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/dlog/check"
	"github.com/ardea-stream/ardea/dlog/identity"
	"github.com/ardea-stream/ardea/local"
)

// errDamaged says that ardea log check has found damage, which it has printed.
var errDamaged = errors.New("the store is damaged")

func (a *app) logCheckCommand() *cobra.Command {
	var asJSON, each bool
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Look for damage in a store that nobody has open",
		Long: `Read all files of the store in folder DIR, explain every byte of them, compare
segment files, journal and database with each other, and say what is damaged. Nothing
is repaired, and nothing is written: a store that may only be read can be checked.

What a crash has left is no damage: a torn tail of the journal, bytes behind the
durable end of a segment file. The next start cuts it off or passes over it.

The exit status is 0 if all is sound, 1 if there is damage, and 2 if the store could
not be looked at: because somebody has it open, or the folder is no store.`,
		Example: `  ardea log check /var/lib/events
  ardea log check /var/lib/events --ranges
  ardea log check /var/lib/events --json | jq '.files[] | select(.state == "DAMAGED")'`,
		Args: logArgs("DIR", 1),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return a.logCheck(cmd.Context(), args[0], each, asJSON)
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&each, "ranges", false, "list what each range of bytes is, batch by batch")
	f.BoolVar(&asJSON, "json", false, "print what was found as JSON, with all ranges")
	return cmd
}

func (a *app) logCheck(ctx context.Context, dir string, each, asJSON bool) error {
	found, err := a.checkStore(ctx, dir, each)
	switch {
	case ctx.Err() != nil && err != nil:
		return fmt.Errorf("%w: nothing is known of the store yet", errInterrupted)
	case errors.Is(err, identity.ErrNotStore):
		return notAStore(dir)
	case errors.Is(err, identity.ErrHeld):
		err = fmt.Errorf("%w: a store is checked while nobody has it open: stop that process first", err)
	}
	if err != nil {
		return &statusErr{err, statusUsage}
	}
	if asJSON {
		err = a.writeJSON(found)
	} else {
		err = a.printCheck(found, each)
	}
	if err == nil && found.Damaged {
		err = errDamaged
	}
	return err
}

// checkEvery is how often the progress of a check is told.
const checkEvery = 200 * time.Millisecond

// checkStore checks, and tells on a terminal how far it is.
func (a *app) checkStore(ctx context.Context, dir string, each bool) (*check.Report, error) {
	o := check.Options{Each: each}
	if a.width != nil {
		live := local.NewLiveLine(a.stderr, a.width)
		defer live.Set("")
		told := time.Now()
		o.Progress = func(done, total int64) {
			if now := time.Now(); now.Sub(told) >= checkEvery {
				told = now
				live.Set(fmt.Sprintf("checked %s of %s", formatBytes(done), formatBytes(total)))
			}
		}
	}
	return check.Store(ctx, dir, o)
}

// printCheck prints a table of the files, what is wrong with them, and totals.
func (a *app) printCheck(c *check.Report, each bool) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "FILE\tKIND\tLOG\tBYTES\tBATCHES\tRECORDS\tSTATE")
	for _, f := range c.Files {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", f.Name, f.Kind, orDash(f.Log), f.Bytes, f.Batches, f.Records, f.State)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range c.Files {
		if err := a.printCheckedFile(f, each); err != nil {
			return err
		}
	}
	for _, p := range c.Problems {
		_, _ = fmt.Fprintln(a.stdout, "PROBLEM: "+p)
	}
	return a.printCheckTotals(c)
}

// worstRanges is how many ranges of a file are listed that are not sound, unless all are.
const worstRanges = 20

// printCheckedFile prints the ranges of a file: all, or those that are not sound.
func (a *app) printCheckedFile(f *check.File, each bool) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	if each {
		_, _ = fmt.Fprintf(w, "\n%s\nFROM\tTO\tWHAT\tSTATE\tLOG\tOFFSETS\tTXID\tSYNCED\tREASON\n", f.Name)
	}
	listed, more := 0, 0
	for i := range f.Ranges {
		r := &f.Ranges[i]
		switch {
		case each:
			_, _ = fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.From, r.To, r.What, r.State, orDash(r.Log), offsetsOf(r), txidOf(r), orDash(r.Synced), orDash(r.Reason))
		case r.Reason == "":
		case listed == worstRanges:
			more++
		default:
			listed++
			_, _ = fmt.Fprintf(w, "%s: bytes %d to before %d are %s (%s): %s\n", f.Name, r.From, r.To, r.What, r.State, r.Reason)
		}
	}
	if more > 0 {
		_, _ = fmt.Fprintf(w, "%s: %d ranges more: see --ranges\n", f.Name, more)
	}
	if f.Fault != "" {
		_, _ = fmt.Fprintf(w, "%s: %s\n", f.Name, f.Fault)
	}
	return w.Flush()
}

func (a *app) printCheckTotals(c *check.Report) error {
	t := &c.Totals
	journal := "not closed, nothing torn"
	switch {
	case c.Journal.Clean || c.Journal.Entries == 0 && c.Journal.TornBytes == 0:
		journal = "closed"
	case c.Journal.TornBytes > 0:
		journal = fmt.Sprintf("not closed, %d bytes torn", c.Journal.TornBytes)
	}
	verdict := "no damage"
	if c.Damaged {
		verdict = "DAMAGED"
	}
	_, err := fmt.Fprintf(a.stdout, `
%d logs; %d segment files with %d batches, %d records
journal: %d files with %d entries, %s
%d files in all with %d bytes: %d sound, %d left over, %d damaged
%s
`, t.Logs, t.Kinds[check.Segment], t.Batches, t.Records, c.Journal.Files, c.Journal.Entries, journal,
		t.Files, t.Bytes, t.States[check.Sound], t.States[check.LeftOver], t.States[check.Damaged], verdict)
	return err
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func offsetsOf(r *check.Range) string {
	if r.First == nil {
		return "-"
	}
	return fmt.Sprintf("%d to before %d", *r.First, *r.Next)
}

func txidOf(r *check.Range) string {
	if r.TxID == nil {
		return "-"
	}
	return strconv.FormatInt(*r.TxID, 10)
}
