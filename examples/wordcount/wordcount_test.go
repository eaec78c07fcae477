package wordcount

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// collect is a Sink that hands every tuple to a function.
type collect struct {
	src  topology.Source
	each func(*topology.Tuple)
}

func (c *collect) Send(_ uint16, _ uint32, _ bool, _ uint32, batch *pool.Buf) error {
	defer batch.Release()
	body := batch.B[wire.HeaderSize:]
	var t topology.Tuple
	for off := 0; off < len(body); {
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			return fmt.Errorf("bad record at %d", off)
		}
		t.Reset(body[tuple:end], &c.src)
		c.each(&t)
		off = end
	}
	return nil
}

// collector returns a collector for a default stream of the given fields that hands its tuples to each.
func collector(each func(*topology.Tuple), fields ...string) *topology.Collector {
	spec := topology.OutputSpec{Name: topology.DefaultStream, Fields: fields, Routed: true}
	return topology.NewCollector(&collect{each: each}, 0, 0, 0, []topology.OutputSpec{spec})
}

// words runs lines and split over a file in n shares and returns all words in the order of the shares.
func words(t *testing.T, path string, n int) []string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	sp := &split{}
	splitOut := collector(func(word *topology.Tuple) {
		w, err := word.String(0)
		if err != nil {
			t.Error(err)
		}
		got = append(got, w)
	}, "word")
	if err := sp.Open(context.Background(), &topology.Task{}, splitOut); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		s := &lines{path: path, size: info.Size()}
		out := collector(func(line *topology.Tuple) {
			if err := sp.Execute(line); err != nil {
				t.Error(err)
			}
		}, "line")
		if err := s.Open(context.Background(), &topology.Task{Index: i, Parallelism: n}, out); err != nil {
			t.Fatal(err)
		}
		for err = nil; err == nil; {
			err = s.Next()
		}
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if err := errors.Join(out.Flush(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := splitOut.Flush(); err != nil {
		t.Fatal(err)
	}
	return got
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWords(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"case and digits", "The 2nd LAW, thrice: 3x", "the 2nd law thrice 3x"},
		{"apostrophes belong to words", "don't 'twas boys' ''", "don't 'twas boys' ''"},
		{"a closing quote does not", "don\u2019t \u2018so\u2019", "don t so"},
		{"underscores and hyphens do not", "_Light_ well-known", "light well known"},
		{"other alphabets", "\u00c6ther \u041c\u0418\u0420 \u4e16\u754c\uff0c\u03a3\u03a5\u03a3", "\u00e6ther \u043c\u0438\u0440 \u4e16\u754c \u03c3\u03c5\u03c3"},
		{"decimal digits of other scripts, no other numbers", "\u0663\u0664 \u00bd \u2167", "\u0663\u0664"},
		{"combining marks end a word", "e\u0301a", "e a"},
		{"invalid bytes end a word", "a\xffb\xe2\x82", "a b"},
		{"line ends", "a\r\nb\n\n\nc", "a b c"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := strings.Join(words(t, write(t, tc.text), 1), " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestShares divides a text at every byte, at last, and finds the same words.
func TestShares(t *testing.T) {
	path := write(t, "one two\n\nthree\r\n four five six seven\n\u00e6 \u00c6\nlast line has no end")
	want := words(t, path, 1)
	for _, n := range []int{2, 3, 7, 20, 76} {
		if got := words(t, path, n); !slices.Equal(got, want) {
			t.Fatalf("%d shares: got %q, want %q", n, got, want)
		}
	}
}

// TestLongLines has lines that exceed the buffer and, in one piece, the limit of a tuple.
func TestLongLines(t *testing.T) {
	var text strings.Builder
	var want []string
	for _, sep := range []string{" ", "\uff0c"} {
		for i := range 80_000 {
			word := fmt.Sprintf("w%d\u00e6", i%1000)
			want = append(want, word)
			text.WriteString(word + sep)
		}
		text.WriteString("\n")
	}
	path := write(t, text.String())
	for _, n := range []int{1, 2, 5} {
		if got := words(t, path, n); !slices.Equal(got, want) {
			t.Errorf("%d shares: got %d words, want %d", n, len(got), len(want))
		}
	}
	giant := strings.Repeat("\u00e6", wire.MaxTuple)
	got := words(t, write(t, giant), 1)
	if len(got) < 2 || strings.Join(got, "") != giant {
		t.Errorf("a giant word came in %d pieces that make %d bytes of %d", len(got), len(strings.Join(got, "")), len(giant))
	}
}

// TestOpticks compares with the counts of testdata/count.pl.
func TestOpticks(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "opticks.counts"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out")
	task := &topology.Task{}
	var published []byte
	task.Publish = func(name string, data []byte) {
		if name == TotalsName {
			published = bytes.Clone(data)
		}
	}
	end := &sink{path: path}
	if err := end.Open(context.Background(), task, nil); err != nil {
		t.Fatal(err)
	}
	c := &count{}
	out := collector(func(row *topology.Tuple) {
		if err := end.Execute(row); err != nil {
			t.Error(err)
		}
	}, "word", "count")
	if err := c.Open(context.Background(), task, out); err != nil {
		t.Fatal(err)
	}
	in := collector(func(word *topology.Tuple) {
		if err := c.Execute(word); err != nil {
			t.Error(err)
		}
	}, "word")
	for _, w := range words(t, filepath.Join("testdata", "opticks.txt"), 3) {
		if err := in.Emit(topology.String(w)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(in.Flush(), c.Finish(), out.Flush(), end.Finish(), end.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the counts differ from those of the independent program")
	}
	if want := `{"words":101477,"distinct":4649}`; string(published) != want {
		t.Errorf("published %s, want %s", published, want)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

// TestUnfinishedSink leaves no file, neither the output nor a temporary one.
func TestUnfinishedSink(t *testing.T) {
	dir := t.TempDir()
	s := &sink{path: filepath.Join(dir, "out")}
	if err := s.Open(context.Background(), &topology.Task{}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
	bad := &sink{path: filepath.Join(dir, "no", "such", "dir")}
	if err := bad.Open(context.Background(), &topology.Task{}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an output that cannot be written gives %v", err)
	}
}

// TestOutputThatIsThere replaces a file, writes through a link, and writes to a device in place.
func TestOutputThatIsThere(t *testing.T) {
	finish := func(path string) {
		t.Helper()
		s := &sink{path: path, rows: []row{{"word", 2}}}
		task := &topology.Task{Publish: func(string, []byte) {}}
		if err := s.Open(context.Background(), task, nil); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Finish(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	file := write(t, "old and longer than the new text")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	finish(link)
	if target, err := os.Readlink(link); err != nil || target != file {
		t.Errorf("the link leads to %s, %v", target, err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "word\t2\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	finish(os.DevNull)
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("the null device is %v, %v", info, err)
	}
}

// TestSplitDoesNotAllocate averages over many lines, so that the buffer of a batch now and then rounds to nothing.
func TestSplitDoesNotAllocate(t *testing.T) {
	s := &split{out: collector(func(*topology.Tuple) {}, "word")}
	var line, tuple []byte
	v := topology.Bytes([]byte("The Rays of Light, \u00c6ther, and the Colours of all natural Bodies"))
	line = wire.AppendValue(line, &v)
	tuple = append(tuple, line...)
	var in topology.Tuple
	src := &topology.Source{Fields: []string{"line"}}
	if n := testing.AllocsPerRun(1000, func() {
		in.Reset(tuple, src)
		if err := s.Execute(&in); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per line", n)
	}
}

func TestBadOptions(t *testing.T) {
	if _, err := Topology(Options{}); err == nil {
		t.Error("no error without an input")
	}
	if _, err := Topology(Options{Input: "no such file"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing input gives %v", err)
	}
	if _, err := Topology(Options{Input: t.TempDir()}); err == nil {
		t.Error("no error for a folder")
	}
	var invalid *topology.InvalidError
	if _, err := Topology(Options{Input: filepath.Join("testdata", "opticks.txt"), Bolts: -1}); !errors.As(err, &invalid) {
		t.Errorf("-1 bolts give %v", err)
	}
}
