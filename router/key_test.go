package router

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/wire"
)

var update = flag.Bool("update", false, "write the test vectors anew")

// TestPublishedVectors checks the hash against the sanity checks of xxHash 0.8.
func TestPublishedVectors(t *testing.T) {
	const prime32, prime64 = 2654435761, 0x9E3779B185EBCA8D
	buffer := make([]byte, 2367)
	gen := uint64(prime32)
	for i := range buffer {
		buffer[i] = byte(gen >> 56)
		gen *= prime64
	}
	for _, tc := range []struct {
		length        int
		plain, primed uint64 // with seed 0 and with seed prime64
	}{
		{0, 0x2D06800538D394C2, 0xA8A6B918B2F0364A},
		{1, 0xC44BDFF4074EECDB, 0x032BE332DD766EF8},
		{6, 0x27B56A84CD2D7325, 0x84589C116AB59AB9},
		{12, 0xA713DAF0DFBB77E7, 0xE7303E1B2336DE0E},
		{24, 0xA3FE70BF9D3510EB, 0x850E80FC35BDD690},
		{48, 0x397DA259ECBA1F11, 0xADC2CBAA44ACC616},
		{80, 0xBCDEFBBB2C47C90A, 0xC6DD0CB699532E73},
		{195, 0xCD94217EE362EC3A, 0xBA68003D370CB3D9},
		{403, 0xCDEB804D65C6DEA4, 0x6259F6ECFD6443FD},
		{512, 0x617E49599013CB6B, 0x3CE457DE14C27708},
		{2048, 0xDD59E2C3A5F038E0, 0x66F81670669ABABC},
		{2240, 0x6E73A90539CF2948, 0x757BA8487D1B5247},
		{2367, 0xCB37AEB9E5D361ED, 0xD2DB3415B942B42A},
	} {
		if got := Hash(0, buffer[:tc.length]); got != tc.plain {
			t.Errorf("%d bytes, seed 0: %#016x, want %#016x", tc.length, got, tc.plain)
		}
		if got := Hash(prime64, buffer[:tc.length]); got != tc.primed {
			t.Errorf("%d bytes, seed prime64: %#016x, want %#016x", tc.length, got, tc.primed)
		}
	}
}

// vector is a line of testdata/v1/keyhash.json.
type vector struct {
	Fields string `json:"fields"` // for people
	Key    string `json:"key"`    // canonical bytes, in hex
	Seed   string `json:"seed"`   // in hex
	Hash   string `json:"hash"`   // in hex
	Group  int    `json:"group"`  // key group
}

func makeVectors() []vector {
	keys := []struct {
		fields string
		values []wire.Value
	}{
		{`null`, []wire.Value{wire.Null()}},
		{`int 0`, []wire.Value{wire.Int(0)}},
		{`int 1`, []wire.Value{wire.Int(1)}},
		{`int -1`, []wire.Value{wire.Int(-1)}},
		{`int 9223372036854775807`, []wire.Value{wire.Int(math.MaxInt64)}},
		{`int -9223372036854775808`, []wire.Value{wire.Int(math.MinInt64)}},
		{`float 0`, []wire.Value{wire.Float(0)}},
		{`float -0, hashed as 0`, []wire.Value{wire.Float(math.Copysign(0, -1))}},
		{`float 1.5`, []wire.Value{wire.Float(1.5)}},
		{`float NaN, hashed as 0x7ff8000000000000`, []wire.Value{wire.Float(math.Float64frombits(0xfff8000000000123))}},
		{`float +Inf`, []wire.Value{wire.Float(math.Inf(1))}},
		{`string ""`, []wire.Value{wire.String("")}},
		{`string "the"`, []wire.Value{wire.String("the")}},
		{`string "abscissa"`, []wire.Value{wire.String("abscissa")}},
		{`string "Grüße"`, []wire.Value{wire.String("Grüße")}},
		{`string of 125 "x"`, []wire.Value{wire.String(strings.Repeat("x", 125))}},
		{`string of 126 "x"`, []wire.Value{wire.String(strings.Repeat("x", 126))}},
		{`string of 300 "x"`, []wire.Value{wire.String(strings.Repeat("x", 300))}},
		{`bytes "the"`, []wire.Value{wire.Bytes([]byte("the"))}},
		{`bytes 00 ff`, []wire.Value{wire.Bytes([]byte{0, 0xff})}},
		{`bool false`, []wire.Value{wire.Bool(false)}},
		{`bool true`, []wire.Value{wire.Bool(true)}},
		{`time 1970-01-01T00:00:00.000000001Z`, []wire.Value{wire.Time(time.Unix(0, 1))}},
		{`time 1969-12-31T23:59:59.999999999Z`, []wire.Value{wire.Time(time.Unix(0, -1))}},
		{`string "ab", string "c"`, []wire.Value{wire.String("ab"), wire.String("c")}},
		{`string "a", string "bc"`, []wire.Value{wire.String("a"), wire.String("bc")}},
		{`string "user", int 42, bool true`, []wire.Value{wire.String("user"), wire.Int(42), wire.Bool(true)}},
		{`int 42, string "user"`, []wire.Value{wire.Int(42), wire.String("user")}},
	}
	var vectors []vector
	for _, seed := range []uint64{0, 1, 0x9E3779B185EBCA8D} {
		for _, k := range keys {
			var b []byte
			for i := range k.values {
				b = wire.AppendKey(b, &k.values[i])
			}
			h := Hash(seed, b)
			vectors = append(vectors, vector{k.fields, hex.EncodeToString(b), fmt.Sprintf("%016x", seed), fmt.Sprintf("%016x", h), KeyGroup(h)})
		}
	}
	return vectors
}

// TestKeyVectors pins the canonical bytes of keys, their hashes and groups:
// every implementation must agree on them, or keys go to the wrong tasks.
func TestKeyVectors(t *testing.T) {
	path := filepath.Join("testdata", "v1", "keyhash.json")
	got := makeVectors()
	if *update {
		var out strings.Builder
		out.WriteString("[\n")
		for i, v := range got {
			line, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(line)
			if i < len(got)-1 {
				out.WriteByte(',')
			}
			out.WriteByte('\n')
		}
		out.WriteString("]\n")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want []vector
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != len(got) {
		t.Fatalf("%d vectors, the file has %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
}

func TestOwnersShareEvenly(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 7, 16, 100, 1000, 4095, 4096} {
		o := NewOwners(n)
		groups := make([]int, n)
		last := uint16(0)
		for g, owner := range o {
			if owner < last || owner > last+1 {
				t.Fatalf("%d tasks: group %d goes to task %d, the one before to %d", n, g, owner, last)
			}
			last = owner
			groups[owner]++
			if hash := uint64(g)<<(64-KeyGroupBits) | 12345; o.Of(hash) != int(owner) || KeyGroup(hash) != g {
				t.Fatalf("group %d of %#x belongs to task %d", KeyGroup(hash), hash, o.Of(hash))
			}
		}
		least, most := KeyGroups, 0
		for _, k := range groups {
			least, most = min(least, k), max(most, k)
		}
		if most-least > 1 || least == 0 {
			t.Errorf("%d tasks own %d to %d groups", n, least, most)
		}
	}
}

func TestOwnersOfTooManyTasks(t *testing.T) {
	for _, n := range []int{0, -1, KeyGroups + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewOwners(%d) does not panic", n)
				}
			}()
			NewOwners(n)
		}()
	}
}

// TestKeysSpread hashes keys that resemble each other, as those of real streams
// do, and looks at how evenly tasks get them. The bound is far beyond what
// chance does: 200,000 keys on 16 tasks stray by about 1 %.
func TestKeysSpread(t *testing.T) {
	for name, key := range map[string]func(i int) wire.Value{
		"ascending ints":   func(i int) wire.Value { return wire.Int(int64(i)) },
		"multiples":        func(i int) wire.Value { return wire.Int(int64(i) << 20) },
		"numbered strings": func(i int) wire.Value { return wire.String(fmt.Sprintf("user-%07d", i)) },
		"floats":           func(i int) wire.Value { return wire.Float(float64(i)) },
	} {
		const keys, tasks = 200_000, 16
		owners := NewOwners(tasks)
		var count [tasks]int
		seen := map[int]bool{}
		var b []byte
		for i := range keys {
			v := key(i)
			b = wire.AppendKey(b[:0], &v)
			h := Hash(77, b)
			count[owners.Of(h)]++
			seen[KeyGroup(h)] = true
		}
		for task, n := range count {
			if n < keys/tasks*95/100 || n > keys/tasks*105/100 {
				t.Errorf("%s: task %d gets %d of %d keys", name, task, n, keys)
			}
		}
		if len(seen) != KeyGroups {
			t.Errorf("%s: %d of %d key groups are used", name, len(seen), KeyGroups)
		}
	}
}

func TestHashingDoesNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checked builds may allocate")
	}
	owners := NewOwners(7)
	key := []byte("some key of some length")
	sum := 0
	if n := testing.AllocsPerRun(100, func() { sum += owners.Of(Hash(1, key)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHash(b *testing.B) {
	for _, n := range []int{4, 12, 24, 100, 1000} {
		b.Run(fmt.Sprintf("bytes=%d", n), func(b *testing.B) {
			key := make([]byte, n)
			b.ReportAllocs()
			for b.Loop() {
				Hash(77, key)
			}
		})
	}
}

// TestDocumentedVectors checks the table of keys in docs/wire.md.
func TestDocumentedVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "wire.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| .* \\| `([0-9a-f]+)` \\| `([0-9a-f]{16})` \\| `([0-9a-f]{16})` \\|$")
	rows := row.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 10 {
		t.Fatalf("%d rows in the table", len(rows))
	}
	for _, r := range rows {
		key, err := hex.DecodeString(r[1])
		if err != nil {
			t.Fatal(err)
		}
		plain, seeded := fmt.Sprintf("%016x", Hash(0, key)), fmt.Sprintf("%016x", Hash(0x9E3779B185EBCA8D, key))
		if plain != r[2] || seeded != r[3] {
			t.Errorf("key %s hashes to %s and %s, the page says %s and %s", r[1], plain, seeded, r[2], r[3])
		}
	}
}
