package bench

import (
	"encoding/json"
	"io"
)

// Report is what a measurement came to. Its JSON is read by scripts: fields
// are added, not changed.
type Report struct {
	Runs      []Run        `json:"runs"`
	Summaries []Summary    `json:"summaries,omitempty"`
	Tests     []PairTest   `json:"tests,omitempty"`
	Latency   []LatencyRun `json:"latency,omitempty"`
	Curves    []Curve      `json:"curves,omitempty"`
	Limits    Limits       `json:"limits"`
	Machine   Machine      `json:"machine"`
}

// WriteJSON writes the report as indented JSON.
func (r *Report) WriteJSON(w io.Writer) error { return writeJSON(w, r) }

// WriteJSON writes the suite as indented JSON.
func (s *Suite) WriteJSON(w io.Writer) error { return writeJSON(w, s) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Run is one run of a topology.
type Run struct {
	Workload   string `json:"workload"`
	Mode       string `json:"mode"`
	Acks       bool   `json:"acks"` // tuples were tracked, see Guarantee
	Containers int    `json:"containers"`
	Spouts     int    `json:"spouts"`
	Bolts      int    `json:"bolts"`
	Repeat     int    `json:"repeat"` // from 1
	// Guarantee is that of the topology, AtMostOnce if it is empty.
	Guarantee Guarantee `json:"guarantee,omitempty"`

	// Of the whole run, from the tasks' own counts. They are equal in a run that ended well.
	Emitted uint64 `json:"emitted"`
	Counted uint64 `json:"counted"`
	// Acked are the tuples of spouts that were complete, Failed those that were
	// given up, and Replayed those that were emitted again, of the whole run.
	Acked    uint64 `json:"acked,omitempty"`
	Failed   uint64 `json:"failed,omitempty"`
	Replayed uint64 `json:"replayed,omitempty"`
	// AckedPerSecond and AckedPerCPUSecond are the tuples of spouts that became
	// complete in the measured window. A sentence counts once, whatever words it had.
	AckedPerSecond    float64 `json:"acked_tuples_per_second,omitempty"`
	AckedPerCPUSecond float64 `json:"acked_tuples_per_cpu_second,omitempty"`

	Cost
	CPU CPUSeconds `json:"cpu_seconds"`

	// Objects allocated by all stream managers, for each tuple counted.
	ManagerAllocsPerTuple float64 `json:"stream_manager_allocs_per_tuple"`
	// Of the CPU time of all processes, by the Go runtime's estimate.
	GCShare float64 `json:"gc_cpu_share"`

	// System calls of stream managers for 1,000 tuples; counted as Cost.SyscallSource says.
	ManagerSyscalls float64        `json:"stream_manager_syscalls_per_1000_tuples"`
	Processes       []ProcessUsage `json:"processes,omitempty"`

	// Of all processes, the launcher included, for each tuple counted.
	AllocsPerTuple     float64 `json:"all_allocs_per_tuple"`      // objects on the heap
	AllocBytesPerTuple float64 `json:"all_alloc_bytes_per_tuple"` // bytes on the heap
	// EngineAllocsPerTuple is the objects allocated by spouts, stream managers
	// and bolts together, zero if all were in the launcher's process.
	EngineAllocsPerTuple float64 `json:"engine_allocs_per_tuple"`
	// SocketBytesPerTuple is the bytes written to sockets by tasks and stream
	// managers, acks included, once for every socket that they pass.
	SocketBytesPerTuple float64 `json:"socket_bytes_per_tuple"`
	// PeakRSSBytes is the sum of what each process had resident at most.
	PeakRSSBytes uint64 `json:"peak_rss_bytes,omitempty"`
	// Roles is what the processes of each role have taken.
	Roles []RoleCost `json:"roles,omitempty"`
}

// RoleLauncher is the role of the process that started the others; with
// Config.InProcess it is everything.
const RoleLauncher = "launcher"

// RoleCost is what the processes of a role have taken in the measured window.
type RoleCost struct {
	Role               string  `json:"role"` // RoleSpouts, RoleManagers, RoleBolts, RoleMixed or RoleLauncher
	UserSeconds        float64 `json:"user_seconds"`
	SystemSeconds      float64 `json:"system_seconds"`
	AllocsPerTuple     float64 `json:"allocs_per_tuple"`         // objects on the heap
	AllocBytesPerTuple float64 `json:"alloc_bytes_per_tuple"`    // bytes on the heap
	WakeUps            float64 `json:"wake_ups_per_1000_tuples"` // see Cost
	PeakRSSBytes       uint64  `json:"peak_rss_bytes,omitempty"` // the largest process, of its whole life
}

// Cost is what a number of tuples have taken, in the measured window.
type Cost struct {
	Tuples             uint64  `json:"tuples"`
	Seconds            float64 `json:"seconds"` // wall time
	TuplesPerSecond    float64 `json:"tuples_per_second"`
	TuplesPerCPUSecond float64 `json:"tuples_per_cpu_second"` // of all processes together

	// For 1,000 tuples, of all processes together.
	Syscalls        float64       `json:"syscalls_per_1000_tuples"`
	SyscallSource   SyscallSource `json:"syscall_source,omitempty"`
	ContextSwitches float64       `json:"context_switches_per_1000_tuples"`
	// WakeUps are the context switches of threads that had waited: for data, for each other, for time.
	WakeUps float64 `json:"wake_ups_per_1000_tuples"`

	WarmUpSeconds float64 `json:"warm_up_seconds"`
	Steady        bool    `json:"steady"` // the throughput was steady when the window began
	Noise
}

// CPUSeconds is processor time in the measured window, user and system, by what processes do.
type CPUSeconds struct {
	Spouts         float64 `json:"spouts"`
	StreamManagers float64 `json:"stream_managers"`
	Bolts          float64 `json:"bolts"`
	Mixed          float64 `json:"mixed,omitempty"` // processes that hold spouts and bolts
	Launcher       float64 `json:"launcher"`        // the process that started the others; everything, if in one process
	User           float64 `json:"user"`            // of all
	System         float64 `json:"system"`          // of all
}

// NanosPerTuple is CPU time in nanoseconds, user and system. Parts are zero where they are not known.
type NanosPerTuple struct {
	Spouts         float64 `json:"spouts,omitempty"`
	StreamManagers float64 `json:"stream_managers,omitempty"`
	Bolts          float64 `json:"bolts,omitempty"`
	Total          float64 `json:"total"`
}

// Total is the time of all processes.
func (c CPUSeconds) Total() float64 {
	return c.Spouts + c.StreamManagers + c.Bolts + c.Mixed + c.Launcher
}

// ProcessUsage is what one process has used.
type ProcessUsage struct {
	Name         string  `json:"name"` // such as stream-manager-1 or count-3
	Container    uint32  `json:"container"`
	CPUSeconds   float64 `json:"cpu_seconds"`    // in the measured window
	PeakRSSBytes uint64  `json:"peak_rss_bytes"` // of its whole life
}

// Limits are what programs without an engine reach with the same words on the
// same machine. A limit that was not measured is zero.
type Limits struct {
	// FusedLoop: one goroutine picks a word and counts it.
	FusedLoop float64 `json:"fused_loop_tuples_per_second"`
	// FusedLoopMap: the same with a plain Go map.
	FusedLoopMap float64 `json:"fused_loop_map_tuples_per_second,omitempty"`
	// BatchedChannel: one goroutine picks, another counts, 256 words at a time over a channel.
	BatchedChannel float64 `json:"batched_channel_tuples_per_second,omitempty"`
	// SocketRelay: a writer, a relay and a reader with Unix sockets between them, 64 KiB at a time.
	SocketRelay float64    `json:"socket_relay_tuples_per_second,omitempty"`
	Runs        []LimitRun `json:"runs,omitempty"`
}

// LimitRun is one measurement of a limit.
type LimitRun struct {
	Name   string `json:"name"` // of LimitNames
	Repeat int    `json:"repeat"`
	Cost
	AllocsPerTuple float64 `json:"allocs_per_tuple"`
}

// Summary is the medians of all runs of one mode, or of one limit, which has no mode.
type Summary struct {
	Name  string `json:"name"` // the mode, with its guarantee as in Variant, or the limit
	Limit bool   `json:"limit"`
	Runs  int    `json:"runs"`
	// Mode and Guarantee are what Name tells together. Limits have neither.
	Mode               string    `json:"mode,omitempty"`
	Guarantee          Guarantee `json:"guarantee,omitempty"`
	NoisyRuns          int       `json:"noisy_runs"`
	TuplesPerSecond    Stat      `json:"tuples_per_second"`
	TuplesPerCPUSecond Stat      `json:"tuples_per_cpu_second"`

	// RatioToNaive is the throughput over that of the naive mode with the same
	// guarantee, zero if that was not measured. Only if VersusNaive is not Unclear do the intervals
	// support that it is another.
	RatioToNaive float64 `json:"ratio_to_naive,omitempty"`
	VersusNaive  Order   `json:"versus_naive,omitempty"`
	// CPURatioToNaive and CPUVersusNaive are the same of the tuples for each CPU second.
	CPURatioToNaive float64 `json:"cpu_ratio_to_naive,omitempty"`
	CPUVersusNaive  Order   `json:"cpu_versus_naive,omitempty"`
	// OfAtMostOnce is the throughput over that of the same mode with at-most-once,
	// and CPUOfAtMostOnce the same of tuples for each CPU second: ratios within a
	// repeat. Nil if that was not measured, or is what Guarantee says.
	OfAtMostOnce    *Stat `json:"of_at_most_once,omitempty"`
	CPUOfAtMostOnce *Stat `json:"cpu_of_at_most_once,omitempty"`
	// AckedPerCPUSecond is that of Run. Nil if nothing was tracked.
	AckedPerCPUSecond *Stat `json:"acked_tuples_per_cpu_second,omitempty"`
	// Cost is the throughput over that of the fused loop, zero if that was not measured.
	Cost float64 `json:"cost,omitempty"`

	// Nanos is the CPU time of a tuple, medians by what processes do. Their
	// sum need not be the median of the total.
	Nanos NanosPerTuple `json:"cpu_nanoseconds_per_tuple"`

	// Medians. AllocsPerTuple is of the stream managers, or of the loop.
	AllocsPerTuple  float64       `json:"allocs_per_tuple"`
	Syscalls        float64       `json:"syscalls_per_1000_tuples"`
	ManagerSyscalls float64       `json:"stream_manager_syscalls_per_1000_tuples,omitempty"`
	SyscallSource   SyscallSource `json:"syscall_source,omitempty"`
	ContextSwitches float64       `json:"context_switches_per_1000_tuples"`
	WakeUps         float64       `json:"wake_ups_per_1000_tuples"`
	GCShare         float64       `json:"gc_cpu_share"`
	PeakRSSBytes    uint64        `json:"peak_rss_bytes,omitempty"` // the largest process of any run

	// Medians of modes, see Run and RoleCost.
	AllAllocsPerTuple   float64    `json:"all_allocs_per_tuple,omitempty"`
	AllocBytesPerTuple  float64    `json:"all_alloc_bytes_per_tuple,omitempty"`
	SocketBytesPerTuple float64    `json:"socket_bytes_per_tuple,omitempty"`
	Roles               []RoleCost `json:"roles,omitempty"`

	EngineAllocsPerTuple float64 `json:"engine_allocs_per_tuple,omitempty"`
}

// LatencyRun is one run at a fixed rate.
type LatencyRun struct {
	Mode       string  `json:"mode"` // "all" for the runs of a mode merged
	Containers int     `json:"containers"`
	Repeat     int     `json:"repeat"` // 0 for the runs of a mode merged
	Rate       float64 `json:"rate"`   // asked for, in tuples a second
	Emitted    uint64  `json:"emitted"`
	Counted    uint64  `json:"counted"`

	// Latency is from the instant a tuple was due to its execution in the bolt, in microseconds.
	Latency Quantiles `json:"latency_us"`
	// Lateness is how late the pacer released tuples, in microseconds. It is part of Latency.
	Lateness Quantiles `json:"pacer_lateness_us"`

	CPUSecondsPerSecond float64 `json:"cpu_seconds_per_second"` // of all processes, over the whole run
	Noise

	// Workload of the run, Latency if it is empty.
	Workload string `json:"workload,omitempty"`
	// Load is the rate's share of the capacity measured before, zero if that was not measured.
	Load float64 `json:"load,omitempty"`
	// Achieved is the tuples sent a second. Much under Rate the engine was saturated.
	Achieved float64 `json:"achieved,omitempty"`
	// Rejected says why the run does not count, empty if it does: a late pacer, a rate that was not reached.
	Rejected string `json:"rejected,omitempty"`
	// LateRuns is how many runs had a late pacer. They are left out of the merged runs, unless all were late.
	LateRuns int `json:"late_runs,omitempty"`
	// Stalled says that some tuples took long though neither the pacer nor the
	// machine did: something in the engine waits, or it is saturated. It is empty if there are no such tuples.
	Stalled string `json:"stalled,omitempty"`
	// ClosedLoop is the latency from the instant a tuple was really sent. It
	// hides whatever kept the spout from sending and is here to show that.
	ClosedLoop *Quantiles `json:"closed_loop_us,omitempty"`
	// Relay is the latency of the same schedule over two Unix sockets without
	// an engine: what the machine itself takes. Nil if it was not measured.
	Relay *Quantiles `json:"relay_us,omitempty"`
	// Guarantee is that of the topology, AtMostOnce if it is empty.
	Guarantee Guarantee `json:"guarantee,omitempty"`
	// Acked are the tuples that were complete, of the whole run.
	Acked uint64 `json:"acked,omitempty"`
	// Complete is from the instant a tuple was due to the call of Ack in the
	// spout, in microseconds. Nil if nothing was tracked.
	Complete *Quantiles `json:"complete_us,omitempty"`
	// CompleteSpectrum is that of Complete.
	CompleteSpectrum []SpectrumPoint `json:"complete_spectrum,omitempty"`
	// Spectrum is the whole distribution, from the fastest to the slowest.
	Spectrum []SpectrumPoint `json:"spectrum,omitempty"`
	// Heat is the distribution over time.
	Heat []HeatColumn `json:"heat,omitempty"`
}
