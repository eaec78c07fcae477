package metadata

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("update", false, "write the golden file anew")

const goldenFile = "testdata/v1/rows.txt"

// golden is a row of each kind with what the docs say of its fields, in their order.
type golden struct {
	k, row []byte
	fields []goldenField
}

type goldenField struct {
	name  string
	value uint64
}

func goldenRows() []golden {
	st := state{commits: 0x1122334455667788, lastID: 2, lastFile: 3, content: content{rows: 4, sum: 0x5152535455565758}}
	l := Log{
		ID: 0x0102030405060708, Name: "größer", Created: 1, Epoch: 2, First: 3, Sealed: true,
		Retain: Retention{Age: 4 * time.Nanosecond, Bytes: 5}, Codec: 6, Parent: 7, ForkedAt: 8,
	}
	s := Segment{
		Log: 1, File: 0xa3, Owner: 3, OwnerFirst: 4, First: 5, Next: 6, Bytes: 7, TxID: -8, Time: 9, FirstTxID: -10, FirstTime: 11,
		Sealed: true, Created: 12,
	}
	u := Subscription{Log: 1, Name: "reader", Offset: 2, Updated: -3}
	row := func(k []byte, row func(k []byte) []byte, fields ...goldenField) golden {
		return golden{k, row(k), fields}
	}
	number := func(n uint64) func([]byte) []byte { return func(k []byte) []byte { return numberRow(k, n) } }
	return []golden{
		row(key(kindState), st.row, goldenField{"transactions", st.commits}, goldenField{"last log number", 2},
			goldenField{"last file number", 3}, goldenField{"rows", 4}, goldenField{"sum", st.content.sum}),
		row(key(kindFile, 0xa3, 1), func(k []byte) []byte { return seal(k, nil) }),
		row(key(kindLog, l.ID), l.row, goldenField{"created", 1}, goldenField{"epoch", 2}, goldenField{"first", 3},
			goldenField{"retain age", 4}, goldenField{"retain bytes", 5}, goldenField{"parent", 7}, goldenField{"forked at", 8},
			goldenField{"flags", flagSealed}, goldenField{"codec", 6}),
		row(nameKey(l.Name), number(l.ID), goldenField{"log", l.ID}),
		row(key(kindSegment, s.Log, s.File), s.row, goldenField{"owner", 3}, goldenField{"owner first", 4}, goldenField{"first", 5},
			goldenField{"next", 6}, goldenField{"bytes", 7}, goldenField{"txid", uint64(s.TxID)}, goldenField{"time", 9},
			goldenField{"first txid", uint64(s.FirstTxID)}, goldenField{"first time", 11}, goldenField{"created", 12},
			goldenField{"flags", flagSealed}),
		row(key(kindTombstone, 9), number(10), goldenField{"when", 10}),
		row(subscriptionKey(1, u.Name), u.row, goldenField{"offset", 2}, goldenField{"updated", uint64(u.Updated)}),
	}
}

// TestGoldenRows pins the format, version 1: what is written now is what was written then, and what was written then is
// read now.
func TestGoldenRows(t *testing.T) {
	var now []byte
	for _, g := range goldenRows() {
		now = fmt.Appendf(now, "# %s\n%x\n%x\n", describe(g.k), g.k, g.row)
	}
	if *rewrite {
		if err := os.WriteFile(goldenFile, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	then, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(then, now) {
		t.Errorf("the format has changed, which makes stores unreadable: a change needs a new version\n%s\nwant\n%s", now, then)
	}
	lines := strings.Split(strings.TrimSpace(string(then)), "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		k, kErr := hex.DecodeString(lines[i+1])
		row, rowErr := hex.DecodeString(lines[i+2])
		if kErr != nil || rowErr != nil {
			t.Fatal(kErr, rowErr)
		}
		if again, err := rewritten(k, row); err != nil || !bytes.Equal(row, again) {
			t.Errorf("%s is read as %x, %v", lines[i], again, err)
		}
	}
}

// rewritten parses a row and writes it again.
func rewritten(k, row []byte) (again []byte, err error) {
	if err := parse(k, row); err != nil {
		return nil, err
	}
	switch k[0] {
	case kindState:
		s, err := parseState(k, row)
		return s.row(k), err
	case kindFile:
		return seal(k, nil), nil
	case kindLog:
		l, err := parseLog(k, row)
		return l.row(key(kindLog, l.ID)), err
	case kindSegment:
		s, err := parseSegment(k, row)
		return s.row(key(kindSegment, s.Log, s.File)), err
	case kindSubscription:
		u, err := parseSubscription(k, row)
		return u.row(subscriptionKey(u.Log, u.Name)), err
	}
	n, err := parseNumber(k, row)
	return numberRow(k, n), err
}

// TestDocsListTheRows reads the table of the docs and takes each golden row apart as it says.
func TestDocsListTheRows(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "log-metadata.md"))
	if err != nil {
		t.Fatal(err)
	}
	described := map[byte]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(.)`[^|]*\\|[^|]*\\| (.*) \\|$").FindAllStringSubmatch(string(text), -1) {
		described[m[1][0]] = m[2]
	}
	field := regexp.MustCompile(`(u8|u64|i64) ([a-z ]*[a-z])`)
	for _, g := range goldenRows() {
		if g.row[0] != rowVersion {
			t.Errorf("%q: version %d", g.k[0], g.row[0])
		}
		b := g.row[1 : len(g.row)-4]
		fields := field.FindAllStringSubmatch(described[g.k[0]], -1)
		if len(fields) != len(g.fields) || described[g.k[0]] == "" {
			t.Errorf("%q: the docs have %d fields, want %d", g.k[0], len(fields), len(g.fields))
			continue
		}
		for i, f := range fields {
			size := map[string]int{"u8": 1, "u64": 8, "i64": 8}[f[1]]
			var word [8]byte
			copy(word[:size], b)
			b = b[size:]
			if v := le.Uint64(word[:]); f[2] != g.fields[i].name || v != g.fields[i].value {
				t.Errorf("%q: field %d is %s = %#x, want %s = %#x", g.k[0], i, f[2], v, g.fields[i].name, g.fields[i].value)
			}
		}
		if hasName := strings.HasSuffix(described[g.k[0]], "the name"); hasName != (len(b) > 0) {
			t.Errorf("%q: %d bytes are behind the fields", g.k[0], len(b))
		}
		delete(described, g.k[0])
	}
	if len(described) > 0 {
		t.Errorf("no row is of the kinds %v", described)
	}
}

// FuzzRow parses any bytes as the row of any key, with the right checksum and without. It must not panic, and what
// parses must be what is written again.
func FuzzRow(f *testing.F) {
	for _, g := range goldenRows() {
		f.Add(g.k, g.row)
	}
	f.Fuzz(func(t *testing.T, k, row []byte) {
		sealed := row
		if len(row) > rowOverhead {
			sealed = seal(k, row[1:len(row)-4])
		}
		for _, row := range [][]byte{row, sealed} {
			if again, err := rewritten(k, row); err == nil && !bytes.Equal(row, again) {
				t.Errorf("%x = %x is written again as %x", k, row, again)
			}
		}
	})
}
