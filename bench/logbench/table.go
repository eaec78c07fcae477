package logbench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/ardea-stream/ardea/bench"
)

// WriteTable writes the report for people: for each figure what was asked, and each answer beside its limit.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "%s (%s)\nAsked: %s\n", f.Title, f.Name, f.Asked)
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "\tmeasured\tlimit\tratio\tthe limit is")
		for _, row := range f.Rows {
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", row.Name, row.Unit.stat(row.Measured), row.limitText(), row.ratioText(), orDash(row.LimitIs))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for _, note := range f.Notes {
			b.WriteString(note + "\n")
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "Medians of %d runs of %.3g s each, with 95 %% intervals. A ratio of 1 is the limit, more is better. All that was written was read back.\n%s\n",
		r.Config.Repeat, r.Config.Seconds, r.Machine)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Row) limitText() string {
	if r.LimitIs == "" {
		return "-"
	}
	return r.Unit.stat(r.Limit)
}

func (r *Row) ratioText() string {
	if r.Ratio.N == 0 {
		return "-"
	}
	if r.Ratio.N == 1 {
		return fmt.Sprintf("%.2f", r.Ratio.Median)
	}
	return fmt.Sprintf("%.2f (%.2f - %.2f)", r.Ratio.Median, r.Ratio.Low, r.Ratio.High)
}

// String tells of the row in a line.
func (r *Row) String() string {
	s := r.Name + ": " + r.Unit.value(r.measured[len(r.measured)-1])
	if r.LimitIs != "" {
		s += ", " + r.LimitIs + " " + r.Unit.value(r.limit[len(r.limit)-1])
	}
	return s
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// stat writes a median with its unit and interval.
func (u Unit) stat(s bench.Stat) string {
	if s.N < 2 {
		return u.value(s.Median)
	}
	return fmt.Sprintf("%s (%s - %s)", u.value(s.Median), u.bareValue(s.Low), u.bareValue(s.High))
}

func (u Unit) value(v float64) string {
	if u == Micros && v >= 1e4 {
		return fmt.Sprintf("%.1f ms", v/1e3)
	}
	return u.bareValue(v) + " " + string(u)
}

func (u Unit) bareValue(v float64) string {
	switch u {
	case PerSecond, PerSecondO, Bytes:
		return amount(v)
	case AllocsPer:
		return fmt.Sprintf("%.4f", v)
	case Micros:
		if v >= 1e4 {
			return fmt.Sprintf("%.1f ms", v/1e3)
		}
		return digits(v)
	default:
		return digits(v)
	}
}

// digits writes three digits of a number, and all before its point.
func digits(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// amount writes a number with three digits or so.
func amount(n float64) string {
	switch {
	case n < 1e3:
		return fmt.Sprintf("%.0f", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f k", n/1e3)
	default:
		return fmt.Sprintf("%.2f M", n/1e6)
	}
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
}
