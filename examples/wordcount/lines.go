package wordcount

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ardea-stream/ardea/topology"
)

// maxLine is the longest piece of a line that is sent as one tuple, in bytes.
const maxLine = 256 << 10

// lines is the spout. Of n tasks task i sends the lines whose first byte lies
// in the i-th n-th of the file.
type lines struct {
	path string
	size int64 // of the file, as the topology was built: all tasks must divide the same number

	file *os.File
	in   *bufio.Reader
	at   int64 // offset of the next byte
	end  int64 // first offset that belongs to the next task
	cut  bool  // the last piece was no whole line: what follows belongs to it
	out  *topology.Collector
}

// Open seeks to the first line of the task's share.
func (s *lines) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	file, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("wordcount: input: %w", err)
	}
	i, n := int64(task.Index), int64(task.Parallelism)
	s.file, s.out = file, out
	s.at, s.end = s.size*i/n, s.size*(i+1)/n
	s.in = bufio.NewReaderSize(file, maxLine)
	if s.at == 0 {
		return nil
	}
	// The line that reaches into the share from before it is the previous
	// task's. From one byte earlier, a line that begins exactly here is ours.
	s.at--
	if _, err := s.file.Seek(s.at, io.SeekStart); err != nil {
		return fmt.Errorf("wordcount: input: %w", err)
	}
	for whole := false; !whole; {
		piece, err := s.piece()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("wordcount: input: %w", err)
		}
		whole = !s.cut
		s.drop(len(piece))
	}
	return nil
}

// Next sends one line, or one piece of a long one.
func (s *lines) Next() error {
	if s.at >= s.end && !s.cut {
		return io.EOF
	}
	piece, err := s.piece()
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("wordcount: input: %w", err)
	}
	n := len(piece)
	if line := bytes.TrimRight(piece, "\r\n"); len(line) > 0 {
		err = s.out.Emit(topology.Bytes(line))
	}
	s.drop(n)
	return err
}

// piece returns the next line with its end, or as much of it as fits the
// buffer, cut between words; s.cut says which. The bytes are the reader's.
func (s *lines) piece() ([]byte, error) {
	for {
		b, _ := s.in.Peek(s.in.Buffered())
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			s.cut = false
			return b[:i+1], nil
		}
		if len(b) == s.in.Size() {
			s.cut = true
			return b[:boundary(b)], nil
		}
		if more, err := s.in.Peek(len(b) + 1); err != nil { // which moves what b has shown
			s.cut = false
			if errors.Is(err, io.EOF) && len(more) > 0 {
				return more, nil
			}
			return nil, err
		}
	}
}

func (s *lines) drop(n int) {
	_, _ = s.in.Discard(n) // of what Peek has shown
	s.at += int64(n)
}

// Close closes the file.
func (s *lines) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
