package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/local"
)

// logAppendOptions are the flags of ardea log append.
type logAppendOptions struct {
	batch int
	level string
	txid  int64
	given bool // the transaction id
	null  bool // a NUL byte ends each record
	json  bool
}

// appendReport is what was appended.
type appendReport struct {
	Log     string `json:"log"`
	Records uint64 `json:"records"`
	Batches uint64 `json:"batches"`
	First   uint64 `json:"first"` // offset of the first record
	Next    uint64 `json:"next"`  // offset behind the last record
	TxID    int64  `json:"txid"`
	Level   string `json:"level"`
}

const (
	// appendInput is how much input is read at once, in bytes; a batch goes when none of it is left.
	appendInput = 1 << 20
	// appendAhead is how many batches may be on their way.
	appendAhead = 64
	// appendProgress is how often progress is told, on a terminal.
	appendProgress = time.Second
)

var logLevels = map[string]dlog.Level{"disk": dlog.Disk, "os": dlog.OS, "memory": dlog.Memory}

func (a *app) logAppendCommand() *cobra.Command {
	var o logAppendOptions
	cmd := &cobra.Command{
		Use:   "append DIR LOG",
		Short: "Append the lines of standard input",
		Long: `Append each line of standard input as a record, without its newline and otherwise as it
is: an empty line is an empty record, and a carriage return stays. With --null a NUL
byte ends each record, which may hold newlines then. The last one need not be ended.
A record may have as many bytes as a batch, 4 MiB less a few; at a longer one the
command ends, and what stands before it is appended.

Lines go in batches as soon as no more input waits. The command becomes the log's only
writer: whoever appends to it now is told that another one has taken over. What is
reported as appended has reached LEVEL, also after Ctrl-C.`,
		Example: `  ardea log append /var/lib/events clicks < clicks.txt
  tail -f access.log | ardea log append /var/lib/events access --batch 100
  ardea log append /var/lib/events clicks --txid 42 --level os --json < clicks.txt
  find . -print0 | ardea log append /var/lib/events files --null`,
		Args: logArgs("DIR LOG", 2),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			level, known := logLevels[o.level]
			if !known {
				return usagef("--level %s: use disk, os or memory", o.level)
			}
			if o.batch < 1 || o.batch > math.MaxInt32 {
				return usagef("--batch %d: the least is 1", o.batch)
			}
			o.given = cmd.Flags().Changed("txid")
			return withLogs(cmd.Context(), args[0], func(s logStore) error {
				return a.logAppend(cmd.Context(), s, args[1], level, o)
			})
		}),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.IntVar(&o.batch, "batch", 1000, "put up to `N` lines into a batch")
	f.StringVar(&o.level, "level", "disk", "count a batch as appended when it has reached `LEVEL`: disk (survives a power failure), os (a crash of the program), memory")
	f.Int64Var(&o.txid, "txid", 0, "give the batches transaction id `N`, not lower than the log's last one (default: that one)")
	f.BoolVarP(&o.null, "null", "0", false, "a NUL byte ends each record, not a newline")
	f.BoolVar(&o.json, "json", false, "print what was appended as JSON")
	return cmd
}

func (a *app) logAppend(ctx context.Context, s logStore, log string, level dlog.Level, o logAppendOptions) error {
	info, err := s.Info(ctx, log)
	if err != nil {
		return err
	}
	if !o.given && info.TxID != math.MinInt64 {
		o.txid = info.TxID
	}
	w, err := s.writer(ctx, log)
	if err != nil {
		return err
	}
	p := appending{w: w, level: level, txid: o.txid, told: time.Now()}
	if a.width != nil {
		p.live = local.NewLiveLine(a.stderr, a.width)
	}
	p.report = appendReport{Log: log, TxID: o.txid, Level: o.level, First: info.End, Next: info.End}
	in := a.stdin
	if in == nil {
		in = bytes.NewReader(nil)
	}
	err = p.run(ctx, &lineBatches{in: bufio.NewReaderSize(in, appendInput), max: o.batch, limit: s.MaxBatch(), end: delimiter(o.null)})
	if p.live != nil {
		p.live.Set("")
	}
	if o.json {
		return errors.Join(a.writeJSON(&p.report), err)
	}
	_, bad := fmt.Fprintf(a.stdout, "appended %d records to %s, which ends at %d\n", p.report.Records, log, p.report.Next)
	return errors.Join(bad, err)
}

// appending is a run of ardea log append.
type appending struct {
	w      logWriter
	level  dlog.Level
	txid   int64
	live   *local.LiveLine // where progress is told, on a terminal
	told   time.Time       // when it was told last
	ahead  []logFuture
	report appendReport
}

// lines is a batch, or why there are no more.
type lines struct {
	body  []byte
	count uint32
	err   error
}

// run appends until the input ends. Input is read by another goroutine, which an end of the context leaves behind in its
// read.
func (p *appending) run(ctx context.Context, from *lineBatches) error {
	batches := make(chan lines)
	gone := make(chan struct{})
	defer close(gone)
	go func() {
		for {
			b := from.next()
			select {
			case batches <- b:
			case <-gone:
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	err := p.take(ctx, batches)
	settle := context.WithoutCancel(ctx) // what is on its way soon arrives, or fails
	for len(p.ahead) > 0 {
		if failed := p.wait(settle); failed != nil && err == nil {
			err = failed
		}
	}
	return err
}

// take appends the batches that come.
func (p *appending) take(ctx context.Context, batches <-chan lines) error {
	for {
		var b lines
		select {
		case b = <-batches:
		case <-ctx.Done():
			return fmt.Errorf("%w: the rest of the input was not read", errInterrupted)
		}
		if b.count > 0 {
			if len(p.ahead) == appendAhead {
				if err := p.wait(ctx); err != nil {
					return err
				}
			}
			f, err := p.w.append(b.body, b.count, p.txid, p.level)
			if err != nil {
				return err
			}
			p.ahead = append(p.ahead, f)
		}
		if errors.Is(b.err, io.EOF) {
			return nil
		}
		if b.err != nil {
			return b.err
		}
	}
}

// wait waits for the batch that has been on its way for longest.
func (p *appending) wait(ctx context.Context) error {
	r, err := p.ahead[0].Wait(ctx)
	p.ahead = p.ahead[1:]
	if err != nil {
		return err
	}
	if p.report.Batches == 0 {
		p.report.First = r.First
	}
	p.report.Batches++
	p.report.Records += uint64(r.Count)
	p.report.Next = r.First + uint64(r.Count)
	if p.live == nil {
		return nil
	}
	if now := time.Now(); now.Sub(p.told) >= appendProgress {
		p.told = now
		p.live.Set(fmt.Sprintf("appended %d records so far", p.report.Records))
	}
	return nil
}

// lineBatches makes batches of lines: of as many as there are at once.
type lineBatches struct {
	in    *bufio.Reader
	max   int // lines
	limit int // bytes
	end   byte
	held  []byte
	line  uint64
}

// next returns the next batch, whose body the caller owns.
func (l *lineBatches) next() lines {
	var b lines
	if l.held != nil {
		b.body, b.count, l.held = codec.AppendRecord(b.body, l.held), 1, nil
	}
	for int(b.count) < l.max {
		line, err := l.readLine()
		if err != nil {
			b.err = err
			return b
		}
		if len(b.body)+len(line)+10 > l.limit && b.count > 0 {
			l.held = line
			return b
		}
		b.body = codec.AppendRecord(b.body, line)
		b.count++
		waiting, _ := l.in.Peek(l.in.Buffered())
		if bytes.IndexByte(waiting, l.end) < 0 {
			return b
		}
	}
	return b
}

// readLine returns a line without its newline, which the last one need not have, or io.EOF.
func (l *lineBatches) readLine() ([]byte, error) {
	l.line++
	line := []byte{}
	for {
		part, err := l.in.ReadSlice(l.end)
		line = append(line, part...)
		if len(line) > l.limit-10 {
			return nil, fmt.Errorf("record %d of the input has more than %d bytes, the most that a batch can have: the %d before it are appended", l.line, l.limit-10, l.line-1)
		}
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		default:
			return nil, err
		}
	}
}
