package instance

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// latencies draws durations of every magnitude.
func latencies() *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration {
		power := rapid.IntRange(0, 41).Draw(t, "power")
		return time.Duration(rapid.Int64Range(0, 1<<power).Draw(t, "latency"))
	})
}

func TestLatencyBoundsRise(t *testing.T) {
	if first, last := LatencyBound(0), LatencyBound(LatencyCount-2); first != time.Microsecond || last != time.Microsecond<<32 {
		t.Errorf("the bounds are %v to %v", first, last)
	}
	for i := 1; i < LatencyCount; i++ {
		low, high := LatencyBound(i-1), LatencyBound(i)
		if high <= low {
			t.Errorf("bucket %d ends at %v, the one before at %v", i, high, low)
		}
		if i < LatencyCount-1 && high-low > low/latencyPerPower {
			t.Errorf("bucket %d reaches from %v to %v: more than a quarter", i, low, high)
		}
		for d, want := range map[time.Duration]int{low: i - 1, low + 1: i, high: i} {
			if got := latencyBucket(d); got != want {
				t.Errorf("%v is in bucket %d, want %d", d, got, want)
			}
		}
	}
	for _, d := range []time.Duration{math.MinInt64, -1, 0, 1} {
		if got := latencyBucket(d); got != 0 {
			t.Errorf("%d ns are in bucket %d", d, got)
		}
	}
}

func TestLatencyQuantileIsInTheBucketOfTheExactOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(latencies(), 1, 200).Draw(t, "all")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var b LatencyBuckets
		for _, d := range all {
			b.Add(d)
		}
		slices.Sort(all)
		exact := all[max(0, int(math.Ceil(q*float64(len(all))))-1)]
		got := b.Quantile(q)
		if off := got - exact; off > max(exact/4, time.Microsecond) || off < -max(exact/4, time.Microsecond) {
			t.Errorf("quantile %v is %v, exact is %v", q, got, exact)
		}
	})
}

func TestLatencyQuantileOfTheLongest(t *testing.T) {
	var b LatencyBuckets
	b.Add(math.MaxInt64)
	if got := b.Quantile(1); got != time.Microsecond<<32 {
		t.Errorf("it is %v", got)
	}
	if got := (LatencyBuckets{}).Quantile(0.5); got != 0 {
		t.Errorf("of none it is %v", got)
	}
}

// Merged, recorded, taken apart and put through JSON they count the same.
func TestLatencyBucketsKeepCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, then := rapid.SliceOf(latencies()).Draw(t, "first"), rapid.SliceOf(latencies()).Draw(t, "then")
		var before, after, all LatencyBuckets
		var r LatencyRecorder
		for _, d := range first {
			before.Add(d)
			all.Add(d)
			r.Add(d)
		}
		r.Publish()
		for _, d := range then {
			after.Add(d)
			all.Add(d)
			r.Add(d)
		}
		if got := r.Snapshot(); !same(got, before) {
			t.Errorf("the recorder shows %v before it publishes, want %v", got, before)
		}
		r.Publish()
		if got := r.Snapshot(); !same(got, all) || got.Count() != uint64(len(first)+len(then)) {
			t.Errorf("the recorder has %v, want %v", got, all)
		}
		if got := all.Since(before); !same(got, after) {
			t.Errorf("since %v it is %v, want %v", before, got, after)
		}
		merged := before
		merged.Counts = slices.Clone(merged.Counts)
		if merged.Merge(after); !same(merged, all) {
			t.Errorf("merged %v, want %v", merged, all)
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		var read LatencyBuckets
		if err := json.Unmarshal(text, &read); err != nil || !same(read, all) {
			t.Errorf("%s is read as %v: %v", text, read, err)
		}
	})
}

// same takes no counts for counts of zero.
func same(a, b LatencyBuckets) bool {
	a.allocate()
	b.allocate()
	return reflect.DeepEqual(a, b)
}

func TestLatencySinceARestartIsEverything(t *testing.T) {
	var long, fresh LatencyBuckets
	for range 5 {
		long.Add(time.Millisecond)
	}
	fresh.Add(time.Millisecond)
	if got := fresh.Since(long); !same(got, fresh) {
		t.Errorf("it is %v, want %v", got, fresh)
	}
	if got := (LatencyBuckets{}).Since(long); !got.IsZero() {
		t.Errorf("of none it is %v", got)
	}
}

func TestLatencyJSON(t *testing.T) {
	var b LatencyBuckets
	b.Add(3 * time.Microsecond)
	b.Add(3 * time.Microsecond)
	text, err := json.Marshal(struct {
		Some LatencyBuckets `json:"some,omitzero"`
		None LatencyBuckets `json:"none,omitzero"`
	}{Some: b})
	if want := `{"some":{"sum_ns":6000,"counts":[[6,2]]}}`; err != nil || string(text) != want {
		t.Errorf("%s, want %s: %v", text, want, err)
	}
	for _, bad := range []string{`{"counts":[[130,1]]}`, `{"counts":[[-1,1]]}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &b); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func TestLatencyRecorderAllocatesNothing(t *testing.T) {
	var r LatencyRecorder
	if n := testing.AllocsPerRun(100, func() {
		r.Add(time.Millisecond)
		r.Add(time.Hour)
		r.Publish()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
