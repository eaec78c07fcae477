package bench

import (
	"github.com/ardea-stream/ardea/local"
)

// ReportOf makes a report of one whole run, from start to end, of any topology.
// Its Emitted are the tuples of the spouts, its Counted all that bolts have
// executed. System calls and context switches are not known.
func ReportOf(result *local.Result) *Report {
	s := result.Sample
	totals, usage := s.Totals(), s.Total()
	r := Run{
		Workload: result.Topology, Mode: result.Mode, Containers: result.Containers, Repeat: 1,
		Emitted: uint64(totals.Emitted), Counted: uint64(totals.Executed),
	}
	for i := range s.Processes {
		for j := range s.Processes[i].Instances {
			if s.Processes[i].Instances[j].Spout {
				r.Spouts++
			} else {
				r.Bolts++
			}
		}
	}
	seconds := result.Elapsed.Seconds()
	r.Cost = Cost{
		Tuples: r.Emitted, Seconds: seconds, SyscallSource: NoSyscalls,
		TuplesPerSecond:    ratio(float64(r.Emitted), seconds),
		TuplesPerCPUSecond: ratio(float64(r.Emitted), usage.CPUSeconds()),
	}
	w := window{before: reading{sample: nothingYet(s)}, after: reading{sample: s}}
	r.fill(w, result)
	return &Report{Runs: []Run{r}, Machine: ThisMachine()}
}

// nothingYet is the sample of the moment at which a run began.
func nothingYet(s *local.Sample) *local.Sample {
	return &local.Sample{Processes: make([]local.ProcessSample, len(s.Processes))}
}
