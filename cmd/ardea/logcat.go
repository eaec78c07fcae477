package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/dlog"
)

// logReadOptions are the flags of ardea log cat and ardea log tail.
type logReadOptions struct {
	from         string
	n            uint64 // records, 0 for all
	follow       bool
	subscription string
	null         bool // a NUL byte ends each record
	json         bool
}

// commitEvery is after how many records a subscription's position is stored, beside at the end of what there is.
const commitEvery = 10_000

func (a *app) logCatCommand() *cobra.Command {
	return a.logReadCommand(&cobra.Command{
		Use:   "cat DIR LOG",
		Short: "Print the records of a log",
		Long: `Print the records of a log, each on a line, as they are; with --json each as an object
with its offset, and in base64 what is no text; with --null a NUL byte ends each one,
for records that hold newlines. Records that are damaged are left out and reported,
and the exit status is 1 then. With --subscription it goes on where the last one of
that name ended, and what was printed counts as read.

A place to begin at (--from) is first, last, an offset such as 1000, txid:42 for the
first record of that transaction or a later one, or a time: 2026-01-31T12:00:00Z,
2026-01-31 (UTC), time:1769860800 in seconds since 1970, or -10m, -2d for how long ago.`,
		Example: `  ardea log cat /var/lib/events clicks
  ardea log cat /var/lib/events clicks --from 1000 -n 10
  ardea log cat /var/lib/events clicks --from 2026-01-31T12:00:00Z --json
  ardea log cat /var/lib/events clicks --from -10m
  ardea log cat /var/lib/events clicks --subscription report`,
	}, 0)
}

func (a *app) logTailCommand() *cobra.Command {
	return a.logReadCommand(&cobra.Command{
		Use:   "tail DIR LOG",
		Short: "Print the last records of a log, and those that come",
		Long: `Print the last records of a log, each on a line, or all from a place on if --from or
--subscription says one. With --follow it goes on with what is appended until Ctrl-C,
or until the log is sealed; that needs a store that is served, as the others that
append come through the process that has it open. --from takes what ardea log cat does.`,
		Example: `  ardea log tail /var/lib/events clicks -n 3
  ardea log tail /var/lib/events clicks --follow
  ardea log tail /var/lib/events clicks --follow --subscription mailer --json`,
	}, 10)
}

// logReadCommand completes a command. last is how many of the last records it prints if nothing says where to begin, 0
// for all.
func (a *app) logReadCommand(cmd *cobra.Command, last uint64) *cobra.Command {
	var o logReadOptions
	cmd.Args = logArgs("DIR LOG", 2)
	cmd.RunE = a.begin(func(cmd *cobra.Command, args []string) error {
		from, err := parsePlace(o.from, time.Now())
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		return withLogs(ctx, args[0], func(s logStore) error {
			if last > 0 && !cmd.Flags().Changed("from") && o.subscription == "" {
				info, err := s.Info(ctx, args[1])
				if err != nil {
					return err
				}
				from = dlog.Offset(max(info.First, info.Committed-min(info.Committed, o.n)))
				o.n = 0
			} else if last > 0 && !cmd.Flags().Changed("number") {
				o.n = 0
			}
			return a.logRead(ctx, s, args[1], from, o)
		})
	})
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.from, "from", "first", "begin at `PLACE`: "+placeUsage)
	number := "print `N` records (0: all)"
	if last > 0 {
		number = "print the last `N` records, or N from --from on (default with that: all)"
	}
	f.Uint64VarP(&o.n, "number", "n", last, number)
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what is appended")
	f.StringVar(&o.subscription, "subscription", "", "begin where subscription `NAME` is, and store how far it has come")
	f.BoolVarP(&o.null, "null", "0", false, "end each record with a NUL byte, not with a newline")
	f.BoolVar(&o.json, "json", false, "print each record as a JSON object")
	cmd.MarkFlagsMutuallyExclusive("null", "json")
	return cmd
}

func (a *app) logRead(ctx context.Context, s logStore, log string, from dlog.From, o logReadOptions) error {
	if o.subscription != "" {
		at, err := s.Subscribe(ctx, log, o.subscription, from)
		if err != nil {
			return err
		}
		from = dlog.Offset(at)
	}
	r, err := s.read(ctx, log, from)
	if err != nil {
		return err
	}
	if _, own := s.(ownLogs); own && o.follow {
		info, err := s.Info(ctx, log)
		if err != nil {
			return errors.Join(err, r.Close())
		}
		if !info.Sealed {
			a.say("nobody appends while this command has the store open: let ardea log serve have it, and follow then")
		}
	}
	p := logPrinter{o: o, log: log, store: s, stream: r, out: bufio.NewWriterSize(a.stdout, 64<<10), errs: a.stderr}
	return errors.Join(p.run(ctx), r.Close())
}

// logPrinter prints a log.
type logPrinter struct {
	o      logReadOptions
	log    string
	store  logStore
	stream logStream
	out    *bufio.Writer
	errs   io.Writer

	printed uint64 // records
	next    uint64 // offset behind what was printed
	pending uint64 // records that were printed and not committed
	damage  error  // the last that was met
}

// run prints until there is no more.
func (p *logPrinter) run(ctx context.Context) error {
	err := p.print(ctx)
	// What was printed counts, however it ended.
	return errors.Join(err, p.settle(context.WithoutCancel(ctx)), p.damage)
}

func (p *logPrinter) print(ctx context.Context) error {
	for wait := false; p.o.n == 0 || p.printed < p.o.n; {
		b, err := p.stream.next(ctx, wait)
		wait = false
		switch {
		case err == nil:
			if err := p.batch(ctx, &b); err != nil {
				return err
			}
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, dlog.ErrEnd) && p.o.follow:
			if err := p.settle(ctx); err != nil {
				return err
			}
			wait = true
		case errors.Is(err, dlog.ErrEnd):
			return nil
		case ctx.Err() != nil:
			if p.o.follow { // the way in which it ends
				return nil
			}
			return errInterrupted
		case errors.Is(err, dlog.ErrCorrupt):
			p.damage = err
			_, _ = fmt.Fprintf(p.errs, "%v; going on at %d\n", err, p.stream.Skip())
		case errors.Is(err, dlog.ErrTruncated):
			return fmt.Errorf("%w: use --from first", err)
		default:
			return err
		}
	}
	return nil
}

// batch prints records.
func (p *logPrinter) batch(ctx context.Context, b *logBatch) error {
	for offset, rec := range b.records {
		if p.o.n > 0 && p.printed == p.o.n {
			break
		}
		if err := p.record(b, offset, rec); err != nil {
			return err
		}
		p.next = offset + 1
		p.printed++
		p.pending++
	}
	if p.o.subscription != "" && p.pending >= commitEvery {
		return p.settle(ctx)
	}
	return nil
}

// logRecord is a record as JSON. Data is there if it is text, else Base64 is.
type logRecord struct {
	Offset uint64    `json:"offset"`
	TxID   int64     `json:"txid"`
	Time   time.Time `json:"time"`
	Data   *string   `json:"data,omitempty"`
	Base64 []byte    `json:"base64,omitempty"`
}

func (p *logPrinter) record(b *logBatch, offset uint64, rec []byte) error {
	if !p.o.json {
		_, _ = p.out.Write(rec)
		return p.out.WriteByte(delimiter(p.o.null))
	}
	r := logRecord{Offset: offset, TxID: b.txid, Time: time.Unix(0, b.time).UTC()}
	if utf8.Valid(rec) {
		text := string(rec)
		r.Data = &text
	} else {
		r.Base64 = rec
	}
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(&r)
}

// delimiter returns the byte that ends a record.
func delimiter(null bool) byte {
	if null {
		return 0
	}
	return '\n'
}

// settle hands out what was printed, and then stores the position.
func (p *logPrinter) settle(ctx context.Context) error {
	if err := p.out.Flush(); err != nil || p.pending == 0 {
		return err
	}
	p.pending = 0
	if p.o.subscription == "" {
		return nil
	}
	return p.store.Commit(ctx, p.log, p.o.subscription, p.next)
}
