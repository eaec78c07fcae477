package local

import (
	dto "github.com/prometheus/client_model/go"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
)

// series describes one metric that is taken from a T. Counters end in "_total",
// and each name says the unit, in seconds and bytes where it is one of these.
type series[T any] struct {
	fields string // of T that it holds, for the test that misses none
	name   string
	help   string
	kind   dto.MetricType
	only   func(*TaskSample, bool) bool // tasks that have it, given whether tuples are tracked; nil means all

	value func(*T) float64
	label string // by which values are told apart, if value is nil
	by    func(*T) map[string]float64
	times func(*T) instance.LatencyBuckets // of a histogram
}

const (
	counter   = dto.MetricType_COUNTER
	gauge     = dto.MetricType_GAUGE
	histogram = dto.MetricType_HISTOGRAM
)

func spouts(t *TaskSample, _ bool) bool              { return t.Spout }
func bolts(t *TaskSample, _ bool) bool               { return !t.Spout }
func trackedSpouts(t *TaskSample, tracked bool) bool { return t.Spout && tracked }

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

type (
	taskFigures    = instance.Metrics
	managerFigures = dataplane.Metrics
)

// taskSeries has the labels topology, component, task, container and process.
var taskSeries = []series[taskFigures]{
	{fields: "Emitted", name: "ardea_task_emitted_tuples_total", kind: counter, help: "Tuples that the task emitted, each once however many consumers it has.", value: func(m *taskFigures) float64 { return float64(m.Emitted) }},
	{fields: "Received", name: "ardea_task_executed_tuples_total", kind: counter, only: bolts, help: "Tuples that were handed to the bolt.", value: func(m *taskFigures) float64 { return float64(m.Received) }},
	{fields: "FramesIn", name: "ardea_task_received_frames_total", kind: counter, only: bolts, help: "Data frames that the task has handled.", value: func(m *taskFigures) float64 { return float64(m.FramesIn) }},
	{fields: "FramesOut", name: "ardea_task_sent_frames_total", kind: counter, help: "Data frames that the task has written.", value: func(m *taskFigures) float64 { return float64(m.FramesOut) }},
	{fields: "BytesIn", name: "ardea_task_received_bytes_total", kind: counter, only: bolts, help: "Bytes of data frames that the task has handled.", value: func(m *taskFigures) float64 { return float64(m.BytesIn) }},
	{fields: "BytesOut", name: "ardea_task_sent_bytes_total", kind: counter, help: "Bytes of data frames that the task has written.", value: func(m *taskFigures) float64 { return float64(m.BytesOut) }},
	{fields: "Errors", name: "ardea_task_errors_total", kind: counter, help: "Errors of user code, panics included.", value: func(m *taskFigures) float64 { return float64(m.Errors) }},
	{fields: "Panics", name: "ardea_task_panics_total", kind: counter, help: "Panics of user code.", value: func(m *taskFigures) float64 { return float64(m.Panics) }},
	{fields: "Clamps", name: "ardea_task_clamps_total", kind: counter, only: spouts, help: "Times that a slow task began to hold the spout back.", value: func(m *taskFigures) float64 { return float64(m.Clamps) }},
	{fields: "CreditWaits", name: "ardea_task_credit_waits_total", kind: counter, help: "Times that the task had to wait for credit of its stream manager.", value: func(m *taskFigures) float64 { return float64(m.CreditWaits) }},
	{fields: "Reconnects", name: "ardea_task_reconnects_total", kind: counter, help: "Links to the stream manager that followed the first.", value: func(m *taskFigures) float64 { return float64(m.Reconnects) }},
	{fields: "Malformed", name: "ardea_task_malformed_links_total", kind: counter, help: "Links closed because of what the stream manager sent.", value: func(m *taskFigures) float64 { return float64(m.Malformed) }},
	{fields: "Syscalls", name: "ardea_task_socket_calls_total", kind: counter, help: "System calls that read or wrote the task's socket.", value: func(m *taskFigures) float64 { return float64(m.Syscalls) }},
	{fields: "Ended", name: "ardea_task_ended", kind: gauge, help: "1 if all streams of the task have ended, else 0.", value: func(m *taskFigures) float64 { return number(m.Ended) }},
	{fields: "Pending", name: "ardea_task_pending_tuples", kind: gauge, only: trackedSpouts, help: "Tuples of the spout that are tracked now, those that wait to be replayed included.", value: func(m *taskFigures) float64 { return float64(m.Pending) }},
	{fields: "Acked", name: "ardea_task_acked_tuples_total", kind: counter, only: trackedSpouts, help: "Tuples of the spout that every bolt has acked.", value: func(m *taskFigures) float64 { return float64(m.Acked) }},
	{fields: "Failed", name: "ardea_task_failed_tuples_total", kind: counter, only: trackedSpouts, help: "Tuples of the spout that were given up.", value: func(m *taskFigures) float64 { return float64(m.Failed) }},
	{fields: "Replayed", name: "ardea_task_replayed_tuples_total", kind: counter, only: trackedSpouts, help: "Times that the spout emitted a tuple once more, dead letters included.", value: func(m *taskFigures) float64 { return float64(m.Replayed) }},
	{fields: "TimedOut", name: "ardea_task_timed_out_tuples_total", kind: counter, only: trackedSpouts, help: "Times that a tuple of the spout was not acked within the message timeout.", value: func(m *taskFigures) float64 { return float64(m.TimedOut) }},
	{fields: "Lost", name: "ardea_task_lost_tuples_total", kind: counter, only: trackedSpouts, help: "Times that a tuple of the spout was taken for lost with a process or a link.", value: func(m *taskFigures) float64 { return float64(m.Lost) }},
	{fields: "DeadLetters", name: "ardea_task_dead_letters_total", kind: counter, only: trackedSpouts, help: "Dead letters of the spout that were acked.", value: func(m *taskFigures) float64 { return float64(m.DeadLetters) }},
	{fields: "Latency", name: "ardea_task_complete_latency_seconds", kind: histogram, only: trackedSpouts, help: "Time from the emission of a tuple to its last ack, of one tuple in eight.", times: func(m *taskFigures) instance.LatencyBuckets { return m.Latency }},
}

// managerSeries has the labels topology, container and process.
var managerSeries = []series[managerFigures]{
	{fields: "Tuples", name: "ardea_stream_manager_tuples_total", kind: counter, help: "Tuples in the data frames that the stream manager took.", value: func(m *managerFigures) float64 { return float64(m.Tuples) }},
	{fields: "FramesIn", name: "ardea_stream_manager_received_frames_total", kind: counter, help: "Data frames that it took.", value: func(m *managerFigures) float64 { return float64(m.FramesIn) }},
	{fields: "FramesOut", name: "ardea_stream_manager_sent_frames_total", kind: counter, help: "Data frames, or batches of them, that it passed on.", value: func(m *managerFigures) float64 { return float64(m.FramesOut) }},
	{fields: "BytesIn", name: "ardea_stream_manager_received_bytes_total", kind: counter, help: "Bytes that it read from all links.", value: func(m *managerFigures) float64 { return float64(m.BytesIn) }},
	{fields: "PeerBytesIn", name: "ardea_stream_manager_peer_received_bytes_total", kind: counter, help: "Bytes that it read from other stream managers; the rest is from tasks.", value: func(m *managerFigures) float64 { return float64(m.PeerBytesIn) }},
	{fields: "BytesOut", name: "ardea_stream_manager_sent_bytes_total", kind: counter, help: "Bytes that it wrote to all links.", value: func(m *managerFigures) float64 { return float64(m.BytesOut) }},
	{fields: "Dropped", name: "ardea_stream_manager_dropped_tuples_total", kind: counter, help: "Tuples that it dropped because their task's link was lost.", value: func(m *managerFigures) float64 { return float64(m.Dropped) }},
	{fields: "Clamps", name: "ardea_stream_manager_clamp_frames_total", kind: counter, help: "Frames that it sent to hold spouts back and to release them.", value: func(m *managerFigures) float64 { return float64(m.Clamps) }},
	{fields: "LinksLost", name: "ardea_stream_manager_lost_links_total", kind: counter, help: "Links that broke before their task had ended.", value: func(m *managerFigures) float64 { return float64(m.LinksLost) }},
	{fields: "RemoteErrors", name: "ardea_stream_manager_remote_errors_total", kind: counter, help: "Error frames that it received.", value: func(m *managerFigures) float64 { return float64(m.RemoteErrors) }},
	{fields: "QueueBytes", name: "ardea_stream_manager_queue_bytes", kind: gauge, help: "Bytes that wait for tasks and other stream managers now.", value: func(m *managerFigures) float64 { return float64(m.QueueBytes) }},
	{fields: "QueuePeak", name: "ardea_stream_manager_queue_peak_bytes", kind: gauge, help: "Most bytes that ever waited for one of them.", value: func(m *managerFigures) float64 { return float64(m.QueuePeak) }},
	{fields: "Links", name: "ardea_stream_manager_links", kind: gauge, help: "Connections now.", value: func(m *managerFigures) float64 { return float64(m.Links) }},
	{fields: "Clamped", name: "ardea_stream_manager_clamped_tasks", kind: gauge, help: "Tasks, in all containers, for which so much waits that spouts are held back now.", value: func(m *managerFigures) float64 { return float64(m.Clamped) }},
	{fields: "AcksForwarded", name: "ardea_stream_manager_acks_forwarded_total", kind: counter, help: "Frames of acks and failures that it passed on.", value: func(m *managerFigures) float64 { return float64(m.AcksForwarded) }},
	{fields: "AcksDropped", name: "ardea_stream_manager_acks_dropped_total", kind: counter, help: "Frames of acks and failures that could not be delivered.", value: func(m *managerFigures) float64 { return float64(m.AcksDropped) }},
	{fields: "Losses", name: "ardea_stream_manager_loss_frames_total", kind: counter, help: "Frames that told spouts of a possible loss.", value: func(m *managerFigures) float64 { return float64(m.Losses) }},
	{fields: "TrackedRoots", name: "ardea_stream_manager_tracked_tuples", kind: gauge, help: "Tuples of spouts that the stream manager tracks now, in the naive modes.", value: func(m *managerFigures) float64 { return float64(m.TrackedRoots) }},
	{fields: "LogTuples", name: "ardea_stream_manager_logged_tuples_total", kind: counter, help: "Tuples of durable streams that are on disk in their logs.", value: func(m *managerFigures) float64 { return float64(m.LogTuples) }},
	{fields: "LogBytes", name: "ardea_stream_manager_logged_bytes_total", kind: counter, help: "Bytes of them, before they are compressed.", value: func(m *managerFigures) float64 { return float64(m.LogBytes) }},
	{fields: "LogFailed", name: "ardea_stream_manager_log_refused_tuples_total", kind: counter, help: "Tuples of durable streams that a log has refused; where tuples are tracked they are replayed.", value: func(m *managerFigures) float64 { return float64(m.LogFailed) }},
	{fields: "LogHeld", name: "ardea_stream_manager_log_waiting_bytes", kind: gauge, help: "Bytes of durable streams that wait for the disk now.", value: func(m *managerFigures) float64 { return float64(m.LogHeld) }},
	{fields: "Refused", name: "ardea_stream_manager_refused_links_total", kind: counter, help: "Links that it closed with an error, by the error's code.", label: "code", by: func(m *managerFigures) map[string]float64 {
		counts := map[string]float64{}
		for code, n := range m.Refused {
			counts[code] = float64(n)
		}
		return counts
	}},
}

// usageSeries has the labels topology, process, role and container. With
// Options.InProcess only the launcher has it, which is everything.
var usageSeries = []series[Usage]{
	{fields: "UserSeconds SystemSeconds", name: "ardea_process_cpu_seconds_total", kind: counter, help: "CPU time, by mode: user or system.", label: "mode", by: func(u *Usage) map[string]float64 {
		return map[string]float64{"user": u.UserSeconds, "system": u.SystemSeconds}
	}},
	{fields: "GCSeconds", name: "ardea_process_gc_cpu_seconds_total", kind: counter, help: "CPU time for garbage collection, as the runtime estimates it.", value: func(u *Usage) float64 { return u.GCSeconds }},
	{fields: "GoUserSeconds", name: "ardea_process_go_cpu_seconds_total", kind: counter, help: "CPU time in Go code, as the runtime estimates it.", value: func(u *Usage) float64 { return u.GoUserSeconds }},
	{fields: "Mallocs", name: "ardea_process_allocated_objects_total", kind: counter, help: "Heap objects allocated.", value: func(u *Usage) float64 { return float64(u.Mallocs) }},
	{fields: "AllocBytes", name: "ardea_process_allocated_bytes_total", kind: counter, help: "Bytes allocated on the heap.", value: func(u *Usage) float64 { return float64(u.AllocBytes) }},
	{fields: "RSSBytes", name: "ardea_process_resident_memory_bytes", kind: gauge, help: "Resident memory now; 0 where the system does not tell.", value: func(u *Usage) float64 { return float64(u.RSSBytes) }},
	{fields: "PeakRSSBytes", name: "ardea_process_resident_memory_peak_bytes", kind: gauge, help: "Most memory that was ever resident.", value: func(u *Usage) float64 { return float64(u.PeakRSSBytes) }},
	{fields: "ReadCalls", name: "ardea_process_read_calls_total", kind: counter, help: "System calls that read; 0 where the system does not tell.", value: func(u *Usage) float64 { return float64(u.ReadCalls) }},
	{fields: "WriteCalls", name: "ardea_process_write_calls_total", kind: counter, help: "System calls that write; 0 where the system does not tell.", value: func(u *Usage) float64 { return float64(u.WriteCalls) }},
}

// processSeries has the labels of usageSeries. The launcher has none of it.
var processSeries = []series[processFigures]{
	{fields: "Restarts", name: "ardea_process_restarts_total", kind: counter, help: "Times that the process was started again.", value: func(p *processFigures) float64 { return float64(p.Restarts) }},
	{fields: "Elapsed", name: "ardea_process_sample_age_seconds", kind: gauge, help: "How old the figures of the process are; it rises while the process does not answer.", value: func(p *processFigures) float64 { return p.age.Seconds() }},
}

// runSeries has the label topology.
var runSeries = []series[runFigures]{
	{name: "ardea_run_info", kind: gauge, help: "1, with the mode of the stream managers.", label: "mode", by: func(r *runFigures) map[string]float64 { return map[string]float64{r.mode: 1} }},
	{name: "ardea_run_guarantee_info", kind: gauge, help: "1, with the delivery guarantee of the topology.", label: "guarantee", by: func(r *runFigures) map[string]float64 { return map[string]float64{r.guarantee: 1} }},
	{name: "ardea_run_elapsed_seconds", kind: gauge, help: "Time since all processes were up.", value: func(r *runFigures) float64 { return r.elapsed.Seconds() }},
	{name: "ardea_run_containers", kind: gauge, help: "Containers, each with a stream manager.", value: func(r *runFigures) float64 { return float64(r.containers) }},
}
