package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/ardea-stream/ardea/internal/invariants"
)

var codecs = []Codec{None, S2, Zstd}

// body returns a body of records with some likeness to each other, of about n bytes.
func body(n int) []byte {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	var b []byte
	for len(b) < n {
		rec := []byte(strings.Repeat("word ", rng.IntN(50)))
		for i := range rec {
			if rng.IntN(8) == 0 {
				rec[i] = byte(rng.Uint32())
			}
		}
		b = AppendRecord(b, rec)
	}
	return b
}

// TestRoundTrip encodes and decodes bodies of all sizes behind what is in the buffers already.
func TestRoundTrip(t *testing.T) {
	prefix := []byte("prefix")
	for _, c := range codecs {
		for _, n := range []int{0, 1, 100, 5000, 300_000, 5 << 20} {
			want := body(n)
			packed, err := Encode(bytes.Clone(prefix), want, c)
			if err != nil || !bytes.HasPrefix(packed, prefix) {
				t.Fatalf("%v, %d bytes: %v", c, n, err)
			}
			packed = packed[len(prefix):]
			if c != None && n >= 5000 && len(packed) > len(want)*9/10 {
				t.Errorf("%v, %d bytes: %d compressed", c, n, len(packed))
			}
			got, err := Decode(bytes.Clone(prefix), packed, c, len(want))
			if err != nil || !bytes.Equal(got, append(bytes.Clone(prefix), want...)) {
				t.Errorf("%v, %d bytes: %d bytes come back, %v", c, n, len(got), err)
			}
			if len(want) == 0 {
				continue
			}
			got, err = Decode(prefix, packed, c, len(want)-1)
			if !errors.Is(err, ErrTooLarge) || string(got) != string(prefix) {
				t.Errorf("%v, %d bytes: %q beyond the limit, %v", c, n, got, err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	if _, err := Encode(nil, nil, 9); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if _, err := Decode(nil, nil, 9, 10); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	for _, limit := range []int{-1, MaxBody + 1} {
		if _, err := Decode(nil, nil, None, limit); !errors.Is(err, ErrTooLarge) {
			t.Error(err)
		}
	}
	for _, c := range codecs {
		if got, err := Parse(c.String()); got != c || err != nil {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
	if _, err := Parse("gzip"); !errors.Is(err, ErrUnknown) || Codec(9).String() != "codec 9" {
		t.Error(err)
	}
}

// bombs are inputs that say, or are, more than a limit of 1 MiB allows.
func bombs(tb testing.TB) map[string]struct {
	c   Codec
	b   []byte
	err error
} {
	tb.Helper()
	zeros := make([]byte, 64<<20)
	var stream bytes.Buffer
	w, err := zstd.NewWriter(&stream, zstd.WithEncoderConcurrency(1))
	if err == nil {
		_, err = w.Write(zeros)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		tb.Fatal(err)
	}
	packed, err := Encode(nil, zeros[:1<<19], Zstd)
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]struct {
		c   Codec
		b   []byte
		err error
	}{
		"s2":                   {S2, s2.Encode(nil, zeros), ErrTooLarge},
		"s2, only a length":    {S2, []byte{0xff, 0xff, 0xff, 0x7f, 0}, ErrTooLarge},
		"s2, no length":        {S2, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, ErrCorrupt},
		"zstd":                 {Zstd, encodeZstd(nil, zeros), ErrTooLarge},
		"zstd of no size":      {Zstd, stream.Bytes(), ErrCorrupt},
		"zstd, only a header":  {Zstd, []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0}, ErrTooLarge},
		"zstd, a second frame": {Zstd, append(bytes.Clone(packed), packed...), ErrCorrupt},
		"zstd, skippable":      {Zstd, append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}, packed...), ErrCorrupt},
		"zstd, nothing":        {Zstd, nil, ErrCorrupt},
		"s2, nothing":          {S2, nil, ErrCorrupt},
	}
}

// TestBombs decodes what says, or is, more than the limit: it fails, and allocates no more than the limit and what a
// decoder has.
func TestBombs(t *testing.T) {
	const limit = 1 << 20
	for name, bomb := range bombs(t) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 4 {
			if got, err := Decode(nil, bomb.b, bomb.c, limit); !errors.Is(err, bomb.err) || len(got) != 0 {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4*(limit+4<<20) {
			t.Errorf("%s: %d bytes were allocated", name, grown)
		}
	}
}

// TestCodersDoNotAllocate counts what coding allocates in the steady state.
func TestCodersDoNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("checks may allocate")
	}
	want := body(60_000)
	packed, plain := make([]byte, 0, 100_000), make([]byte, 0, 100_000)
	for _, c := range codecs {
		n := testing.AllocsPerRun(100, func() {
			var err error
			if packed, err = Encode(packed[:0], want, c); err != nil {
				t.Fatal(err)
			}
			if plain, err = Decode(plain[:0], packed, c, 1<<20); err != nil || len(plain) != len(want) {
				t.Fatal(err)
			}
			if err = Validate(plain, uint32(walk(plain))); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%v: %v allocations", c, n)
		}
	}
}

// walk counts the records of a body one by one.
func walk(body []byte) int {
	n := 0
	records := Walk(body)
	for _, ok := records.Next(); ok; _, ok = records.Next() {
		n++
	}
	return n
}

// TestManyGoroutines codes from many goroutines at once, which must neither wait for each other nor leave any behind.
func TestManyGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 20 {
				want := body(1000 * (i + n))
				c := codecs[n%3]
				packed, err := Encode(nil, want, c)
				if err != nil {
					t.Error(err)
				}
				if got, err := Decode(nil, packed, c, len(want)); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%v: %v", c, err)
				}
			}
		})
	}
	all.Wait()
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

func TestRecords(t *testing.T) {
	long := strings.Repeat("x", 300)
	var b []byte
	want := []string{"one", "", long}
	for _, rec := range want {
		b = AppendRecord(b, []byte(rec))
	}
	records := Walk(b)
	for i := range want {
		if rec, ok := records.Next(); !ok || string(rec) != want[i] || cap(rec) != len(rec) {
			t.Errorf("record %d is %q, %v", i, rec, ok)
		}
	}
	if _, ok := records.Next(); ok || records.Err() != nil {
		t.Errorf("behind the last: %v, %v", ok, records.Err())
	}
	if err := Validate(b, 3); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string][]byte{
		"another count": AppendRecord(bytes.Clone(b), nil), "another field": append(bytes.Clone(b), 0x12, 0),
		"only a tag": append(bytes.Clone(b), tag), "too long": append(bytes.Clone(b), tag, 1),
		"a length without end": append(bytes.Clone(b), tag, 0x80), "a huge length": append(append(bytes.Clone(b), tag), bytes.Repeat([]byte{0xff}, 12)...),
		"2^63": append(append(bytes.Clone(b), tag), 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1),
	} {
		if err := Validate(bad, 3); !errors.Is(err, ErrBody) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
