// Package wordcount counts the words of a file: lines (shuffle) to split,
// words (by word) to count, totals (global) to one sink that writes them.
//
// A word is a maximal run of Unicode letters (category L), decimal digits
// (category Nd) and apostrophes, lower-cased rune by rune. The apostrophe is
// U+0027 only: U+2019, which is a closing quote as well, ends a word, and so
// does every combining mark. Bytes that are not UTF-8 end a word, too.
//
// The file is read by any number of spout tasks, each taking the lines that
// begin in its share of the bytes. A line that is longer than 256 KiB travels
// in pieces, cut between words; only a single word longer than that is split.
//
// The output is written when the input has ended, a line `word TAB count` for
// each word, sorted by bytes, and appears under its name only when complete.
// A run that is interrupted writes the counts of what was read until then.
package wordcount
