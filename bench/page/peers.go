package page

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/rivals"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

// ownPeer is the peer whose rows a page stresses.
const ownPeer = "ardea"

// WritePeersHTML writes a measurement of peers as one page that needs nothing else, with a chart for each workload and guarantee.
// The error is that of w.
func WritePeersHTML(w io.Writer, r *rivals.Report) error { return peersView(r).writeHTML(w) }

// peersView lays a measurement of peers out.
func peersView(r *rivals.Report) *view {
	v := &view{
		Title: "Ardea and its peers", Partial: r.Partial, Command: r.Command,
		Subtitle: joined(" · ", r.Begun.UTC().Format("2 January 2006, 15:04 MST"),
			"took "+time.Duration(min(r.Seconds, 1e8)*float64(time.Second)).Round(time.Second).String()),
		Facts: machineFacts(&bench.Suite{Machine: r.Machine}),
	}
	var workloads []string
	for i := range r.Cells {
		if w := r.Cells[i].Workload; !slices.Contains(workloads, w) {
			workloads = append(workloads, w)
		}
	}
	for _, w := range workloads {
		v.Sections = append(v.Sections, peersSection(r, w))
	}
	if s := peersLatency(r); len(s.Blocks) > 0 {
		v.Sections = append(v.Sections, s)
	}
	if len(r.Skipped) > 0 || r.Shortened != "" {
		s := section{ID: "skipped", Title: "Not measured"}
		if r.Shortened != "" {
			s.Lead = append(s.Lead, "Some rows have fewer repeats: "+r.Shortened+".")
		}
		for _, skipped := range r.Skipped {
			s.Lead = append(s.Lead, skipped.Why)
		}
		v.Sections = append(v.Sections, s)
	}
	v.number()
	return v
}

// peersSection compares the rows of a workload, those of each guarantee with each other only.
func peersSection(r *rivals.Report, workload string) section {
	s := section{
		ID: "w-" + slug(workload), Title: workload, Kicker: "Counting, as fast as each can",
		Lead: []string{"Medians with 95 % intervals, which of up to five runs reach from the least to the most. CPU time is that of all processes of a system; every word's count was checked."},
	}
	for _, guarantee := range []string{contract.None, contract.AtLeastOnce, contract.ExactlyOnce} {
		for _, of := range []struct {
			title string
			stat  func(*rivals.Cell) bench.Stat
			run   func(*rivals.Run) float64
		}{
			{"Words for each CPU second", func(c *rivals.Cell) bench.Stat { return c.TuplesPerCPUSecond }, func(r *rivals.Run) float64 { return r.TuplesPerCPUSecond }},
			{"Words a second", func(c *rivals.Cell) bench.Stat { return c.TuplesPerSecond }, func(r *rivals.Run) float64 { return r.TuplesPerSecond }},
		} {
			if c := peersChart(r, workload, guarantee, of.title, of.stat, of.run); c != nil {
				s.add(block{Heading: of.title + ", guarantee: " + guarantee, Chart: c})
			}
		}
	}
	return s
}

// peersChart has a bar for each row of a guarantee, the longest first; nil if there is none.
func peersChart(
	r *rivals.Report, workload, guarantee, title string, stat func(*rivals.Cell) bench.Stat, single func(*rivals.Run) float64,
) *chart {
	c := &chart{
		Kind: "bars", Title: title,
		Table: table{Head: []string{"", title, "95 % interval", "first result", "memory", "user code"}, Left: 1, Mark: -1},
	}
	type bar struct {
		row  *rivals.Row
		cell *rivals.Cell
	}
	var bars []bar
	for i := range r.Rows {
		cell := r.Cell(r.Rows[i].Name(), workload)
		if r.Rows[i].Guarantee == guarantee && cell != nil && len(cell.Runs) > 0 {
			bars = append(bars, bar{&r.Rows[i], cell})
		}
	}
	slices.SortStableFunc(bars, func(a, b bar) int { return int(stat(b.cell).Median - stat(a.cell).Median) })
	alt := alternative{Unit: "amount"}
	for _, b := range bars {
		s := stat(b.cell)
		one := row{Label: b.row.Title, Color: peerColor(b.row.Peer), Value: s.Median, Text: amount(s.Median)}
		if s.N > 1 {
			one.Low, one.High = s.Low, s.High
		}
		var notes []string
		if b.cell.Steady < len(b.cell.Runs) {
			notes = append(notes, "not steady")
		}
		if b.cell.Noisy > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d noisy", b.cell.Noisy, len(b.cell.Runs)))
		}
		one.Note = strings.Join(notes, ", ")
		for i := range b.cell.Runs {
			one.Dots = append(one.Dots, single(&b.cell.Runs[i]))
		}
		alt.Rows = append(alt.Rows, one)
		c.Table.Rows = append(c.Table.Rows, []string{
			b.row.Title + b.cell.Losses(), amount(s.Median), interval(s), b.cell.FirstResult(),
			fmt.Sprintf("%d MiB", b.cell.PeakRSSBytes>>20), strconv.Itoa(b.row.CodeLines),
		})
	}
	c.Alternatives = []alternative{alt}
	return c.orNil(len(alt.Rows))
}

// peerColor stresses Ardea's rows.
func peerColor(peer string) string {
	if peer == ownPeer {
		return modeColor(bestMode)
	}
	return limitColor
}

// peersLatency has the latencies of all rows.
func peersLatency(r *rivals.Report) section {
	s := section{ID: "latency", Title: "Latency", Kicker: "At fixed rates", Lead: []string{
		"From the instant that a draw was due to its count, in an open loop. Compare rows of equal guarantees.",
	}}
	t := &table{Head: []string{"", "guarantee", "draws/s", "p50", "p99", "p99.9", "source late, p99"}, Left: 2, Mark: -1}
	for i := range r.Cells {
		c := &r.Cells[i]
		at := slices.IndexFunc(r.Rows, func(row rivals.Row) bool { return row.Name() == c.Name() })
		for k := range c.Latencies {
			l := &c.Latencies[k]
			figures := []string{bench.Micros(l.Micros.P50), bench.Micros(l.Micros.P99), bench.Micros(l.Micros.P999), bench.Micros(l.Pacer.P99)}
			if l.Rejected != "" {
				figures = []string{"does not count: " + l.Rejected, none, none, none}
			}
			if at >= 0 && (len(l.Runs) > 0 || l.Rejected != "") {
				t.Rows = append(t.Rows, append([]string{r.Rows[at].Title, r.Rows[at].Guarantee, amount(l.Rate)}, figures...))
			}
		}
	}
	if len(t.Rows) > 0 {
		s.add(block{Table: t})
	}
	return s
}
