package bench

import (
	"bytes"
	"math"
	"testing"
)

func TestDictionary(t *testing.T) {
	const n = 20_000
	d := NewDictionary(n, 1)
	if d.Len() != n {
		t.Fatalf("%d words, want %d", d.Len(), n)
	}
	seen, letters := map[string]bool{}, 0
	for i := range n {
		word := d.Word(i)
		if len(word) < 3 || len(word) > inlineWord {
			t.Fatalf("word %d, %q, has %d letters", i, word, len(word))
		}
		if bytes.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) {
			t.Fatalf("word %d is %q", i, word)
		}
		seen[string(word)] = true
		letters += len(word)
	}
	if len(seen) != n {
		t.Errorf("%d different words of %d", len(seen), n)
	}
	if mean := float64(letters) / n; mean < 7.2 || mean > 8.2 {
		t.Errorf("the mean length is %.2f", mean)
	}
}

func TestDictionaryDependsOnSeed(t *testing.T) {
	a := NewDictionary(1000, 1)
	if !bytes.Equal(a.text, NewDictionary(1000, 1).text) {
		t.Error("the same seed gives other words")
	}
	if bytes.Equal(a.text, NewDictionary(1000, 2).text) {
		t.Error("another seed gives the same words")
	}
}

func TestLengthsAddUp(t *testing.T) {
	sum := 0
	for _, weight := range lengthWeights {
		sum += weight
	}
	if sum != 100 {
		t.Errorf("the weights add up to %d", sum)
	}
}

// TestPickerIsUniform compares the draws with their expectation by chi-squared,
// which for so many words is nearly normal.
func TestPickerIsUniform(t *testing.T) {
	const words, perWord = 1000, 200
	p, c := NewPicker(NewDictionary(words, 1), 1), NewCounter()
	for range words * perWord {
		c.Add(p.Next())
	}
	var chi float64
	have := counts(c)
	for _, n := range have {
		d := float64(n) - perWord
		chi += d * d / perWord
	}
	if z := (chi - (words - 1)) / math.Sqrt(2*(words-1)); math.Abs(z) > 4 || len(have) != words {
		t.Errorf("%d words, chi-squared is %.1f standard deviations off", len(have), z)
	}
}

func TestPickersWithOtherSeedsDiffer(t *testing.T) {
	d := NewDictionary(1000, 1)
	a, b := NewPicker(d, 1), NewPicker(d, 2)
	equal := 0
	for range 1000 {
		if bytes.Equal(a.Next(), b.Next()) {
			equal++
		}
	}
	if equal > 20 {
		t.Errorf("%d of 1000 draws are equal", equal)
	}
}

func TestPickerTally(t *testing.T) {
	d := NewDictionary(500, 1)
	for _, picks := range []int{0, 1, group - 1, group, group + 1, 10_000} {
		p, c := NewPicker(d, 7), NewCounter()
		for range picks {
			c.Add(p.Next())
		}
		if err := compareTallies("picks", p.Tally(), TallyOf(c, d)); err != nil || p.Tally().Tuples != uint64(picks) {
			t.Errorf("%d picks: %+v, %v", picks, p.Tally(), err)
		}
		if picks == 0 {
			continue
		}
		p.Undo()
		if n := p.Tally().Tuples; n != uint64(picks-1) {
			t.Errorf("%d picks, one undone: %d", picks, n)
		}
		p.Next()
		if err := compareTallies("picks", p.Tally(), TallyOf(c, d)); err != nil {
			t.Errorf("%d picks, one undone and done again: %v", picks, err)
		}
	}
}
