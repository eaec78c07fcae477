package local

import (
	"maps"
	"slices"
	"strconv"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/ardea-stream/ardea/instance"
)

// launcherName is the process that started the others, as a label.
const launcherName = "launcher"

// runFigures are what a run is as a whole.
type runFigures struct {
	topology, mode, guarantee string
	tracked, inProcess        bool
	containers                int
	elapsed                   time.Duration // of the sample, set by families
}

// processFigures are a process's, with what only the sample tells.
type processFigures struct {
	*ProcessSample

	age time.Duration
}

// familyKinds lists all metrics, in the order in which they are served.
func familyKinds() []*dto.MetricFamily {
	all := kindsOf(runSeries)
	all = append(all, kindsOf(processSeries)...)
	all = append(all, kindsOf(usageSeries)...)
	all = append(all, kindsOf(managerSeries)...)
	return append(all, kindsOf(taskSeries)...)
}

func kindsOf[T any](table []series[T]) []*dto.MetricFamily {
	var all []*dto.MetricFamily
	for i := range table {
		s := &table[i]
		all = append(all, &dto.MetricFamily{Name: &s.name, Help: &s.help, Type: &s.kind})
	}
	return all
}

// exposition gathers metrics by their family.
type exposition struct {
	families map[string]*dto.MetricFamily
	order    []*dto.MetricFamily
	run      runFigures
}

// families puts a sample into the form that Prometheus reads. Metrics that
// nothing has are left out.
func families(run runFigures, s *Sample) []*dto.MetricFamily {
	run.elapsed = s.Elapsed
	e := &exposition{families: map[string]*dto.MetricFamily{}, order: familyKinds(), run: run}
	for _, f := range e.order {
		e.families[f.GetName()] = f
	}
	top := []*dto.LabelPair{pair("topology", run.topology)}
	expose(e, runSeries, &run, top)
	launcher := append(slices.Clip(top), pair("process", launcherName), pair("role", launcherName), pair("container", ""))
	expose(e, usageSeries, &s.Launcher, launcher)
	for i := range s.Processes {
		p := &s.Processes[i]
		container := pair("container", strconv.FormatUint(uint64(p.Container), 10))
		process := append(slices.Clip(top), pair("process", p.Name()), pair("role", string(p.Role)), container)
		expose(e, processSeries, &processFigures{ProcessSample: p, age: max(0, s.Elapsed-p.Elapsed)}, process)
		if !run.inProcess {
			expose(e, usageSeries, &p.Usage, process)
		}
		if p.Manager != nil {
			expose(e, managerSeries, p.Manager, append(slices.Clip(top), container, pair("process", p.Name())))
		}
		for j := range p.Instances {
			e.task(&p.Instances[j], append(slices.Clip(top), container, pair("process", p.Name())))
		}
	}
	return slices.DeleteFunc(e.order, func(f *dto.MetricFamily) bool { return len(f.Metric) == 0 })
}

// task adds the metrics of a task that it has.
func (e *exposition) task(t *TaskSample, labels []*dto.LabelPair) {
	labels = append(labels, pair("component", t.Component), pair("task", strconv.FormatUint(uint64(t.Task), 10)))
	for i := range taskSeries {
		if only := taskSeries[i].only; only == nil || only(t, e.run.tracked) {
			expose(e, taskSeries[i:i+1], &t.Metrics, labels)
		}
	}
}

// expose adds what a table takes from figures.
func expose[T any](e *exposition, table []series[T], figures *T, labels []*dto.LabelPair) {
	for i := range table {
		s := &table[i]
		f := e.families[s.name]
		switch {
		case s.times != nil:
			f.Metric = append(f.Metric, &dto.Metric{Label: labels, Histogram: histogramOf(s.times(figures))})
		case s.value != nil:
			f.Metric = append(f.Metric, metric(s.kind, labels, s.value(figures)))
		default:
			values := s.by(figures)
			for _, key := range slices.Sorted(maps.Keys(values)) {
				f.Metric = append(f.Metric, metric(s.kind, append(slices.Clip(labels), pair(s.label, key)), values[key]))
			}
		}
	}
}

func pair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func metric(kind dto.MetricType, labels []*dto.LabelPair, value float64) *dto.Metric {
	if kind == counter {
		return &dto.Metric{Label: labels, Counter: &dto.Counter{Value: &value}}
	}
	return &dto.Metric{Label: labels, Gauge: &dto.Gauge{Value: &value}}
}

// histogramOf sums the buckets of a power of two: four to a power would be
// more series than a Prometheus likes of each task.
func histogramOf(b instance.LatencyBuckets) *dto.Histogram {
	h := &dto.Histogram{SampleCount: new(b.Count()), SampleSum: new(b.Sum.Seconds())}
	var below uint64
	for i := range instance.LatencyCount - 1 {
		if i < len(b.Counts) {
			below += b.Counts[i]
		}
		if bound := instance.LatencyBound(i) / time.Microsecond; bound&(bound-1) == 0 && instance.LatencyBound(i)%time.Microsecond == 0 {
			h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: new(below), UpperBound: new(instance.LatencyBound(i).Seconds())})
		}
	}
	return h
}
