package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

const (
	batchLines = 1000
	batchTime  = 10 * time.Millisecond
)

// sink appends lines to a file, in batches, and acks what it has written.
type sink struct {
	path string
	file *os.File
	out  *topology.Collector

	batch   []byte
	anchors []topology.Anchor // of the lines in it
}

// Open opens the file behind its last whole line.
func (b *sink) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	file, err := os.OpenFile(b.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("deliver: output: %w", err)
	}
	b.file, b.out = file, out
	end, err := lastLine(file)
	if err == nil {
		err = file.Truncate(end)
	}
	if err == nil {
		_, err = file.Seek(end, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("deliver: output: %w", err)
	}
	return nil
}

// lastLine returns the offset behind the last line that has an end.
func lastLine(file *os.File) (int64, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, maxLine)
	for end := size; end > 0; {
		begin := max(0, end-int64(len(buf)))
		part := buf[:end-begin]
		if _, err := file.ReadAt(part, begin); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return 0, nil
}

// Execute takes one line.
func (b *sink) Execute(t *topology.Tuple) error {
	offset, err := t.Int(0)
	if err != nil {
		return err
	}
	line, err := t.Bytes(1)
	if err != nil {
		return err
	}
	b.batch = strconv.AppendInt(b.batch, offset, 10)
	b.batch = append(b.batch, '\t')
	b.batch = append(b.batch, line...)
	b.batch = append(b.batch, '\n')
	b.anchors = append(b.anchors, t.Anchor())
	if len(b.anchors) < batchLines {
		return nil
	}
	return b.write()
}

// Tick writes what has waited for more.
func (b *sink) Tick(time.Time) error { return b.write() }

// write writes the batch and acks its lines. If it cannot be written all of them
// are failed, and will be sent again.
func (b *sink) write() error {
	if len(b.anchors) == 0 {
		return nil
	}
	_, err := b.file.Write(b.batch)
	var errs []error
	for _, a := range b.anchors {
		if err != nil {
			errs = append(errs, b.out.Fail(a, err))
		} else {
			errs = append(errs, b.out.Ack(a))
		}
	}
	b.batch, b.anchors = b.batch[:0], b.anchors[:0]
	return errors.Join(append(errs, err)...)
}

// Close closes the file.
func (b *sink) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
