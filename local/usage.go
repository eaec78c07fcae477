package local

import (
	"runtime/metrics"
	"syscall"
	"time"
)

// Usage is what a process has used since it began. Counters never fall.
type Usage struct {
	UserSeconds   float64 `json:"user_seconds"`   // CPU time in user mode
	SystemSeconds float64 `json:"system_seconds"` // CPU time in the kernel

	// The runtime's own estimate of where CPU time went. It is brought up to
	// date by garbage collections only.
	GCSeconds     float64 `json:"gc_seconds"`      // for garbage collection
	GoUserSeconds float64 `json:"go_user_seconds"` // in Go code

	Mallocs    uint64 `json:"mallocs"`     // heap objects allocated
	AllocBytes uint64 `json:"alloc_bytes"` // bytes allocated on the heap

	RSSBytes     uint64 `json:"rss_bytes"`      // resident now; 0 if unknown
	PeakRSSBytes uint64 `json:"peak_rss_bytes"` // most that was ever resident

	// System calls that read and write (read, readv, write, writev), counted by
	// the kernel; 0 if it does not.
	ReadCalls  uint64 `json:"read_calls"`
	WriteCalls uint64 `json:"write_calls"`
}

// CPUSeconds is the time in user mode and in the kernel.
func (u Usage) CPUSeconds() float64 { return u.UserSeconds + u.SystemSeconds }

// add sums the counters and, as a bound, the sizes.
func (u Usage) add(v Usage) Usage {
	u.UserSeconds += v.UserSeconds
	u.SystemSeconds += v.SystemSeconds
	u.GCSeconds += v.GCSeconds
	u.GoUserSeconds += v.GoUserSeconds
	u.Mallocs += v.Mallocs
	u.AllocBytes += v.AllocBytes
	u.RSSBytes += v.RSSBytes
	u.PeakRSSBytes += v.PeakRSSBytes
	u.ReadCalls += v.ReadCalls
	u.WriteCalls += v.WriteCalls
	return u
}

// since takes the counters of an earlier moment away; sizes stay.
func (u Usage) since(v Usage) Usage {
	u.UserSeconds -= v.UserSeconds
	u.SystemSeconds -= v.SystemSeconds
	u.GCSeconds -= v.GCSeconds
	u.GoUserSeconds -= v.GoUserSeconds
	u.Mallocs -= v.Mallocs
	u.AllocBytes -= v.AllocBytes
	u.ReadCalls -= v.ReadCalls
	u.WriteCalls -= v.WriteCalls
	return u
}

// ownUsage measures the calling process.
func ownUsage() Usage {
	var u Usage
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) == nil {
		u.UserSeconds, u.SystemSeconds = cpuSeconds(&r)
	}
	values := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/user:cpu-seconds"},
		{Name: "/gc/heap/allocs:objects"},
		{Name: "/gc/heap/tiny/allocs:objects"},
		{Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(values)
	u.GCSeconds = values[0].Value.Float64()
	u.GoUserSeconds = values[1].Value.Float64()
	u.Mallocs = values[2].Value.Uint64() + values[3].Value.Uint64()
	u.AllocBytes = values[4].Value.Uint64()
	u.readSystem(&r)
	return u
}

func cpuSeconds(r *syscall.Rusage) (user, system float64) {
	return time.Duration(r.Utime.Nano()).Seconds(), time.Duration(r.Stime.Nano()).Seconds()
}
