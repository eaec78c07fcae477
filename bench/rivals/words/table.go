package words

// Table is how often each word was counted.
type Table struct {
	counts  []uint64 // by place; of several tasks added up
	table   uint64
	places  map[string]int // made when it is needed
	foreign uint64
	list    *List
}

// NewTable returns an empty table of a list's words.
func NewTable(l *List) *Table { return &Table{counts: make([]uint64, len(l.Words)), list: l} }

// Add adds a task's count of a word. A word that two tasks have counted gives another Summary than one task's count.
func (t *Table) Add(word string, n uint64) {
	if t.places == nil {
		t.places = make(map[string]int, len(t.list.Words))
		for i, word := range t.list.Words {
			t.places[word] = i
		}
	}
	i, known := t.places[word]
	if !known {
		t.foreign += n
		return
	}
	t.AddPlace(i, n)
}

// AddPlace is Add for the word at a place of the list.
func (t *Table) AddPlace(i int, n uint64) {
	if n == 0 {
		return
	}
	t.counts[i] += n
	t.table += scramble(Mix(uint64(i)) + n)
}

// Summary is what a table comes to.
type Summary struct {
	Counted, Foreign uint64
	Distinct         int
	Checksum, Table  uint64
}

// Summary sums the table up.
func (t *Table) Summary() Summary {
	s := Summary{Counted: t.foreign, Foreign: t.foreign, Table: t.table}
	for i, n := range t.counts {
		s.Counted += n
		s.Checksum += n * Mix(uint64(i))
		if n > 0 {
			s.Distinct++
		}
	}
	return s
}

// Expect returns what must be counted after a number of draws of each source, of which the first is source 0.
func (l *List) Expect(seed uint64, draws []uint64) Summary {
	drawn := make([]uint64, len(l.Draws))
	for s, n := range draws {
		stream := l.Stream(seed, s)
		for range n {
			drawn[stream.Next()]++
		}
	}
	counts := drawn
	if l.parts != nil {
		counts = make([]uint64, len(l.Words))
		for place, n := range drawn {
			for _, i := range l.parts[place] {
				counts[i] += n
			}
		}
	}
	t := NewTable(l)
	for i, n := range counts {
		t.AddPlace(i, n)
	}
	return t.Summary()
}
