package bench

import (
	"encoding/binary"
	"math/bits"
)

// Counter counts words. The bolts of the benchmark and the loops it is compared
// with use it alike, so that what differs between them is the engine. It is a
// hash table with words of up to 11 bytes in its cells, small enough for the
// caches, and works in groups, see group. It is for one goroutine.
type Counter struct {
	cells   []cell // their number is a power of two
	shift   int    // 64 - log2(len(cells))
	inline  int    // longest word that goes into a cell
	used    int
	waiting int
	pending [group]cell // [:waiting] is to be counted; n is not used
	touched uint64
	slow    map[string]*uint64 // of words that fit no cell, and what overflows n
}

// cell holds a word's first 8 bytes in lo, the others and the length in hi.
type cell struct {
	lo uint64
	hi uint32
	n  uint32 // 0: the cell is free
}

const (
	inlineWord = 11
	firstCells = 1 << 10
)

// NewCounter returns an empty counter.
func NewCounter() *Counter {
	return &Counter{
		cells: make([]cell, firstCells), shift: 64 - bits.Len(firstCells-1), inline: inlineWord,
		slow: map[string]*uint64{},
	}
}

// newMapCounter returns a counter that is nothing but a plain Go map.
func newMapCounter() *Counter { return &Counter{inline: -1, slow: map[string]*uint64{}} }

// Add counts a word, which it borrows. It allocates only to grow.
func (c *Counter) Add(word []byte) {
	if len(word) > c.inline {
		c.addSlow(word, 1)
		return
	}
	p := &c.pending[c.waiting]
	p.lo, p.hi = pack(word)
	if c.waiting++; c.waiting == group {
		c.settle()
	}
}

// addSlow counts in the map. Pointers let it look words up without a copy of them.
func (c *Counter) addSlow(word []byte, n uint64) {
	if have := c.slow[string(word)]; have != nil {
		*have += n
		return
	}
	first := n
	c.slow[string(word)] = &first
}

// settle counts what is pending.
func (c *Counter) settle() {
	var touched uint64
	for i := range c.pending[:c.waiting] {
		touched ^= c.cells[c.place(c.pending[i])].lo
	}
	c.touched ^= touched
	for _, p := range c.pending[:c.waiting] {
		c.count(p)
	}
	c.waiting = 0
}

func (c *Counter) count(p cell) {
	for i := c.place(p); ; i = (i + 1) & (len(c.cells) - 1) {
		have := &c.cells[i]
		if have.lo == p.lo && have.hi == p.hi && have.n != 0 {
			if have.n++; have.n == 0 {
				c.addSlow(unpack(*have), 1<<32-1)
				have.n = 1
			}
			return
		}
		if have.n == 0 {
			p.n = 1
			*have = p
			if c.used++; c.used > len(c.cells)/4*3 {
				c.grow()
			}
			return
		}
	}
}

// place returns the cell at which the search for a word begins.
func (c *Counter) place(p cell) int {
	h := p.lo*0x9fb21c651e98df25 ^ uint64(p.hi)*gamma
	return int((h ^ h>>29) * 0x94d049bb133111eb >> c.shift)
}

func (c *Counter) grow() {
	old := c.cells
	c.cells = make([]cell, 2*len(old))
	c.shift--
	for _, p := range old {
		if p.n == 0 {
			continue
		}
		i := c.place(p)
		for c.cells[i].n != 0 {
			i = (i + 1) & (len(c.cells) - 1)
		}
		c.cells[i] = p
	}
}

// Each calls f with words and counts. It may name a word more than once: its
// counts add up. The word is f's until f returns.
func (c *Counter) Each(f func(word []byte, n uint64)) {
	c.settle()
	for _, have := range c.cells {
		if have.n != 0 {
			f(unpack(have), uint64(have.n))
		}
	}
	for word, n := range c.slow {
		f([]byte(word), *n)
	}
}

// pack returns up to 11 bytes and their number as the key of a cell. Reads
// overlap where the length is no power of two: that beats a loop.
func pack(word []byte) (lo uint64, hi uint32) {
	n := len(word)
	hi = uint32(n) << 24
	switch {
	case n >= 8:
		lo = binary.LittleEndian.Uint64(word)
		return lo, hi | uint32(binary.LittleEndian.Uint64(word[n-8:])>>(8*(16-n)))
	case n >= 4:
		first, last := binary.LittleEndian.Uint32(word), binary.LittleEndian.Uint32(word[n-4:])
		return uint64(first) | uint64(last)<<(8*(n-4)), hi
	default:
		for i := n - 1; i >= 0; i-- {
			lo = lo<<8 | uint64(word[i])
		}
		return lo, hi
	}
}

// unpack returns the word that pack was given.
func unpack(c cell) []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 12), c.lo)
	b = binary.LittleEndian.AppendUint32(b, c.hi)
	return b[:c.hi>>24]
}
