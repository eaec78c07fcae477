package segment

import (
	"errors"
	"io"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// A scanner reads scanChunk bytes at once, but only scanHeader when it has just skipped more than a chunk.
const (
	scanChunk  = 32 << 10
	scanHeader = 512
)

// scanner reads the headers of batches one after the other and skips the payloads.
type scanner struct {
	f   disk.File
	id  *ID
	at  int64 // position of the next batch
	end int64 // position where the batches end

	batch Batch // without payload
	from  int64 // its position
	err   error

	buf  []byte
	have []byte // part of buf
	base int64  // position of have
}

// next goes to the next batch, and returns false at the end, or after an error.
func (s *scanner) next() bool {
	if s.at >= s.end || s.err != nil {
		return false
	}
	b, err := s.read()
	if err != nil {
		s.err = err
		return false
	}
	batch, kind, length, err := parseHead(b, s.id, s.at)
	switch {
	case err != nil:
		s.err = err
	case kind != kindBatch:
		s.err = ErrEnd
	case int64(blockSize(length)) > s.end-s.at:
		s.err = corrupt(s.id, s.at, errFileEnds)
	}
	if errors.Is(s.err, ErrShort) {
		s.err = corrupt(s.id, s.at, errFileEnds)
	}
	if s.err != nil {
		return false
	}
	s.batch, s.from = batch, s.at
	s.at += int64(blockSize(length))
	return true
}

// read returns the bytes from the position on, a header's at least if the file has them.
func (s *scanner) read() ([]byte, error) {
	if off := s.at - s.base; off >= 0 && off+blockHeader <= int64(len(s.have)) {
		return s.have[off:], nil
	}
	if s.buf == nil {
		s.buf = make([]byte, scanChunk)
	}
	want := int64(scanChunk)
	if s.at-s.base > scanChunk && s.base > 0 {
		want = scanHeader
	}
	n, err := s.f.ReadAt(s.buf[:min(want, s.end-s.at)], s.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s.have, s.base = s.buf[:n], s.at
	return s.have, nil
}

// located puts a path into a CorruptError.
func located(err error, path string) error {
	if c, ok := errors.AsType[*CorruptError](err); ok {
		c.Path = path
	}
	return err
}
