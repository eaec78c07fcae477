package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

var update = flag.Bool("update", false, "write the golden file anew")

const goldenFile = "testdata/v1/00000007.hex"

// goldenHeader and goldenEntries are what the golden file holds: a file with number 7 of a journal that was closed.
var (
	goldenHeader  = header{number: 7, journal: 0x1817161514131211, salt: 0x2827262524232221, size: 4096, flags: flagZeroed, created: 0x3837363534333231}
	goldenEntries = []Entry{
		{
			Log: 0x4847464544434241, Epoch: 0x5857565554535251, First: 0x6867666564636261, Count: 0x74737271, TxID: 0x0877767574737271,
			Time: 0x1887868584838281, Flags: 0x91, Codec: 0x92, Payload: []byte("the payload"),
		},
		{Log: 1, Count: 1, TxID: -1, Time: -2},
	}
	goldenNoted = position(6, 2048) // by the first batch: where file 6 ended
)

// goldenBytes returns the file up to the end of its last record.
func goldenBytes() []byte {
	b := append(goldenHeader.appendTo(nil), make([]byte, firstRecord-fileHeader)...)
	seed := goldenHeader.seed()
	put := func(r record, sum uint32) {
		off := len(b)
		b = append(b, make([]byte, recordSize(len(r.Payload)))...)
		putRecord(b[off:], seed, uint32(off), r.kind, r.synced, &r.Entry, sum)
	}
	for _, e := range goldenEntries {
		put(record{Entry: e, kind: kindEntry, synced: goldenNoted}, crc32.Checksum(e.Payload, castagnoli))
	}
	put(record{kind: kindMark, synced: position(7, uint32(len(b)))}, 0)
	return b
}

func readGolden(tb testing.TB) []byte {
	tb.Helper()
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(string(text), "")), ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestGoldenFile pins the format, version 1: what is written now is what was written then, and what was written then is
// read now.
func TestGoldenFile(t *testing.T) {
	leaktest.Check(t)
	if *update {
		out := []byte("# File 7 of a journal that was closed, up to the end of its last record; zeros follow to 4,096 bytes.\n")
		for b := goldenBytes(); len(b) > 0; b = b[min(32, len(b)):] {
			out = append(hex.AppendEncode(out, b[:min(32, len(b))]), '\n')
		}
		if err := os.WriteFile(goldenFile, out, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := readGolden(t)
	if !bytes.Equal(b, goldenBytes()) {
		t.Errorf("the format has changed, which makes files unreadable: a change needs a new version\n% x\nwant\n% x", goldenBytes(), b)
	}
	fs := disktest.New()
	if err := fs.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := fs.WriteFile(filepath.Join(dir, "00000007.journal"), append(b, make([]byte, 4096-len(b))...)); err != nil {
		t.Fatal(err)
	}
	n := 0
	j, report, err := Open(small(fs), func(_ Position, e Entry) error {
		want := goldenEntries[n]
		n++
		if !bytes.Equal(e.Payload, want.Payload) {
			t.Errorf("payload %q, want %q", e.Payload, want.Payload)
		}
		if e.Payload, want.Payload = nil, nil; !sameFields(e, want) {
			t.Errorf("%+v, want %+v", e, want)
		}
		return nil
	})
	if err != nil || n != 2 || !report.Clean {
		t.Fatalf("%d entries, %+v, %v", n, report, err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

func sameFields(a, b Entry) bool {
	return a.Log == b.Log && a.Epoch == b.Epoch && a.First == b.First && a.Count == b.Count && a.TxID == b.TxID &&
		a.Time == b.Time && a.Flags == b.Flags && a.Codec == b.Codec
}

// TestDocsDrawTheGoldenFile reads the byte tables of the docs and looks up each field where they say it stands.
func TestDocsDrawTheGoldenFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "log.md"))
	if err != nil {
		t.Fatal(err)
	}
	b, e := readGolden(t), goldenEntries[0]
	tables := []struct {
		heading string
		at      int
		want    map[string]uint64
	}{
		{"### File header", 0, map[string]uint64{
			"magic": binary.LittleEndian.Uint64([]byte(magic)), "version": version, "number": 7, "journal": goldenHeader.journal,
			"salt": goldenHeader.salt, "size": 4096, "flags": flagZeroed, "created": uint64(goldenHeader.created), "zero": 0,
			"checksum": uint64(crc32.Checksum(b[:60], castagnoli)),
		}},
		{"### Record", firstRecord, map[string]uint64{
			"checksum": uint64(recordChecksum(b[firstRecord:])), "payload checksum": uint64(crc32.Checksum(e.Payload, castagnoli)),
			"length": uint64(len(e.Payload)), "count": uint64(e.Count), "kind": kindEntry, "flags": uint64(e.Flags), "codec": uint64(e.Codec),
			"zero": 0, "synced": uint64(goldenNoted), "log": e.Log, "epoch": e.Epoch, "first": e.First, "txid": uint64(e.TxID),
			"time": uint64(e.Time),
		}},
	}
	row := regexp.MustCompile(`(?m)^\| *(\d+) \| (u8|u32|u64|i64) \| ([a-z ]+?) \|`)
	for _, table := range tables {
		_, section, ok := strings.Cut(string(text), "\n"+table.heading+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		if !ok {
			t.Fatalf("docs/log.md has no heading %q", table.heading)
		}
		for _, field := range row.FindAllStringSubmatch(section, -1) {
			off, _ := strconv.Atoi(field[1])
			var word [8]byte
			size := map[string]int{"u8": 1, "u32": 4, "u64": 8, "i64": 8}[field[2]]
			copy(word[:size], b[table.at+off:])
			want, known := table.want[field[3]]
			if got := binary.LittleEndian.Uint64(word[:]); !known || got != want {
				t.Errorf("%s: %s at %d is %#x, want %#x", table.heading, field[3], off, got, want)
			}
			delete(table.want, field[3])
		}
		for field := range table.want {
			t.Errorf("%s: the table has no field %q", table.heading, field)
		}
	}
}

// recordChecksum computes the checksum of the golden file's first record as the docs say.
func recordChecksum(b []byte) uint32 {
	var all []byte
	all = binary.LittleEndian.AppendUint64(all, goldenHeader.salt)
	all = binary.LittleEndian.AppendUint32(all, goldenHeader.number)
	all = binary.LittleEndian.AppendUint32(all, firstRecord)
	return crc32.Checksum(append(all, b[4:recordHeader]...), castagnoli)
}
