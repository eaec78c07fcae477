package bench

// numberWidth is the length of a word that is a number written out.
const numberWidth = 8

// writeNumber writes a number below 2^32 as a word of lower-case letters, four bits a letter.
func writeNumber(word *[numberWidth]byte, i uint64) {
	for k := range word {
		word[k] = 'a' + byte(i>>(4*k))&15
	}
}

// readNumber is the inverse of writeNumber. ok is false for other words.
func readNumber(word []byte) (i uint64, ok bool) {
	if len(word) != numberWidth {
		return 0, false
	}
	for k, c := range word {
		if c < 'a' || c > 'a'+15 {
			return 0, false
		}
		i |= uint64(c-'a') << (4 * k)
	}
	return i, true
}

// dictionary returns the words of a workload, nil if they are numbers written out.
func (s Spec) dictionary() *Dictionary {
	switch {
	case s.Words == 0:
		return nil
	case s.Size > 0:
		return NewLongDictionary(s.Words, s.Size, s.Seed)
	default:
		return NewDictionary(s.Words, s.Seed)
	}
}

// picker returns the picker of one of the workload's tasks, by its index.
func (s Spec) picker(index int) *Picker {
	seed := s.Seed + uint64(index)
	d := s.dictionary()
	if d == nil {
		return &Picker{n: uint64(s.Keys), random: mix(seed)}
	}
	p := NewPicker(d, seed)
	if s.Skew > 0 {
		p.zipf = newZipf(d.Len(), s.Skew)
	}
	return p
}

// counter returns the counter of one of the workload's tasks.
func (s Spec) counter() *Counter {
	if s.Map {
		return newMapCounter()
	}
	return NewCounter()
}

// tally returns what a counter has counted of the workload's words.
func (s Spec) tally(c *Counter) Tally {
	if d := s.dictionary(); d != nil {
		return TallyOf(c, d)
	}
	return tallyBy(c, s.Keys, readNumber)
}
