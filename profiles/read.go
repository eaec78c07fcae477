package profiles

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/pprof/profile"
)

// MaxBytes is the largest profile that is read, compressed or not. That of a
// process of a run has some ten thousand bytes.
const MaxBytes = 16 << 20

// maxNanos is the most time in one profile, some hundred days: sums of a
// thousand of them fit their type, and floating-point numbers hold it exactly.
const maxNanos = 1 << 53

// Profile is the CPU profile of one process. It is not changed once it is read,
// so that goroutines may share it.
type Profile struct {
	path    string
	names   []string // of functions
	samples []sample
	nanos   int64 // of all samples
}

// sample is the time that was spent with one stack.
type sample struct {
	stack []int32 // indices of names, the leaf first; functions that the compiler has inlined stand as if called
	nanos int64
}

// Path is the file that the profile was read from, as it was given to ReadFile.
func (p *Profile) Path() string { return p.path }

// CPUSeconds is the time of all samples.
func (p *Profile) CPUSeconds() float64 { return float64(p.nanos) / 1e9 }

// ReadFile reads the profile in a file. Its errors are those of Read and of
// package os; all name the file.
func ReadFile(path string) (*Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	defer func() { _ = f.Close() }() // it is only read
	p, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p.path = path
	return p, nil
}

// Read reads a CPU profile as runtime/pprof writes it, compressed or not. A
// profile without samples is that of an idle process and no error. Errors are
// ErrEmpty, ErrNotProfile, ErrTruncated, ErrTooLarge, ErrNotCPU, or the
// reader's own, and may be wrapped.
func Read(r io.Reader) (*Profile, error) {
	data, err := readAll(r)
	if err != nil {
		return nil, err
	}
	parsed, err := profile.ParseUncompressed(data)
	if err == nil {
		err = parsed.CheckValid()
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNotProfile, err)
	}
	if len(parsed.SampleType) == 0 {
		return nil, ErrNotProfile // almost any bytes are a message without known fields
	}
	return compact(parsed)
}

// readAll reads and inflates the input, up to MaxBytes.
func readAll(r io.Reader) ([]byte, error) {
	in := bufio.NewReader(&cappedReader{r: r, left: MaxBytes})
	magic, err := in.Peek(2)
	switch {
	case len(magic) == 0 && errors.Is(err, io.EOF):
		return nil, ErrEmpty
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return io.ReadAll(in)
	}
	unzipped, err := gzip.NewReader(in)
	var data []byte
	if err == nil {
		data, err = io.ReadAll(&cappedReader{r: unzipped, left: MaxBytes})
	}
	if isDamage(err) {
		return nil, fmt.Errorf("%w (%w)", ErrTruncated, err)
	}
	return data, err
}

// isDamage reports whether compressed bytes are not what was written.
func isDamage(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, gzip.ErrChecksum) ||
		errors.Is(err, gzip.ErrHeader) || errors.As(err, new(flate.CorruptInputError))
}

// cappedReader fails, rather than ends, when there is more than it may read.
type cappedReader struct {
	r    io.Reader
	left int
}

// Read implements io.Reader.
func (c *cappedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if c.left -= n; c.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

// compact keeps of a profile what summaries need.
func compact(parsed *profile.Profile) (*Profile, error) {
	value := -1
	for i, kind := range parsed.SampleType {
		if kind.Type == "cpu" && kind.Unit == "nanoseconds" {
			value = i
		}
	}
	if value < 0 {
		return nil, ErrNotCPU
	}
	p := &Profile{}
	index := map[string]int32{}
	for _, s := range parsed.Sample {
		nanos := s.Value[value]
		if nanos < 0 || nanos > maxNanos-p.nanos {
			return nil, fmt.Errorf("%w (a sample of %d)", ErrNotCPU, nanos)
		}
		if nanos == 0 {
			continue
		}
		p.nanos += nanos
		p.samples = append(p.samples, sample{stack: p.stack(s, index), nanos: nanos})
	}
	return p, nil
}

// stack turns a sample's locations into functions.
func (p *Profile) stack(s *profile.Sample, index map[string]int32) []int32 {
	stack := make([]int32, 0, len(s.Location))
	for _, location := range s.Location {
		for _, line := range location.Line {
			name := line.Function.Name
			i, known := index[name]
			if !known {
				i = int32(len(p.names)) //nolint:gosec // MaxBytes bounds the number of names
				index[name] = i
				p.names = append(p.names, name)
			}
			stack = append(stack, i)
		}
	}
	return stack
}
