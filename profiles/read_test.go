package profiles_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/pprof/profile"

	"github.com/ardea-stream/ardea/profiles"
)

// cpuType is the sample type of the profiles that Go writes.
var cpuType = &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}

// cpuProfile is a profile with a sample of 10 ms for each stack: functions, the leaf first, with blanks between.
func cpuProfile(tb testing.TB, stacks ...string) io.Reader {
	tb.Helper()
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, cpuType}}
	for _, stack := range stacks {
		s := &profile.Sample{Value: []int64{1, 10_000_000}}
		for name := range strings.FieldsSeq(stack) {
			id := uint64(len(p.Function) + 1)
			f := &profile.Function{ID: id, Name: name}
			l := &profile.Location{ID: id, Line: []profile.Line{{Function: f}}}
			p.Function, p.Location, s.Location = append(p.Function, f), append(p.Location, l), append(s.Location, l)
		}
		p.Sample = append(p.Sample, s)
	}
	return encoded(tb, p)
}

func encoded(tb testing.TB, p *profile.Profile) io.Reader {
	tb.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		tb.Fatal(err)
	}
	return &b
}

// typed is a profile of one sample.
func typed(t *testing.T, kind *profile.ValueType, value int64) io.Reader {
	t.Helper()
	return encoded(t, &profile.Profile{SampleType: []*profile.ValueType{kind}, Sample: []*profile.Sample{{Value: []int64{value}}}})
}

func TestUnusableInput(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join("testdata", "optimized-bolts.pb.gz"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 0xff
	for name, tc := range map[string]struct {
		input io.Reader
		want  error
	}{
		"nothing":             {strings.NewReader(""), profiles.ErrEmpty},
		"one byte":            {strings.NewReader("\x1f"), profiles.ErrNotProfile},
		"text":                {strings.NewReader("goroutine 1 [running]:\n"), profiles.ErrNotProfile},
		"JSON":                {strings.NewReader(`{"runs": []}`), profiles.ErrNotProfile},
		"zeros":               {bytes.NewReader(make([]byte, 1000)), profiles.ErrNotProfile},
		"compressed text":     {compressed(t, []byte("some text")), profiles.ErrNotProfile},
		"compressed nothing":  {compressed(t, nil), profiles.ErrNotProfile},
		"head of gzip only":   {bytes.NewReader(whole[:5]), profiles.ErrTruncated},
		"half of it":          {bytes.NewReader(whole[:len(whole)/2]), profiles.ErrTruncated},
		"last byte missing":   {bytes.NewReader(whole[:len(whole)-1]), profiles.ErrTruncated},
		"damaged":             {bytes.NewReader(damaged), profiles.ErrTruncated},
		"large":               {io.LimitReader(endless{}, profiles.MaxBytes+1), profiles.ErrTooLarge},
		"small bomb":          {compressed(t, make([]byte, profiles.MaxBytes+1)), profiles.ErrTooLarge},
		"file without end":    {endless{}, profiles.ErrTooLarge},
		"gzip without end":    {io.MultiReader(strings.NewReader("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), emptyBlocks{}), profiles.ErrTooLarge},
		"heap profile":        {typed(t, &profile.ValueType{Type: "inuse_space", Unit: "bytes"}, 1), profiles.ErrNotCPU},
		"other unit":          {typed(t, &profile.ValueType{Type: "cpu", Unit: "furlongs"}, 1), profiles.ErrNotCPU},
		"difference":          {typed(t, cpuType, -1), profiles.ErrNotCPU},
		"more than a century": {typed(t, cpuType, 1<<62), profiles.ErrNotCPU},
		"reader that fails":   {iotest.ErrReader(io.ErrClosedPipe), io.ErrClosedPipe},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := profiles.Read(tc.input)
			if p != nil || !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

var blanks = strings.Repeat(" ", 64<<10)

// endless is a file of spaces.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	return copy(b, blanks), nil
}

// emptyBlocks is compressed data that goes on for ever and holds nothing.
type emptyBlocks struct{}

func (emptyBlocks) Read(b []byte) (int, error) {
	const block = "\x00\x00\x00\xff\xff"
	if len(b) < len(block) {
		return 0, io.ErrShortBuffer
	}
	return copy(b, strings.Repeat(block, len(b)/len(block))), nil
}

func compressed(t *testing.T, data []byte) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestIdleProcess(t *testing.T) {
	p, err := profiles.Read(cpuProfile(t))
	if err != nil || p.CPUSeconds() != 0 {
		t.Fatalf("%v, %v", p, err)
	}
	if _, err := profiles.Summarize("naive", "bolts", nil, []*profiles.Profile{p}, 0); !errors.Is(err, profiles.ErrNoSamples) {
		t.Errorf("got %v", err)
	}
}

func TestUncompressedProfile(t *testing.T) {
	plain, err := gzip.NewReader(cpuProfile(t, "main.f"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := profiles.Read(plain)
	if err != nil || p.CPUSeconds() != 0.01 {
		t.Errorf("%v, %v", p, err)
	}
}

func TestFileErrorsNameTheFile(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pb.gz")
	if _, err := profiles.ReadFile(missing); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v", err)
	}
	if _, err := profiles.ReadFile("rules.txt"); !errors.Is(err, profiles.ErrNotProfile) || !strings.Contains(err.Error(), "rules.txt") {
		t.Errorf("got %v", err)
	}
	if p := recorded(t, "naive", "bolts"); p.Path() != filepath.Join("testdata", "naive-bolts.pb.gz") {
		t.Errorf("path %q", p.Path())
	}
}

// TestDeepStack has a stack that is higher than a flame graph may be.
func TestDeepStack(t *testing.T) {
	p, err := profiles.Read(cpuProfile(t, strings.Repeat("main.recurse ", 5000)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := profiles.Summarize("made up", "all", nil, []*profiles.Profile{p}, 0)
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	for f := s.Flame; len(f.Children) > 0; f = f.Children[0] {
		depth++
	}
	if depth != 128 || shareOf(s, profiles.UserCode) != 1 {
		t.Errorf("depth %d, %+v", depth, s.Shares)
	}
}
