package local

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"
)

const (
	maxRelayed = 16 << 10 // longest line that is relayed in one piece, in bytes
	maxKept    = 1 << 10  // of a line that an error quotes
	maxTold    = 8 << 10  // of what a dead process wrote last, or of its crash
)

// syncWriter lets several goroutines write, one at a time.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// relay copies lines with a prefix and remembers the one that tells most of why
// their writer died. It belongs to one goroutine.
type relay struct {
	prefix string
	dst    io.Writer
	first  string // that begins a crash report of the runtime
	last   string // that is not empty
	told   []byte // the end of everything, or since a crash began its beginning
}

// causes begin the line of a Go crash that says why.
var causes = [][]byte{[]byte("panic: "), []byte("fatal error: "), []byte("runtime: out of memory")}

// copy relays until src ends. A destination that fails is not written to again, but src is still emptied.
func (r *relay) copy(src io.Reader) {
	in := bufio.NewReaderSize(src, maxRelayed)
	broken := false
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			r.remember(line)
			if !broken {
				broken = r.write(line) != nil
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func (r *relay) write(line []byte) error {
	out := make([]byte, 0, len(r.prefix)+len(line)+1)
	out = append(append(out, r.prefix...), line...)
	if out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	_, err := r.dst.Write(out)
	return err
}

func (r *relay) remember(line []byte) {
	defer r.keep(line)
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	line = line[:min(len(line), maxKept)]
	r.last = string(line)
	for _, cause := range causes {
		if r.first == "" && bytes.HasPrefix(line, cause) {
			r.first = r.last
			r.told = r.told[:0]
		}
	}
}

// keep remembers a line of the end, or of a crash report, whose beginning names
// the goroutine that fell. It comes after remember has seen whether that has begun.
func (r *relay) keep(line []byte) {
	r.told = append(r.told, line...)
	over := len(r.told) - maxTold
	switch {
	case r.first != "" && over > 0:
		r.told = r.told[:maxTold]
	case over > maxTold: // seldom, so that little is moved
		r.told = append(r.told[:0], r.told[over:]...)
	}
}

// text returns what the writer wrote last, and whether that is a crash report.
func (r *relay) text() (text string, crashed bool) {
	b := r.told[max(0, len(r.told)-maxTold):]
	return string(bytes.TrimSpace(b)), r.first != ""
}

// line returns what tells most of why the writer died, empty if it wrote nothing.
func (r *relay) line() string {
	if r.first != "" {
		return r.first
	}
	return r.last
}
