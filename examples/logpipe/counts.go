package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// counts is what is left in the end.
type counts struct {
	Words    int    // that there are
	Emitted  int    // by the first topology's spout, some of them again
	InLog    uint64 // tuples
	Read     int    // by the second topology
	Distinct int    // of those
	Missing  int
	ByWord   map[string]int // of the distinct ones
}

// String returns the figures for people.
func (c counts) String() string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "words     %8d\nemitted   %8d\nin log    %8d\nread      %8d\ndistinct  %8d\nmissing   %8d\n",
		c.Words, c.Emitted, c.InLog, c.Read, c.Distinct, c.Missing)
	for _, w := range lexicon {
		_, _ = fmt.Fprintf(&b, "  %-7s %8d\n", w, c.ByWord[w])
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// read reads the notes.
func (c *counts) read(glob string) error {
	paths, err := filepath.Glob(glob)
	if err != nil {
		return err
	}
	seen := make([]bool, c.Words)
	c.ByWord = map[string]int{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if err := c.add(line, seen); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	c.Missing = c.Words - c.Distinct
	return nil
}

// add counts a line.
func (c *counts) add(line string, seen []bool) error {
	number, word, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(seen) || word != lexicon[n%len(lexicon)] {
		return fmt.Errorf("%q is no line of it", line)
	}
	c.Read++
	if !seen[n] {
		seen[n] = true
		c.Distinct++
		c.ByWord[word]++
	}
	return nil
}

// noted returns how many lines there are so far.
func noted(dir string) int {
	paths, _ := filepath.Glob(notesGlob(dir))
	n := 0
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		n += bytes.Count(text, []byte("\n"))
	}
	return n
}
