package main

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"github.com/ardea-stream/ardea/local"
)

// runeColumns is how many columns of a terminal a letter takes.
func runeColumns(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	case width.Neutral, width.EastAsianAmbiguous, width.EastAsianNarrow, width.EastAsianHalfwidth:
	}
	return 1
}

func columns(text string) int {
	n := 0
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

// cut is as much of a text as fits, without what a terminal would take for a command.
func cut(text string, most int) string {
	var b strings.Builder
	for _, r := range text {
		if !unicode.IsPrint(r) {
			r = '?'
		}
		n := runeColumns(r)
		if n > most {
			break
		}
		most -= n
		b.WriteRune(r)
	}
	return b.String()
}

// wrap puts parts on as few lines as they fit on.
func wrap(parts []string, most int) []topLine {
	const gap = "  "
	var lines []topLine
	for _, part := range parts {
		if last := len(lines) - 1; last >= 0 && columns(lines[last].text)+len(gap)+columns(part) <= most {
			lines[last].text += gap + part
			continue
		}
		lines = append(lines, topLine{text: part})
	}
	return lines
}

// table aligns rows, the first of which is the heading: the first column to the
// left, the others to the right. Columns that do not fit are left out, the last first.
func table(rows [][]string, most int) []topLine {
	const gap = 2
	shown, total := 0, 0
	var widths []int
	for c := range rows[0] {
		w := 0
		for _, row := range rows {
			w = max(w, columns(row[c]))
		}
		if c > 0 {
			w += gap
		}
		if total+w > most && c > 0 {
			break
		}
		total += w
		widths = append(widths, w)
		shown++
	}
	lines := make([]topLine, len(rows))
	for i, row := range rows {
		var b strings.Builder
		for c := range shown {
			space := strings.Repeat(" ", max(0, widths[c]-columns(row[c])))
			if c == 0 {
				b.WriteString(row[c] + space)
			} else {
				b.WriteString(space + row[c])
			}
		}
		lines[i] = topLine{text: b.String(), heading: i == 0}
	}
	return lines
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

func digits[N int | int64 | uint64](n N) string { return fmt.Sprintf("%d", n) }

// number is a rate.
func number(n float64) string {
	if math.IsNaN(n) {
		return "-"
	}
	return local.Amount(n)
}

func perSecond(n float64) string {
	if math.IsNaN(n) {
		return "-"
	}
	return number(n) + "/s"
}

func percent(share float64) string {
	if math.IsNaN(share) {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

func bytesOf(n uint64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d MiB", n>>20)
	}
}

// quantile is a latency of the last second.
func quantile(t *topTask, q float64) string {
	if t.latency.IsZero() {
		return "-"
	}
	d := t.latency.Quantile(q)
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}
