package crash

import (
	"fmt"
	"slices"
	"time"

	"github.com/ardea-stream/ardea/local"
)

// recovery is how a run went on after a kill.
type recovery struct {
	kill

	took  time.Duration // zero if the run ended first
	apart bool          // no other process was down or recovering meanwhile
}

// recoveries finds when the run went on after each kill: an instance when a
// process of the same task handles its first tuple, a stream manager when a leaf
// of its container gets a tuple that was emitted after the death.
func recoveries(r *run, kills []kill, records []record) []recovery {
	all := make([]recovery, len(kills))
	for i, k := range kills {
		all[i].kill = k
		var back int64
		if k.role == local.RoleInstance {
			back = firstOf(records, k.component, k.index, k.at)
		} else {
			back = firstThrough(r, records, k)
		}
		if back > 0 {
			all[i].took = time.Duration(back - k.at)
		}
	}
	for i := range all {
		a := &all[i]
		a.apart = a.took > 0 && !slices.ContainsFunc(all, func(b recovery) bool {
			return b.kill != a.kill && b.at <= a.at+int64(a.took) && (b.took == 0 || b.at+int64(b.took) >= a.at)
		})
	}
	return all
}

// firstOf returns when a process of a task that began after some time handled its first tuple.
func firstOf(records []record, component string, index int, after int64) (at int64) {
	for i := range records {
		r := &records[i]
		if r.kind != "first" || r.component != component || r.index != index || len(r.blocks) == 0 {
			continue
		}
		if t := r.blocks[0].at; t > after && (at == 0 || t < at) {
			at = t
		}
	}
	return at
}

// firstThrough returns when a tuple came through the successor of a stream manager.
func firstThrough(r *run, records []record, k kill) (at int64) {
	for i := range records {
		rec := &records[i]
		if rec.kind != "leaf" || r.containerOf(rec.component, rec.index) != k.container {
			continue
		}
		for _, b := range rec.blocks {
			if b.at > k.dead && b.emitted > k.dead {
				if at == 0 || b.at < at {
					at = b.at
				}
				break
			}
		}
	}
	return at
}

// containerOf returns the container of a component's task.
func (r *run) containerOf(component string, index int) uint32 {
	p := r.plan
	for i := range p.Components {
		if c := &p.Components[i]; c.Name == component {
			return p.ContainerOf(c.FirstTask + uint32(index)).ID
		}
	}
	return 0
}

// dipWindow is how long after a kill the untouched branch is looked at.
const dipWindow = 500 * time.Millisecond

// dips returns which share of its tuples the untouched branch did not get in the
// window after each kill of an instance, against the time before the first kill.
// Windows in which a stream manager was down, which touches every branch, are left out.
func dips(all []recovery, records []record) (shares []float64) {
	var blocks []block
	for i := range records {
		if records[i].component == besideName && records[i].kind == "leaf" {
			blocks = append(blocks, records[i].blocks...)
		}
	}
	if len(blocks) == 0 || len(all) == 0 {
		return nil
	}
	// The first tenth of the time before the first kill is that of the start.
	begin, first := blocks[0].at, all[0].at
	begin += (first - begin) / 10
	before := countIn(blocks, begin, first) / float64(first-begin)
	for _, k := range all {
		from, to := k.at, k.at+int64(dipWindow)
		touched := slices.ContainsFunc(all, func(m recovery) bool {
			return m.role == local.RoleManager && m.at < to && m.at+int64(m.took)+int64(time.Second) > from
		})
		if k.role == local.RoleInstance && !touched && to < blocks[len(blocks)-1].at {
			shares = append(shares, 1-countIn(blocks, from, to)/float64(to-from)/before)
		}
	}
	return shares
}

// countIn returns the number of tuples that were recorded in a time.
func countIn(blocks []block, from, to int64) (n float64) {
	for _, b := range blocks {
		if b.at >= from && b.at < to {
			n += float64(len(b.words) / 8)
		}
	}
	return n
}

// spread prints quantiles of times.
func spread(times []time.Duration) string {
	if len(times) == 0 {
		return "none"
	}
	slices.Sort(times)
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("p50 %v, p99 %v, max %v of %d",
		round(quantile(times, 0.5)), round(quantile(times, 0.99)), round(times[len(times)-1]), len(times))
}

// quantile returns a quantile of sorted times.
func quantile(times []time.Duration, q float64) time.Duration {
	return times[min(len(times)-1, int(q*float64(len(times))))]
}
