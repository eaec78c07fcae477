package metadata

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ardea-stream/ardea/dlog/disk"
)

var errBetween = errors.New("belongs to no block")

// table explains a table of Pebble: its blocks, each with a checksum, and its footer, which has none.
func table(b []byte) (all []FileRange) {
	size := int64(len(b))
	blocks, footer, err := layout(b)
	if err != nil {
		return []FileRange{{What: rangeCorrupt, To: size, Err: fmt.Errorf("the blocks cannot be found: %w", err)}}
	}
	at := int64(0)
	tell := func(what string, to int64, err error) {
		if to > at {
			all = append(all, FileRange{What: what, From: at, To: to, Err: err})
			at = to
		}
	}
	kind := block.ChecksumType(b[footer.Offset])
	for _, h := range blocks {
		from, to := int64(h.Offset), int64(h.Offset+h.Length+block.TrailerLen)
		if from < at || to > int64(footer.Offset) {
			continue
		}
		tell("unexplained", from, errBetween)
		what := "block"
		err := block.ValidateChecksum(kind, b[from:to], h)
		if err != nil {
			what = rangeCorrupt
		}
		tell(what, to, err)
	}
	tell("unexplained", int64(footer.Offset), errBetween)
	tell("footer", size, nil)
	return all
}

// layout returns where the blocks and the footer of a table are, by what it says itself.
func layout(b []byte) (blocks []block.Handle, footer block.Handle, err error) {
	err = guard(func() error {
		f, err := sstable.NewSimpleReadable(&tableFile{b})
		if err != nil {
			return err
		}
		options := &pebble.Options{FormatMajorVersion: format}
		options.EnsureDefaults()
		r, err := sstable.NewReader(context.Background(), f, options.MakeReaderOptions()) //nolint:forbidigo // only for tracing
		if err != nil {
			return err
		}
		l, err := r.Layout()
		if err != nil {
			return errors.Join(err, r.Close())
		}
		for i := range l.Data {
			blocks = append(blocks, l.Data[i].Handle)
		}
		for i := range l.Filter {
			blocks = append(blocks, l.Filter[i].Handle)
		}
		blocks = append(append(blocks, l.Index...), l.ValueBlock...)
		blocks = append(blocks, l.TopIndex, l.RangeDel, l.RangeKey, l.ValueIndex, l.Properties, l.MetaIndex, l.BlobReferenceIndex)
		footer = l.Footer
		return r.Close()
	})
	if err == nil && (footer.Length == 0 || footer.Offset+footer.Length > uint64(len(b))) {
		err = errors.New("there is no footer")
	}
	blocks = slices.DeleteFunc(blocks, func(h block.Handle) bool { return h.Length == 0 })
	slices.SortFunc(blocks, func(a, b block.Handle) int { return cmp.Compare(a.Offset, b.Offset) })
	return blocks, footer, err
}

// tableFile is the bytes of a table as a file.
type tableFile struct{ b []byte }

// ReadAt reads.
func (f *tableFile) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at+int64(len(p)) > int64(len(f.b)) {
		return 0, errors.New("behind the end of the table")
	}
	return copy(p, f.b[at:]), nil
}

// Close does nothing.
func (f *tableFile) Close() error { return nil }

// Stat returns the length.
func (f *tableFile) Stat() (vfs.FileInfo, error) {
	return info{disk.Info{Size: int64(len(f.b)), Regular: true}}, nil
}
