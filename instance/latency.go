package instance

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// The buckets of latencies: one up to a microsecond, four per power of two up
// to 2^32 microseconds, which is 71 minutes, and one for what is longer.
const (
	latencyQuantum  = 250 * time.Nanosecond // a quarter of the first power of two
	latencyPerPower = 4
	latencyPowers   = 32
	LatencyCount    = 1 + latencyPerPower*latencyPowers + 1
)

// latencyBucket is the index of the bucket of d.
func latencyBucket(d time.Duration) int {
	if d <= latencyPerPower*latencyQuantum {
		return 0
	}
	u := uint64(d-1) / uint64(latencyQuantum) // from 4
	power := bits.Len64(u) - 3
	return min(1+latencyPerPower*power+int(u>>power)&(latencyPerPower-1), LatencyCount-1)
}

// LatencyBound is the longest latency of the i-th of LatencyCount buckets, and
// longer than all those of the one before. That of the last has no meaning:
// it is the greatest duration.
func LatencyBound(i int) time.Duration {
	switch {
	case i <= 0:
		return latencyPerPower * latencyQuantum
	case i >= LatencyCount-1:
		return math.MaxInt64
	default:
		power, part := (i-1)/latencyPerPower, (i-1)%latencyPerPower
		return time.Duration(latencyPerPower+part+1) << power * latencyQuantum
	}
}

// LatencyBuckets is how often latencies were how long. The zero value has none.
// A quantile of it is off by a quarter of the exact one at most.
type LatencyBuckets struct {
	// Counts are by bucket, see LatencyBound. They are nil or LatencyCount.
	Counts []uint64
	// Sum is of all latencies.
	Sum time.Duration
}

// Add counts a latency. It allocates the first time.
func (b *LatencyBuckets) Add(d time.Duration) {
	b.allocate()
	b.Counts[latencyBucket(d)]++
	b.Sum += max(d, 0)
}

// Merge adds what another one counted.
func (b *LatencyBuckets) Merge(o LatencyBuckets) {
	if len(o.Counts) == 0 {
		return
	}
	b.allocate()
	for i, n := range o.Counts {
		b.Counts[i] += n
	}
	b.Sum += o.Sum
}

func (b *LatencyBuckets) allocate() {
	if b.Counts == nil {
		b.Counts = make([]uint64, LatencyCount)
	}
}

// Since returns what came since an earlier moment of the same task. If there
// was more then, the task has begun anew, and it is everything.
func (b LatencyBuckets) Since(earlier LatencyBuckets) LatencyBuckets {
	var d LatencyBuckets
	d.Merge(b)
	for i, n := range earlier.Counts {
		if n == 0 {
			continue
		}
		if d.Counts == nil || d.Counts[i] < n {
			d = LatencyBuckets{}
			d.Merge(b)
			return d
		}
		d.Counts[i] -= n
	}
	d.Sum = max(d.Sum-earlier.Sum, 0)
	return d
}

// Count is how many latencies there are.
func (b LatencyBuckets) Count() uint64 {
	var n uint64
	for _, c := range b.Counts {
		n += c
	}
	return n
}

// IsZero reports whether there are none.
func (b LatencyBuckets) IsZero() bool { return b.Count() == 0 }

// Quantile returns about the latency that a share q of all does not exceed, 0
// if there are none. It lies in the bucket of the exact one, and is the least
// of that where it is the last.
func (b LatencyBuckets) Quantile(q float64) time.Duration {
	n := b.Count()
	if n == 0 {
		return 0
	}
	rank := uint64(max(1, min(math.Ceil(q*float64(n)), float64(n))))
	var below uint64
	for i, c := range b.Counts {
		if below+c < rank {
			below += c
			continue
		}
		low, high := time.Duration(0), LatencyBound(i)
		if i > 0 {
			low = LatencyBound(i - 1)
		}
		if i == LatencyCount-1 {
			return low
		}
		return low + time.Duration(float64(high-low)*float64(rank-below)/float64(c))
	}
	return 0 // never: rank is n at most
}

// latencyJSON is the form in JSON: buckets that count nothing are left out.
type latencyJSON struct {
	SumNanos time.Duration `json:"sum_ns"`
	Counts   [][2]uint64   `json:"counts"` // pairs of a bucket's index and its count
}

// MarshalJSON writes the buckets that are not empty.
func (b LatencyBuckets) MarshalJSON() ([]byte, error) {
	j := latencyJSON{SumNanos: b.Sum, Counts: [][2]uint64{}}
	for i, n := range b.Counts {
		if n > 0 {
			j.Counts = append(j.Counts, [2]uint64{uint64(i), n})
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *LatencyBuckets) UnmarshalJSON(text []byte) error {
	var j latencyJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*b = LatencyBuckets{Sum: j.SumNanos}
	for _, pair := range j.Counts {
		if pair[0] >= LatencyCount {
			return fmt.Errorf("instance: latency bucket %d: there are %d", pair[0], LatencyCount)
		}
		b.allocate()
		b.Counts[pair[0]] += pair[1]
	}
	return nil
}

// LatencyRecorder counts latencies on one goroutine for others to read. The
// zero value is ready.
type LatencyRecorder struct {
	// Owned by the goroutine that records.
	counts  [LatencyCount]uint64
	sum     time.Duration
	changed [(LatencyCount + 63) / 64]uint64 // a bit per bucket: not published since

	published    [LatencyCount]atomic.Uint64
	publishedSum atomic.Int64
}

// Add counts a latency. It neither allocates nor synchronizes: others see it
// after Publish.
func (r *LatencyRecorder) Add(d time.Duration) {
	i := latencyBucket(d)
	r.counts[i]++
	r.sum += max(d, 0)
	r.changed[i/64] |= 1 << (i % 64)
}

// Publish makes what was counted visible to Snapshot. The goroutine that
// records calls it, after a batch or so: it costs by the buckets that have changed.
func (r *LatencyRecorder) Publish() {
	for word, set := range r.changed {
		for ; set != 0; set &= set - 1 {
			i := 64*word + bits.TrailingZeros64(set)
			r.published[i].Store(r.counts[i])
		}
		r.changed[word] = 0
	}
	r.publishedSum.Store(int64(r.sum))
}

// Snapshot returns what was published. Any goroutine may call it; while the
// other publishes, a part of that may be missing.
func (r *LatencyRecorder) Snapshot() LatencyBuckets {
	var b LatencyBuckets
	for i := range r.published {
		if n := r.published[i].Load(); n > 0 {
			b.allocate()
			b.Counts[i] = n
		}
	}
	b.Sum = time.Duration(r.publishedSum.Load())
	return b
}
