package segment

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden file anew")

const goldenFile = "testdata/v1/00000000000000a3.hex"

// goldenID and goldenBatches are what the golden file holds: a sealed file.
var (
	goldenID = ID{
		Store: 0x1817161514131211, File: 0xa3, Log: 0x3837363534333231, First: 0x4847464544434241, Created: 0x5857565554535251,
	}
	goldenBatches = []Batch{
		{
			Epoch: 0x6867666564636261, First: goldenID.First, Count: 0x74737271, TxID: -2, Time: -3, Flags: 0x91, Codec: 0x92,
			Payload: []byte("the payload"),
		},
		{Epoch: 0x6867666564636262, First: goldenID.First + 0x74737271, Count: 1, TxID: 0x0877767574737271, Time: 0x1887868584838281},
	}
)

func goldenBytes(tb testing.TB) []byte {
	tb.Helper()
	fs := newFS(tb)
	path := FileName(folder, goldenID.File)
	w, err := Create(fs, path, goldenID)
	must(tb, err)
	for i := range goldenBatches {
		must(tb, w.Put(&goldenBatches[i], Checksum(goldenBatches[i].Payload)))
	}
	must(tb, w.Seal())
	b, err := fs.ReadFile(path)
	must(tb, err)
	return b
}

func readGolden(tb testing.TB) []byte {
	tb.Helper()
	text, err := os.ReadFile(goldenFile)
	must(tb, err)
	b, err := hex.DecodeString(strings.Join(strings.Fields(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(string(text), "")), ""))
	must(tb, err)
	return b
}

// TestGoldenFile pins the format, version 1: what is written now is what was written then, and what was written then is
// read now.
func TestGoldenFile(t *testing.T) {
	if *update {
		out := []byte("# The sealed file a3, with two batches.\n")
		for b := goldenBytes(t); len(b) > 0; b = b[min(32, len(b)):] {
			out = append(hex.AppendEncode(out, b[:min(32, len(b))]), '\n')
		}
		must(t, os.MkdirAll(filepath.Dir(goldenFile), 0o755))
		must(t, os.WriteFile(goldenFile, out, 0o644))
	}
	b := readGolden(t)
	if !bytes.Equal(b, goldenBytes(t)) {
		t.Errorf("the format has changed, which makes files unreadable: a change needs a new version\n% x\nwant\n% x", goldenBytes(t), b)
	}
	fs := newFS(t)
	path := FileName(folder, goldenID.File)
	must(t, fs.WriteFile(path, b))
	f, err := Open(fs, path, goldenID)
	must(t, err)
	foot, ok := f.Footer()
	got, err := readFrom(f, dataStart, foot.End.At)
	must(t, err)
	must(t, compare(got, goldenBatches))
	must(t, seekAll(f, goldenBatches, math.MaxInt64))
	if f.ID() != goldenID || !ok || f.Damaged() != nil {
		t.Errorf("%+v, sealed %v, %v", f.ID(), ok, f.Damaged())
	}
}

// TestDocsDrawTheGoldenFile reads the byte tables of the docs and looks up each field where they say it stands.
func TestDocsDrawTheGoldenFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "log-segments.md"))
	must(t, err)
	b, e, last := readGolden(t), goldenBatches[0], goldenBatches[1]
	second := dataStart + blockSize(len(e.Payload))
	end := second + blockHeader
	foot := len(b) - footerSize
	word := func(s string) uint64 { return binary.LittleEndian.Uint64([]byte(s)) }
	tables := []struct {
		heading string
		at      int
		want    map[string]uint64
	}{
		{"### File header", 0, map[string]uint64{
			"magic": word(magic), "version": version, "store": goldenID.Store, "file": goldenID.File, "log": goldenID.Log,
			"first": goldenID.First, "created": uint64(goldenID.Created), "zero": 0, "zeros": 0,
			"checksum": uint64(crc32.Checksum(b[:60], castagnoli)),
		}},
		{"### Block", dataStart, map[string]uint64{
			"checksum": uint64(blockChecksum(b[dataStart:])), "payload checksum": uint64(crc32.Checksum(e.Payload, castagnoli)),
			"length": uint64(len(e.Payload)), "count": uint64(e.Count), "kind": kindBatch, "flags": uint64(e.Flags),
			"codec": uint64(e.Codec), "zero": 0, "zeros": 0, "epoch": e.Epoch, "first": e.First, "txid": uint64(e.TxID),
			"time": uint64(e.Time),
		}},
		{"### Index", end + blockHeader, map[string]uint64{
			"first": e.First, "txid": uint64(e.TxID), "time": uint64(e.Time), "position": dataStart,
		}},
		{"### Footer", foot + blockHeader, map[string]uint64{
			"end": uint64(end), "batches": 2, "first": goldenID.First, "next": last.Next(), "first txid": uint64(e.TxID),
			"first time": uint64(e.Time), "last txid": uint64(last.TxID), "last time": uint64(last.Time), "magic": word(footerMagic),
		}},
	}
	row := regexp.MustCompile(`(?m)^\| *(\d+) \| (u8|u32|u64|i64) \| ([a-z ]+?) \|`)
	for _, table := range tables {
		_, section, ok := strings.Cut(string(text), "\n"+table.heading+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		if !ok {
			t.Fatalf("docs/log-segments.md has no heading %q", table.heading)
		}
		for _, field := range row.FindAllStringSubmatch(section, -1) {
			off, err := strconv.Atoi(field[1])
			must(t, err)
			var raw [8]byte
			size := map[string]int{"u8": 1, "u32": 4, "u64": 8, "i64": 8}[field[2]]
			copy(raw[:size], b[table.at+off:])
			want, known := table.want[field[3]]
			if got := binary.LittleEndian.Uint64(raw[:]); !known || got != want {
				t.Errorf("%s: %s at %d is %#x, want %#x", table.heading, field[3], off, got, want)
			}
			delete(table.want, field[3])
		}
		for field := range table.want {
			t.Errorf("%s: the table has no field %q", table.heading, field)
		}
	}
}

// blockChecksum computes the checksum of the golden file's first block as the docs say.
func blockChecksum(b []byte) uint32 {
	m := func(x uint64) uint64 {
		x ^= x >> 30
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 27
		x *= 0x94d049bb133111eb
		return x ^ x>>31
	}
	salt := m(m(m(goldenID.Store)+goldenID.File)+512) >> 32
	return crc32.Update(uint32(salt), castagnoli, b[4:blockHeader])
}
