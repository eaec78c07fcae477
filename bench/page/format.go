package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/bench"
)

// none stands in tables for what is not known.
const none = "–"

// significant writes v with about three digits and no exponent.
func significant(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.001:
		return strconv.FormatFloat(v, 'g', 2, 64)
	case v < 0.9995:
		return strings.TrimRight(strconv.FormatFloat(v, 'f', 3, 64), "0")
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
}

// amount writes a number of things: 12.3 k, 4.56 M.
func amount(v float64) string {
	switch {
	case v < 999.5:
		return significant(v)
	case v < 999.5e3:
		return significant(v/1e3) + " k"
	case v < 999.5e6:
		return significant(v/1e6) + " M"
	case v < 999.5e9:
		return significant(v/1e9) + " G"
	default:
		return significant(v/1e12) + " T"
	}
}

// rounded is amount without zeros at its end, for numbers that somebody chose.
func rounded(v float64) string {
	figure, unit, _ := strings.Cut(amount(v), " ")
	if strings.Contains(figure, ".") {
		figure = strings.TrimRight(strings.TrimRight(figure, "0"), ".")
	}
	return joined(" ", figure, unit)
}

// micros writes a time that is given in microseconds.
func micros(v float64) string {
	switch {
	case v < 999.5:
		return significant(v) + " µs"
	case v < 999.5e3:
		return significant(v/1e3) + " ms"
	default:
		return significant(v/1e6) + " s"
	}
}

// nanos writes CPU time of a tuple that is given in nanoseconds.
func nanos(v float64) string {
	if v < 99_950 {
		return significant(v) + " ns"
	}
	return micros(v / 1e3)
}

func percent(share float64) string { return significant(100*share) + " %" }

// times writes a factor: 6.3×.
func times(v float64) string { return significant(v) + "×" }

// change writes a factor as a change: +12 %, −3.4 %.
func change(factor float64) string {
	digits, by := 1, 100*math.Abs(factor-1)
	if by >= 10 {
		digits = 0
	}
	text := strconv.FormatFloat(by, 'f', digits, 64) + " %"
	switch {
	case by < 0.05:
		return "±0 %"
	case factor < 1:
		return "−" + text
	default:
		return "+" + text
	}
}

// pValue writes a probability.
func pValue(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

// known formats v unless it is zero, which stands for "not known".
func known(v float64, format func(float64) string) string {
	if v == 0 {
		return none
	}
	return format(v)
}

// statText writes a median with its interval.
func statText(s bench.Stat, format func(float64) string) string {
	if s.N < 2 {
		return format(s.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", format(s.Median), format(s.Low), format(s.High))
}

func interval(s bench.Stat) string {
	if s.N < 2 {
		return none
	}
	return amount(s.Low) + " to " + amount(s.High)
}

// count writes a number and its noun: 1 run, 3 runs.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// listed joins names as English does.
func listed(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
}

// ratio returns a/b, zero if that is not known.
func ratio(a, b float64) float64 {
	if a == 0 || b == 0 {
		return 0
	}
	return cleanNumber(a / b)
}
