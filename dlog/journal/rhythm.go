package journal

import (
	"runtime"
	"time"
)

// rhythm decides how many entries share a sync. It belongs to the writer.
//
// Who is told of an entry mostly appends the next one at once. So the writer lets those whom it has told run before it
// takes the next batch. If they are few, or the disk is slow, it lets all of them run: one sync serves them all, and the
// processors idle meanwhile. That takes cost * n + sync for n appenders. If they are many it lets half of them run:
// the other half runs while the disk syncs for the first, and from then on the two halves take turns. That takes the
// longer of sync and cost * n / 2 for n / 2 of them, which is less when cost * n is more than sync.
type rhythm struct {
	cost   float64 // ns from one appender's return to the next one's, as far as it was seen; 0 if it was not yet
	sync   float64 // ns of a sync
	halves bool    // the appenders take turns
}

const (
	slowly   = 0.25 // weight of what was seen last
	fewest   = 8    // appenders that a cost is believed of
	twoSides = 256  // appenders that are divided: for fewer a sync more costs what the turns gain
)

// synced takes note of a sync.
func (r *rhythm) synced(took time.Duration) { average(&r.sync, float64(took)) }

// returned takes note that so many appenders have appended again meanwhile.
func (r *rhythm) returned(n int, took time.Duration) {
	if n >= fewest {
		average(&r.cost, float64(took)/float64(n))
	}
}

func average(v *float64, now float64) {
	if *v == 0 {
		*v = now
	}
	*v += slowly * (now - *v)
}

// decide decides how it goes on when there are so many appenders: those of the batch that was synced, and those that wait
// for the next one.
func (r *rhythm) decide(appenders int) {
	r.halves = appenders >= twoSides && r.cost*float64(appenders) > r.sync
}

// yield lets others run: those who were told, as far as they are on their way.
func (j *Journal) yield() {
	before, began := j.gathered(), time.Now()
	runtime.Gosched()
	j.rhythm.returned(j.gathered()-before, time.Since(began))
}

// gathered returns how many entries wait for the writer.
func (j *Journal) gathered() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.mu.gather.entries
}

// Telling is to be called by a follower that tells n appenders at once, when it is called back or in Hooks.Told, after
// each: it lets some of them run when it is time.
func (j *Journal) Telling(told, n int) {
	if j.rhythm.halves && told == n/2 && j.gathered() < n/2 {
		j.yield()
	}
}
