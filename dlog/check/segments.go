package check

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/segment"
)

// segments explains the segment files.
func (c *checker) segments(ctx context.Context) error {
	infos, err := c.list(segmentsFolder)
	if err != nil {
		return err
	}
	for _, i := range infos {
		if err := ctx.Err(); err != nil {
			return err
		}
		number, is := strings.CutSuffix(i.Name, ".segment")
		file, notANumber := strconv.ParseUint(number, 16, 64)
		if is = is && i.Regular && notANumber == nil && len(number) == 16; is {
			f := c.file(segmentsFolder, i.Name, Segment, i.Size)
			if err := c.segment(f, file); err != nil {
				return err
			}
			delete(c.needed, file)
			continue
		}
		f := c.file(segmentsFolder, i.Name, ForeignFile, i.Size)
		f.State = LeftOver
		if strings.HasSuffix(i.Name, ".bad") {
			f.Kind = SetAside
		}
		if !i.Regular {
			f.Fault = foreignThing
			continue
		}
		c.tell(f, Range{What: "unexplained", To: i.Size, State: LeftOver})
		c.progress(i.Size)
	}
	for file, row := range c.needed {
		if row.Bytes == 0 || row.Log == c.trash {
			continue
		}
		f := c.file(segmentsFolder, filepath.Base(segment.FileName("", file)), Segment, 0)
		f.Log, f.Durable, f.State, f.Fault = c.name(row.Owner), row.Bytes, Damaged, "the file is missing"
	}
	return nil
}

// segment explains a segment file. What lies before the durable end must be whole; in a sealed file everything must.
func (c *checker) segment(f *File, file uint64) error {
	row, used := c.needed[file]
	used = used && row.Log != c.trash
	if !used {
		row = metadata.Segment{}
	}
	f.Durable = row.Bytes
	lost, whole := "", row.Bytes == 0
	report, err := segment.Check(c.fs, filepath.Join(c.dir, f.Name), nil, func(r segment.Range) {
		out := c.segmentRange(&r)
		if r.What > segment.SealFooter {
			out.State = LeftOver
			if used && (r.From < row.Bytes || row.Sealed) {
				out.State = Damaged
				if lost == "" {
					lost = fmt.Sprintf("bytes %d to %d are %s", r.From, r.To, out.What)
				}
			}
		}
		whole = whole || r.What == segment.Data && r.To == row.Bytes && r.Batch.Next() >= row.Next
		c.tell(f, out)
		c.progress(r.To - r.From)
	})
	if isLost(err) {
		f.State, f.Fault = Damaged, err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	f.Bytes, f.Sealed, f.Batches, f.Records = report.Size, report.Sealed, report.Batches, report.Records
	f.Log = c.name(report.ID.Log)
	if report.ID.Log == 0 && used {
		f.Log = c.name(row.Owner)
	}
	if !used {
		f.State, f.Fault = LeftOver, "no log needs it"
		return nil
	}
	if f.Fault = c.fault(&report, &row, lost, whole); f.Fault != "" {
		f.State = Damaged
	}
	return nil
}

// fault says what is wrong with a segment file that is needed, empty for nothing.
func (c *checker) fault(report *segment.Report, row *metadata.Segment, lost string, whole bool) string {
	id := report.ID
	switch {
	case report.Size < row.Bytes:
		return fmt.Sprintf("it has %d bytes, of which %d must be there", report.Size, row.Bytes)
	case lost != "":
		return lost
	case row.Bytes > 0 && (c.id.Store != 0 && id.Store != c.id.Store || id.File != row.File || id.Log != row.Owner || id.First != row.OwnerFirst):
		return fmt.Sprintf("it is file %d of log %d from %d on in store %016x, not what the database says", id.File, id.Log, id.First, id.Store)
	case !whole:
		return fmt.Sprintf("no batch ends at %d, where the durable ones must end with record %d", row.Bytes, row.Next)
	case row.Sealed && !report.Sealed:
		return "its seal is missing: it can be read, but not searched fast"
	}
	return ""
}

// segmentRange translates a range.
func (c *checker) segmentRange(r *segment.Range) Range {
	out := Range{What: r.What.String(), From: r.From, To: r.To, State: Sound, Reason: text(r.Err)}
	if r.What == segment.Data {
		first, next, txid := r.Batch.First, r.Batch.Next(), r.Batch.TxID
		out.Count, out.First, out.Next, out.TxID = 1, &first, &next, &txid
	}
	return out
}
