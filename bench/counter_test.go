package bench

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/internal/invariants"
)

func counts(c *Counter) map[string]uint64 {
	have := map[string]uint64{}
	c.Each(func(word []byte, n uint64) { have[string(word)] += n })
	return have
}

func TestCounterMatchesMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, want := NewCounter(), map[string]uint64{}
		words := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 20), 1, 60).Draw(t, "words")
		for _, i := range rapid.SliceOf(rapid.IntRange(0, len(words)-1)).Draw(t, "draws") {
			c.Add(words[i])
			want[string(words[i])]++
		}
		have := counts(c)
		if len(have) != len(want) {
			t.Fatalf("%d different words, want %d", len(have), len(want))
		}
		for word, n := range want {
			if have[word] != n {
				t.Fatalf("%q: %d, want %d", word, have[word], n)
			}
		}
	})
}

func TestCounterTellsWordsApart(t *testing.T) {
	words := []string{
		"", "\x00", "\x00\x00", "a", "a\x00", "ab", "ba", "abc", "abcd", "abcde", "abcdefg", "abcdefgh", "abcdefghi",
		"abcdefghij", "abcdefghijk", "abcdefghijk\x00", "abcdefghijkl", strings.Repeat("x", 1000),
	}
	c := NewCounter()
	for i, word := range words {
		for range i + 1 {
			c.Add([]byte(word))
		}
	}
	have := counts(c)
	for i, word := range words {
		if have[word] != uint64(i+1) {
			t.Errorf("%q: %d, want %d", word, have[word], i+1)
		}
	}
	if len(have) != len(words) {
		t.Errorf("%d different words, want %d", len(have), len(words))
	}
}

func TestCounterGrows(t *testing.T) {
	d := NewDictionary(50_000, 3)
	c := NewCounter()
	for i := range d.Len() {
		c.Add(d.Word(i))
	}
	for i := 0; i < d.Len(); i += 2 {
		c.Add(d.Word(i))
	}
	have := counts(c)
	if len(have) != d.Len() {
		t.Fatalf("%d different words, want %d", len(have), d.Len())
	}
	for i := range d.Len() {
		if want := uint64(2 - i%2); have[string(d.Word(i))] != want {
			t.Fatalf("%s: %d, want %d", d.Word(i), have[string(d.Word(i))], want)
		}
	}
}

func TestCounterCountsBeyond32Bits(t *testing.T) {
	c := NewCounter()
	word := []byte("often")
	c.Add(word)
	c.settle()
	for i := range c.cells {
		if c.cells[i].n == 1 {
			c.cells[i].n = math.MaxUint32
		}
	}
	c.Add(word)
	c.Add(word)
	if n := counts(c)["often"]; n != math.MaxUint32+2 {
		t.Errorf("%d, want %d", n, uint64(math.MaxUint32)+2)
	}
}

func TestPickingAndCountingDoNotAllocate(t *testing.T) {
	if invariants.Enabled {
		t.Skip("counted in plain builds")
	}
	for name, s := range map[string]Spec{
		"table": {Workload: RandomWords, Words: 1000},
		"map":   {Workload: RandomWords, Words: 1000, Map: true},
		"long":  {Workload: LongWords, Words: 1000, Size: 20},
		"zipf":  {Workload: ZipfWords, Words: 1000, Skew: 1.07},
		"keys":  {Workload: KeyWords, Keys: 1000},
	} {
		p, c := s.picker(0), s.counter()
		for range 100_000 {
			c.Add(p.Next())
		}
		if n := testing.AllocsPerRun(100, func() {
			for range 1000 {
				c.Add(p.Next())
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for 1,000 words", name, n)
		}
	}
}
