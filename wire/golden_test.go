package wire

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/wire/wirepb"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares b with the bytes of testdata/v1/name.hex, whose lines
// beginning with '#' are comments. Those bytes are the format, version 1: what
// another implementation must write and read.
func golden(t *testing.T, name, comment string, b []byte) {
	t.Helper()
	path := filepath.Join("testdata", "v1", name+".hex")
	if *update {
		var out strings.Builder
		for line := range strings.Lines(comment) {
			out.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
		}
		for len(b) > 0 {
			n := min(len(b), 32)
			out.WriteString(hex.EncodeToString(b[:n]) + "\n")
			b = b[n:]
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := readHex(t, path); !bytes.Equal(b, want) {
		t.Errorf("%s: the format has changed, which breaks every peer and every file: use -update only before a release\ngot\n% x\nwant\n% x",
			path, b, want)
	}
}

func readHex(tb testing.TB, path string) []byte {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.TrimSpace(line))
		}
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	return b
}

func TestGoldenHeaders(t *testing.T) {
	for k := Kind(1); k < kindLimit; k++ {
		h := Header{Kind: k, Stream: 0x0102, Source: 0x03040506, Dest: 0x0708090a, Count: 0x0b0c0d0e, Epoch: 0x0f101112, Length: 0x1314}
		comment := k.String() + " header: length 0x1314, stream 0x0102, source 0x03040506, dest 0x0708090a, count 0x0b0c0d0e, epoch 0x0f101112"
		if k == KindData {
			h.Flags = FlagKeyed | FlagAnchored | CodecZstd
			comment += "\nflags keyed, anchored, codec zstd"
		}
		golden(t, "header-"+k.String(), comment, AppendHeader(nil, h))
	}
}

func TestGoldenHandshake(t *testing.T) {
	golden(t, "hello-task", "whole frame: topology \"wordcount\", fingerprint 0x0123456789abcdef, epoch 3, task 7, incarnation 300, pid 4242",
		AppendHello(nil, Hello{Topology: "wordcount", Fingerprint: 0x0123456789abcdef, Epoch: 3, Task: 7, Incarnation: 300, PID: 4242}))
	golden(t, "hello-container", "whole frame: topology \"wordcount\", fingerprint 0x0123456789abcdef, epoch 3, container 2, incarnation 1",
		AppendHello(nil, Hello{Topology: "wordcount", Fingerprint: 0x0123456789abcdef, Epoch: 3, Container: 2, Incarnation: 1}))
	golden(t, "welcome", "whole frame: epoch 3, credit 8388608, incarnation 9", AppendWelcome(nil, Welcome{Epoch: 3, Credit: 8 << 20, Incarnation: 9}))
	golden(t, "error", "whole frame: epoch 3, code 4 (epoch), text \"plan epoch is 4\"", AppendError(nil, 3, CodeEpoch, "plan epoch is 4"))
}

func TestGoldenAcks(t *testing.T) {
	b := AppendAck(nil, 0, 300, 0x1111111111111111)
	b = AppendAck(b, 300, 301, 0x2222222222222222)
	b = AppendAck(b, 301, 302, OwnEdge(302))
	golden(t, "acks", "body of an ack frame: (300, 0x1111111111111111), (301, 0x2222222222222222), (302, its own edge), (299, 3)",
		AppendAck(b, 302, 299, 3))
}

// goldenBatches are bodies of data frames by the names of their files.
func goldenBatches(tb testing.TB) map[string][]byte {
	tb.Helper()
	types := []Value{
		Null(), Int(0), Int(1), Int(-1), Int(300), Int(math.MaxInt64), Int(math.MinInt64),
		Float(1.5), Float(math.Copysign(0, -1)), String("abscissa"), String("Grüße"), String(""), Bytes([]byte{0, 0xff}), Bytes(nil),
		Bool(false), Bool(true), Time(time.Date(2026, 11, 22, 4, 0, 0, 123456789, time.UTC)), Time(time.Unix(0, -1)),
	}
	each := []byte{}
	for i := range types {
		each = appendTuple(each, nil, types[i])
	}
	anchored, err := proto.MarshalOptions{Deterministic: true}.Marshal(&wirepb.TupleBatch{Tuples: []*wirepb.Tuple{{
		KeyHash: []uint64{0x1111111111111111},
		Edge:    0x2222222222222222,
		Roots:   []*wirepb.Root{{Task: 1, Seq: 5}, {Task: 2, Seq: 1 << 40}},
		Values:  []*wirepb.Value{{Kind: &wirepb.Value_Str{Str: "abscissa"}}},
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	word := String("abscissa")
	own := AppendValue(AppendRoot(AppendKeyHashes(nil, 1), 0, 300), &word)
	return map[string][]byte{
		"batch-empty":    {},
		"batch-types":    appendTuple(nil, nil, types...),
		"batch-each":     each,
		"batch-keyed":    appendTuple(appendTuple(nil, []uint64{0x1111111111111111}, String("a"), Int(7)), []uint64{0x2222222222222222}, String("b"), Int(8)),
		"batch-two-keys": appendTuple(nil, []uint64{0x1111111111111111, 0x2222222222222222}, String("a"), Int(7)),
		"batch-anchored": anchored,
		"batch-own":      append(AppendRecordHeader(nil, len(own)), own...),
		"batch-long": appendTuple(appendTuple(appendTuple(nil, []uint64{1}, String(strings.Repeat("x", 125))),
			[]uint64{2}, String(strings.Repeat("y", 126))), []uint64{3}, Bytes(bytes.Repeat([]byte{'z'}, 300))),
	}
}

func TestGoldenBatches(t *testing.T) {
	comments := map[string]string{
		"batch-empty": "body of no tuple",
		"batch-types": "body of one tuple: null; ints 0, 1, -1, 300, largest, least; floats 1.5, -0; strings abscissa, Grüße, empty;\n" +
			"bytes 00 ff, empty; false, true; times 2026-11-22T04:00:00.123456789Z and a nanosecond before 1970",
		"batch-each":     "body of one tuple per value of batch-types",
		"batch-keyed":    "body of two tuples, key hashes 0x1111111111111111 and 0x2222222222222222, values (a, 7) and (b, 8)",
		"batch-two-keys": "body of one tuple, key hashes 0x1111111111111111 and 0x2222222222222222, values (a, 7)",
		"batch-anchored": "body of one tuple, key hash 0x1111111111111111, edge 0x2222222222222222, roots (1, 5) and (2, 2^40), value abscissa",
		"batch-own":      "body of one tuple, key hash 0, no edge, root (sender, 300), value abscissa",
		"batch-long":     "body of three tuples, key hashes 1, 2, 3: strings of 125 x and 126 y, bytes of 300 z; lengths take one, then two bytes",
	}
	for name, b := range goldenBatches(t) {
		if comments[name] == "" {
			t.Errorf("%s lacks a comment", name)
		}
		golden(t, name, comments[name], b)
	}
}

// TestGoldenFilesAreRead reads every golden batch both ways.
func TestGoldenFilesAreRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "v1", "batch-*.hex"))
	if err != nil || len(files) < 7 {
		t.Fatalf("%d golden batches, %v", len(files), err)
	}
	for _, path := range files {
		body := readHex(t, path)
		var m wirepb.TupleBatch
		if err := proto.Unmarshal(body, &m); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		n, err := CheckBatch(body)
		if err != nil || n != len(m.GetTuples()) {
			t.Errorf("%s: %d tuples, %v, protobuf reads %d", path, n, err, len(m.GetTuples()))
		}
		off := 0
		for _, pt := range m.GetTuples() {
			tuple, end, ok := NextRecord(body, off)
			if !ok {
				t.Fatalf("%s: no record at %d", path, off)
			}
			if err := agree(body[tuple:end], pt); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			off = end
		}
	}
}

// TestDocumentedNumbers looks for every kind and code in the tables of docs/wire.md.
func TestDocumentedNumbers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "wire.md"))
	if err != nil {
		t.Fatal(err)
	}
	for k := Kind(1); k < kindLimit; k++ {
		if row := fmt.Sprintf("\n| %d | %v | ", uint8(k), k); !strings.Contains(string(text), row) {
			t.Errorf("the page lacks kind %v, or says something else of number %d", k, uint8(k))
		}
	}
	for c := Code(1); c < codeLimit; c++ {
		if row := fmt.Sprintf("\n| %d | %v | ", uint32(c), c); !strings.Contains(string(text), row) {
			t.Errorf("the page lacks code %v, or says something else of number %d", c, uint32(c))
		}
	}
}
