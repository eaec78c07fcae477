package bench

import "math/rand/v2"

// lengthWeights is how often, in a hundred, a word of the dictionary has that
// many letters. The mean is 7.7, near that of an English word list.
var lengthWeights = [...]int{3: 2, 4: 6, 5: 9, 6: 13, 7: 15, 8: 16, 9: 15, 10: 13, 11: 11}

// Dictionary is a list of different random words of lower-case letters. It is immutable and may be shared.
type Dictionary struct {
	text []byte
	ends []uint32 // word i is text[ends[i]:ends[i+1]]
}

// NewDictionary returns n different words of 3 to 11 letters, the same ones for the same seed.
// n must be 1 to MaxWords.
func NewDictionary(n int, seed uint64) *Dictionary { return newDictionary(n, seed, randomLength) }

// NewLongDictionary returns n different words of a number of letters, the same ones for the same seed. There must be
// more than n such words.
func NewLongDictionary(n, letters int, seed uint64) *Dictionary {
	return newDictionary(n, seed, func(*rand.Rand) int { return letters })
}

// newDictionary returns n different words whose lengths a function draws. There
// must be more than n words of these lengths.
func newDictionary(n int, seed uint64, length func(*rand.Rand) int) *Dictionary {
	random := rand.New(rand.NewPCG(seed, 0))
	d := &Dictionary{ends: make([]uint32, 1, n+1)}
	seen := make(map[string]struct{}, n)
	for len(d.ends) <= n {
		start := len(d.text)
		for range length(random) {
			d.text = append(d.text, byte('a'+random.IntN(26)))
		}
		word := string(d.text[start:])
		if _, double := seen[word]; double {
			d.text = d.text[:start]
			continue
		}
		seen[word] = struct{}{}
		d.ends = append(d.ends, uint32(len(d.text)))
	}
	return d
}

func randomLength(random *rand.Rand) int {
	at := random.IntN(100)
	for length, weight := range lengthWeights {
		if at -= weight; at < 0 {
			return length
		}
	}
	return len(lengthWeights) - 1 // the weights add up to 100
}

// Len returns the number of words.
func (d *Dictionary) Len() int { return len(d.ends) - 1 }

// Word returns word i, borrowed: it must not be changed.
func (d *Dictionary) Word(i int) []byte { return d.text[d.ends[i]:d.ends[i+1]] }
