package deliver

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

// maxLine is the longest line that is taken, in bytes.
const maxLine = 64 << 10

// lines is the spout. The id of a line is its offset.
type lines struct {
	path string
	file *os.File
	out  *topology.Collector

	in    *bufio.Reader // at offset at
	at    int64
	again *bufio.Reader // of Replay
}

// Open opens the file.
func (s *lines) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	file, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("deliver: input: %w", err)
	}
	s.file, s.out = file, out
	s.in, s.again = bufio.NewReaderSize(nil, maxLine), bufio.NewReaderSize(nil, maxLine)
	return s.Seek(0)
}

// Next sends the next line.
func (s *lines) Next() error {
	n, err := s.send(s.in, s.at)
	s.at += int64(n)
	return err
}

// Seek goes on with the line at an offset.
func (s *lines) Seek(id uint64) error {
	s.at = int64(id)
	s.in.Reset(s.from(s.at))
	return nil
}

// Replay sends a line again.
func (s *lines) Replay(id uint64) error {
	s.again.Reset(s.from(int64(id)))
	_, err := s.send(s.again, int64(id))
	return err
}

func (s *lines) from(offset int64) io.Reader {
	return io.NewSectionReader(s.file, offset, 1<<62)
}

// send sends the line that is next in a reader and returns its length in the file.
func (s *lines) send(in *bufio.Reader, offset int64) (n int, err error) {
	line, err := in.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(line) == 0:
		return 0, io.EOF
	case err != nil && !errors.Is(err, io.EOF): // a last line may lack its end
		return 0, fmt.Errorf("deliver: input at offset %d: %w", offset, err)
	}
	text := bytes.TrimRight(line, "\r\n")
	return len(line), s.out.EmitID(uint64(offset), topology.Int(offset), topology.Bytes(text))
}

// Close closes the file.
func (s *lines) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
