package bench

import (
	"math/bits"
	"math/rand/v2"
)

// lengthWeights is how often, in a hundred, a word of the dictionary has that
// many letters. The mean is 7.7, near that of an English word list.
var lengthWeights = [...]int{3: 2, 4: 6, 5: 9, 6: 13, 7: 15, 8: 16, 9: 15, 10: 13, 11: 11}

// Dictionary is a list of different random words, 3 to 11 lower-case letters
// each. It is immutable and may be shared.
type Dictionary struct {
	text []byte
	ends []uint32 // word i is text[ends[i]:ends[i+1]]
}

// NewDictionary returns n different words, the same ones for the same seed.
// n must be 1 to MaxWords.
func NewDictionary(n int, seed uint64) *Dictionary {
	random := rand.New(rand.NewPCG(seed, 0))
	d := &Dictionary{ends: make([]uint32, 1, n+1)}
	seen := make(map[string]struct{}, n)
	for len(d.ends) <= n {
		start := len(d.text)
		for range randomLength(random) {
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

// group is the number of words that Picker and Counter handle at once. The
// memory accesses of a group do not depend on each other, so that the
// processor has many of them under way. One word after the other would
// measure the latency of the machine's memory and little else.
const group = 32

// Picker draws words of a dictionary uniformly and remembers a checksum of what
// it has drawn. It is for one goroutine.
type Picker struct {
	dictionary *Dictionary
	random     uint64
	drawn      uint64 // in whole groups
	sum        uint64
	left       int // words[:left] and indexes[:left] are drawn and not yet picked
	words      [group][]byte
	indexes    [group]uint64
	touched    byte
}

// NewPicker returns a picker. Pickers with different seeds draw different words.
func NewPicker(d *Dictionary, seed uint64) *Picker {
	return &Picker{dictionary: d, random: mix(seed)}
}

// Next returns a random word, borrowed from the dictionary.
func (p *Picker) Next() []byte {
	if p.left == 0 {
		p.fill()
	}
	p.left--
	return p.words[p.left]
}

// fill draws a group of words and reads a letter of each.
func (p *Picker) fill() {
	n := uint64(p.dictionary.Len())
	for k := range p.words {
		p.random += gamma
		i, _ := bits.Mul64(scramble(p.random), n) // uniform to within n / 2^64
		p.indexes[k] = i
		p.sum += mix(i)
		p.words[k] = p.dictionary.Word(int(i))
	}
	for _, word := range p.words {
		p.touched ^= word[0]
	}
	p.drawn += group
	p.left = group
}

// Undo takes back the last Next. It is not called twice in a row.
func (p *Picker) Undo() { p.left++ }

// Tally returns the number of words picked and their checksum: the sum of a
// hash of each word's place in the dictionary.
func (p *Picker) Tally() Tally {
	t := Tally{Tuples: p.drawn - uint64(p.left), Checksum: p.sum}
	for _, i := range p.indexes[:p.left] {
		t.Checksum -= mix(i)
	}
	return t
}

// gamma and scramble are those of the SplitMix64 generator.
const gamma = 0x9e3779b97f4a7c15

func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// mix is a hash of small numbers.
func mix(i uint64) uint64 { return scramble(i + gamma) }
