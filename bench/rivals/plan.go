package rivals

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What a run takes beside its warm-up and its measured time, by the language of the system, for the plan only.
var overheads = map[string]time.Duration{"java": 9 * time.Second, "go": 3 * time.Second, "rust": 3 * time.Second}

const (
	otherOverhead = 4 * time.Second
	nativeWarmUp  = 7 * time.Second // what programs without a JIT take until they are steady
	jvmPacedWarm  = 8 * time.Second // before latency is measured
	pacedWarm     = 3 * time.Second
	windowSlack   = 2 * time.Second // of a run at a rate, around the window
)

// plan is what is measured, and how often. The first row of each peer and guarantee leads, the others are its variants.
type plan struct {
	repeat    int // of the main workload of rows that lead
	variants  int // of that of the others
	others    int // of other workloads
	latencies int
	narrow    bool // other workloads, and latency at a share of the maximum, only for rows that lead
	estimate  time.Duration
}

// makePlan returns the first plan that fits into the budget, or the smallest there is. All in breadth is worth more than a
// third repeat, and a second repeat more than breadth.
func (d *driver) makePlan() plan {
	var p plan
	for _, p = range plans(d.c.Repeat) {
		if d.c.NoLatency {
			p.latencies = 0
		}
		p.estimate = d.estimate(p)
		if p.estimate <= d.c.Budget {
			break
		}
	}
	return p
}

// plans returns all plans with up to so many repeats, the best first.
func plans(most int) (all []plan) {
	for n := most; n >= min(2, most); n-- {
		all = append(all, plan{repeat: n, variants: n, others: n, latencies: n})
	}
	for n := most; n >= 1; n-- {
		for rest := n; rest >= 1; rest-- {
			for variants := n; variants >= rest && variants >= n-1; variants-- {
				all = append(all, plan{repeat: n, variants: max(1, variants), others: rest, latencies: rest, narrow: true})
			}
		}
	}
	return all
}

// estimate adds up what a plan takes.
func (d *driver) estimate(p plan) time.Duration {
	var sum time.Duration
	for i := range d.report.Rows {
		row := &d.report.Rows[i]
		for _, w := range d.workloadsOf(row, p) {
			sum += time.Duration(d.repeats(row, w, p)) * d.runTime(row)
		}
		sum += time.Duration(p.latencies*len(d.loadsOf(row, p))) * (d.overhead(row) + d.pacedWarmUp(row) + d.c.Duration + windowSlack)
	}
	return sum + time.Duration(len(d.generatorJobs()))*(2*generatorTime+otherOverhead)
}

// repeats returns how often a plan measures a row with a workload at full speed.
func (d *driver) repeats(row *Row, workload string, p plan) int {
	switch {
	case workload != d.mainOf(row):
		return p.others
	case d.leads(row):
		return p.repeat
	default:
		return p.variants
	}
}

// mainOf returns the workload of a row that has the most repeats, and the latencies: the first that was asked for and that
// the row has. It is empty if there is none.
func (d *driver) mainOf(row *Row) string {
	for _, w := range d.c.Workloads {
		if slices.Contains(row.Workloads, w) {
			return w
		}
	}
	return ""
}

// workloadsOf returns the workloads that a plan measures of a row.
func (d *driver) workloadsOf(row *Row, p plan) []string {
	var all []string
	for _, w := range d.c.Workloads {
		others := d.c.Plant == "" && (!p.narrow || d.leads(row))
		if slices.Contains(row.Workloads, w) && (w == d.mainOf(row) || others) {
			all = append(all, w)
		}
	}
	return all
}

// loads are at which latency is measured.
type load int

const (
	atRate  load = iota // DefaultRate
	atShare             // DefaultShare of the maximum
)

// loadsOf returns the loads at which a plan measures a row's latency.
func (d *driver) loadsOf(row *Row, p plan) []load {
	switch {
	case !row.Latency || p.latencies == 0 || d.mainOf(row) == "":
		return nil
	case p.narrow && !d.leads(row):
		return []load{atRate}
	default:
		return []load{atRate, atShare}
	}
}

// leads reports whether a row is the first one of its peer and guarantee that has its main workload.
func (d *driver) leads(row *Row) bool {
	for i := range d.report.Rows {
		if r := &d.report.Rows[i]; r.Peer == row.Peer && r.Guarantee == row.Guarantee && d.mainOf(r) == d.mainOf(row) {
			return r.Variant == row.Variant
		}
	}
	return false
}

func (d *driver) overhead(row *Row) time.Duration {
	o, known := overheads[row.Language]
	if !known {
		o = otherOverhead
	}
	if row.Processes > 1 && row.Language == "java" {
		o *= 2
	}
	return o
}

// runTime is what a run at full speed takes.
func (d *driver) runTime(row *Row) time.Duration {
	warm := min(d.c.WarmUp, nativeWarmUp)
	if row.Language == "java" {
		warm = d.c.WarmUp * 3 / 4
	}
	return d.overhead(row) + warm + d.c.Duration
}

// pacedWarmUp is how long a run at a rate is left alone before it is measured.
func (d *driver) pacedWarmUp(row *Row) time.Duration {
	if row.Language == "java" {
		return min(jvmPacedWarm, d.c.WarmUp)
	}
	return min(pacedWarm, d.c.WarmUp)
}

// text tells of the plan in words.
func (p plan) text(d *driver) string {
	var b strings.Builder
	fmt.Fprintf(&b, "plan: %d rows; %s, or the first that a row has, %d times", len(d.report.Rows), d.c.Workloads[0], p.repeat)
	if p.variants != p.repeat {
		fmt.Fprintf(&b, " (%d of variants)", p.variants)
	}
	if len(d.c.Workloads) > 1 {
		fmt.Fprintf(&b, "; other workloads %d times", p.others)
	}
	if p.latencies > 0 {
		fmt.Fprintf(&b, "; latencies %d times", p.latencies)
	}
	if p.narrow {
		b.WriteString("; other workloads, and latency at a share of the maximum, only for the first row of each peer and guarantee")
	}
	fmt.Fprintf(&b, "; about %v of %v", p.estimate.Round(time.Second), d.c.Budget)
	if p.estimate > d.c.Budget {
		b.WriteString(", which is too much: name fewer peers, or the last runs are left out")
	}
	return b.String()
}
