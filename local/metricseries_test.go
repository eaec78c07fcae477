package local

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
)

// notServed lists the figures that are no metrics, and why.
var notServed = map[string]string{
	"Metrics.LastError":       "a text",
	"Metrics.LogError":        "a text",
	"ProcessSample.LastDeath": "a text",
	"ProcessSample.Process":   "labels",
	"ProcessSample.Usage":     "metrics of its own",
	"ProcessSample.Instances": "metrics of its own",
	"ProcessSample.Manager":   "metrics of its own",
	"ProcessSample.Earlier":   "counters begin anew with a process, as those who read them expect",
}

// checkSeries checks that each field of T is one of a table's or left out on
// purpose, and that its metric is made of it.
func checkSeries[T any](t *testing.T, table []series[T]) {
	t.Helper()
	kind := reflect.TypeFor[T]()
	checkFields(t, kind, table)
	for i := range table {
		s := &table[i]
		for name := range strings.FieldsSeq(s.fields) {
			var figures T
			if _, known := kind.FieldByName(name); !known {
				t.Errorf("%s is of %s, which %v has not", s.name, name, kind)
				continue
			}
			if !set(reflect.ValueOf(&figures).Elem().FieldByName(name)) {
				t.Errorf("%v.%s has a type that this test does not know", kind, name)
			}
			if reads(s, &figures) == 0 {
				t.Errorf("%s does not change with %s", s.name, name)
			}
		}
	}
}

func checkFields[T any](t *testing.T, kind reflect.Type, table []series[T]) {
	t.Helper()
	var have []string
	for i := range table {
		have = append(have, strings.Fields(table[i].fields)...)
	}
	for f := range kind.Fields() {
		field := f.Name
		_, left := notServed[kind.Name()+"."+field]
		if served := slices.Contains(have, field); served == left {
			t.Errorf("%v.%s: served is %v, left out on purpose is %v: add it to the series, or say why not in notServed", kind, field, served, left)
		}
	}
}

// set gives a field some value.
func set(field reflect.Value) bool {
	switch v := field.Addr().Interface().(type) {
	case *instance.LatencyBuckets:
		v.Add(time.Second)
	case *map[string]uint64:
		*v = map[string]uint64{"malformed": 7}
	default:
		switch field.Kind() {
		case reflect.Int, reflect.Int64:
			field.SetInt(7)
		case reflect.Uint64:
			field.SetUint(7)
		case reflect.Float64:
			field.SetFloat(7)
		case reflect.Bool:
			field.SetBool(true)
		default:
			return false
		}
	}
	return true
}

// reads is what a metric makes of figures, summed.
func reads[T any](s *series[T], figures *T) float64 {
	switch {
	case s.times != nil:
		return float64(s.times(figures).Count())
	case s.value != nil:
		return s.value(figures)
	}
	sum := 0.0
	for _, n := range s.by(figures) {
		sum += n
	}
	return sum
}

// Nobody adds a figure and forgets to serve it.
func TestEveryFigureIsServed(t *testing.T) {
	checkSeries[instance.Metrics](t, taskSeries)
	checkSeries[dataplane.Metrics](t, managerSeries)
	checkSeries[Usage](t, usageSeries)
	checkFields(t, reflect.TypeFor[ProcessSample](), processSeries)
}

func TestMetricsHaveGoodNames(t *testing.T) {
	form := regexp.MustCompile(`^ardea_(run|process|stream_manager|task)_[a-z]+(_[a-z]+)*$`)
	units := regexp.MustCompile(`_(seconds|bytes|tuples|links|tasks|containers|info|ended)$`)
	seen := map[string]bool{}
	for _, f := range familyKinds() {
		name := f.GetName()
		if !form.MatchString(name) || seen[name] || !strings.HasSuffix(f.GetHelp(), ".") {
			t.Errorf("%s is no good name, is there twice, or lacks help", name)
		}
		seen[name] = true
		if isTotal := strings.HasSuffix(name, "_total"); isTotal != (f.GetType() == counter) {
			t.Errorf("%s is a %v", name, f.GetType())
		} else if !isTotal && !units.MatchString(name) {
			t.Errorf("%s does not end in its unit", name)
		}
	}
}

func TestHistogramHasPowersOfTwo(t *testing.T) {
	var b instance.LatencyBuckets
	for _, d := range []time.Duration{time.Nanosecond, time.Microsecond, time.Microsecond + 1, time.Millisecond, 100 * time.Hour} {
		b.Add(d)
	}
	h := histogramOf(b)
	if len(h.Bucket) != 33 || h.GetSampleCount() != 5 || math.Abs(h.GetSampleSum()-360000.001) > 1e-4 {
		t.Errorf("%d buckets, %d samples, %v s", len(h.Bucket), h.GetSampleCount(), h.GetSampleSum())
	}
	for i, bucket := range h.Bucket {
		want := uint64(4)
		switch {
		case i == 0:
			want = 2
		case i < 10: // up to 512 µs
			want = 3
		}
		if bound := math.Ldexp(1e-6, i); math.Abs(bucket.GetUpperBound()-bound) > bound/1e9 || bucket.GetCumulativeCount() != want {
			t.Errorf("bucket %d is %v, want %d up to %v", i, bucket, want, bound)
		}
	}
	if h := histogramOf(instance.LatencyBuckets{}); len(h.Bucket) != 33 || h.GetSampleCount() != 0 {
		t.Errorf("of none: %v", h)
	}
}

// Too many scrapes, and those before the run is up, are refused at once.
func TestScrapesAreBounded(t *testing.T) {
	m, err := serveMetrics(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	scrape := func(want string) {
		t.Helper()
		w := httptest.NewRecorder()
		m.scrape(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, metricsPath, nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), want) {
			t.Errorf("status %d, want %q in %q", w.Code, want, w.Body)
		}
	}
	scrape("the run is starting")
	m.cluster.Store(&Cluster{up: make(chan struct{})})
	scrape("the run is starting")
	for range maxScrapes {
		m.scrapes <- struct{}{}
	}
	scrape("scrape less often")
}

// rowsOf are the rows of a table in the docs. labels are those that all have.
func rowsOf[T any](table []series[T], labels string) string {
	var b strings.Builder
	for i := range table {
		s := &table[i]
		own := labels
		if s.label != "" {
			own = strings.TrimPrefix(own+", "+s.label, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.name, strings.ToLower(s.kind.String()), own, s.help)
	}
	return b.String()
}

// The page for operators lists what is served, word for word.
func TestMetricsAreDocumented(t *testing.T) {
	const begin, end = "<!-- metrics:begin -->\n", "<!-- metrics:end -->"
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), begin)
	have, _, _ := strings.Cut(rest, end)
	want := "| name | type | labels besides `topology` | what it is |\n|---|---|---|---|\n" +
		rowsOf(runSeries, "") + rowsOf(processSeries, "process, role, container") + rowsOf(usageSeries, "process, role, container") +
		rowsOf(managerSeries, "container, process") + rowsOf(taskSeries, "container, process, component, task")
	if have != want {
		t.Errorf("docs/operating.md is not up to date; between its marks belongs\n%s", want)
	}
}

// What spouts of tracked topologies have besides is read by Prometheus as it was counted.
func TestMetricsOfTrackedTuples(t *testing.T) {
	m := instance.Metrics{Emitted: 100, Pending: 7, Acked: 90, Failed: 3, Replayed: 5, TimedOut: 4, Lost: 2, DeadLetters: 1}
	for range 10 {
		m.Latency.Add(3 * time.Millisecond)
	}
	s := &Sample{Elapsed: 5 * time.Second, Processes: []ProcessSample{{
		Process: Process{Role: RoleInstance, Container: 2, Tasks: []uint32{3}, Components: []string{"lines"}}, Elapsed: 2 * time.Second, Restarts: 6,
		Instances: []TaskSample{{Task: 3, Component: "lines", Spout: true, Metrics: m}, {Task: 4, Component: "count"}},
	}}}
	var text strings.Builder
	out := expfmt.NewEncoder(&text, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families(runFigures{topology: "demo \"x\"\n", mode: "optimized", guarantee: "at-least-once", tracked: true}, s) {
		if err := out.Encode(f); err != nil {
			t.Fatal(err)
		}
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	read, err := parser.TextToMetricFamilies(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"ardea_task_pending_tuples": 7, "ardea_task_acked_tuples_total": 90, "ardea_task_failed_tuples_total": 3,
		"ardea_task_replayed_tuples_total": 5, "ardea_task_timed_out_tuples_total": 4, "ardea_task_lost_tuples_total": 2,
		"ardea_task_dead_letters_total": 1, "ardea_process_restarts_total": 6, "ardea_process_sample_age_seconds": 3,
	} {
		all := read[name].GetMetric()
		if len(all) != 1 || all[0].GetCounter().GetValue()+all[0].GetGauge().GetValue() != want {
			t.Errorf("%s is %v, want %v", name, all, want)
		}
	}
	latency := read["ardea_task_complete_latency_seconds"].GetMetric()
	if len(latency) != 1 || latency[0].GetHistogram().GetSampleCount() != 10 || math.Abs(latency[0].GetHistogram().GetSampleSum()-0.03) > 1e-9 {
		t.Errorf("latencies are %v", latency)
	}
	if task := len(read["ardea_task_emitted_tuples_total"].GetMetric()); task != 2 || len(read["ardea_task_executed_tuples_total"].GetMetric()) != 1 {
		t.Errorf("%d tasks have emitted", task)
	}
}
