package wordcount

import (
	"context"
	"unicode"
	"unicode/utf8"

	"github.com/ardea-stream/ardea/topology"
)

// split sends every word of a line. It allocates nothing per word.
type split struct {
	out  *topology.Collector
	word []byte // the latest word, lower-cased
}

// Open keeps the collector.
func (s *split) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out = out
	return nil
}

// Execute sends the words of the line in field 0.
func (s *split) Execute(t *topology.Tuple) error {
	rest, err := t.Bytes(0)
	if err != nil {
		return err
	}
	for {
		if rest = s.next(rest); len(s.word) == 0 {
			return nil
		}
		if err := s.out.Emit(topology.StringBytes(s.word)); err != nil {
			return err
		}
	}
}

// next leaves the first word of line in s.word, none if there is none, and
// returns what follows it.
func (s *split) next(line []byte) (rest []byte) {
	s.word = s.word[:0]
	for i := 0; i < len(line); {
		lower, size := wordRune(line[i:])
		i += size
		switch {
		case lower >= utf8.RuneSelf:
			s.word = utf8.AppendRune(s.word, lower)
		case lower != 0:
			s.word = append(s.word, byte(lower))
		case len(s.word) > 0:
			return line[i:]
		}
	}
	return nil
}

// wordRune decodes the first rune of b: in lower case, or 0 if it belongs to no word.
func wordRune(b []byte) (lower rune, size int) {
	if b[0] < utf8.RuneSelf {
		return rune(asciiWord[b[0]]), 1
	}
	r, size := utf8.DecodeRune(b)
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return unicode.ToLower(r), size
	}
	return 0, size
}

// asciiWord holds the lower-case form of the ASCII bytes that words are made of, 0 for others.
var asciiWord = func() (table [utf8.RuneSelf]byte) {
	for c := range byte(utf8.RuneSelf) {
		switch {
		case c >= 'A' && c <= 'Z':
			table[c] = c - 'A' + 'a'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '\'':
			table[c] = c
		}
	}
	return table
}()

// boundary returns where to cut b so that no word is divided: behind its last
// rune that belongs to none. If b is one huge word it is cut between two runes.
func boundary(b []byte) int {
	end := len(b)
	for i := end - 1; i >= 0 && i >= end-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) && i > 0 {
				end = i
			}
			break
		}
	}
	for i := end; i > 0; {
		_, size := utf8.DecodeLastRune(b[:i])
		if lower, _ := wordRune(b[i-size : i]); lower == 0 {
			return i
		}
		i -= size
	}
	return end
}

// Close does nothing.
func (s *split) Close() error { return nil }
