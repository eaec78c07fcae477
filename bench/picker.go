package bench

import "math/bits"

// group is the number of words that Picker and Counter handle at once. The
// memory accesses of a group do not depend on each other, so that the
// processor has many of them under way. One word after the other would
// measure the latency of the machine's memory and little else.
const group = 32

// Picker draws words and remembers a checksum of what it has drawn. It is for
// one goroutine.
type Picker struct {
	dictionary *Dictionary // nil: words are numbers, written out
	n          uint64      // different words
	zipf       *zipf       // nil: all words are as likely
	text       [group][numberWidth]byte
	random     uint64
	drawn      uint64 // in whole groups
	sum        uint64
	left       int // words[:left] and indexes[:left] are drawn and not yet picked
	words      [group][]byte
	indexes    [group]uint64
	touched    byte
}

// NewPicker returns a picker that draws uniformly. Pickers with different seeds
// draw different words.
func NewPicker(d *Dictionary, seed uint64) *Picker {
	return &Picker{dictionary: d, n: uint64(d.Len()), random: mix(seed)}
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
	switch {
	case p.zipf != nil:
		p.fillSkewed()
	case p.dictionary == nil:
		p.fillNumbers()
	default:
		p.fillUniform()
	}
	for _, word := range p.words {
		p.touched ^= word[0]
	}
	p.drawn += group
	p.left = group
}

func (p *Picker) fillUniform() {
	for k := range p.words {
		p.random += gamma
		i, _ := bits.Mul64(scramble(p.random), p.n) // uniform to within n / 2^64
		p.indexes[k] = i
		p.sum += mix(i)
		p.words[k] = p.dictionary.Word(int(i))
	}
}

func (p *Picker) fillSkewed() {
	for k := range p.words {
		p.random += gamma
		p.indexes[k] = p.zipf.draw(scramble(p.random))
	}
	for k, i := range p.indexes {
		p.sum += mix(i)
		p.words[k] = p.dictionary.Word(int(i))
	}
}

func (p *Picker) fillNumbers() {
	for k := range p.words {
		p.random += gamma
		i, _ := bits.Mul64(scramble(p.random), p.n)
		p.indexes[k] = i
		p.sum += mix(i)
		writeNumber(&p.text[k], i)
		p.words[k] = p.text[k][:]
	}
}

// Undo takes back the last Next.
func (p *Picker) Undo() { p.undo(1) }

// undo takes back the last n words, all of one group.
func (p *Picker) undo(n int) { p.left += n }

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
