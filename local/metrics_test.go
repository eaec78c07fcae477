package local_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/local/endpoint"
)

// httpGet makes a request on a connection of its own.
func httpGet(t *testing.T, method, url string, header http.Header) (answer http.Header, text string, status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	maps.Copy(r.Header, header)
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.Header, string(b), res.StatusCode
}

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	answer, text, status := httpGet(t, http.MethodGet, url, nil)
	if kind := answer.Get("Content-Type"); status != http.StatusOK || !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Fatalf("status %d, %s: %s", status, kind, text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return families
}

// labelNames are those of a metric, sorted.
func labelNames(m *dto.Metric) string {
	var names []string
	for _, l := range m.Label {
		names = append(names, l.GetName())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func labelOf(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// byTask are the values of a counter by task.
func byTask(f *dto.MetricFamily) map[string]float64 {
	values := map[string]float64{}
	for _, m := range f.GetMetric() {
		values[labelOf(m, "task")] = m.GetCounter().GetValue()
	}
	return values
}

func sumOf(f *dto.MetricFamily) (sum float64) {
	for _, v := range byTask(f) {
		sum += v
	}
	return sum
}

// checkLabels checks that metrics of a kind have the same labels and that no two are one.
func checkLabels(t *testing.T, families map[string]*dto.MetricFamily) {
	t.Helper()
	more := map[string]string{
		"ardea_run_info": "mode topology", "ardea_run_guarantee_info": "guarantee topology",
		"ardea_process_cpu_seconds_total": "container mode process role topology", "ardea_stream_manager_refused_links_total": "code container process topology",
	}
	for name, f := range families {
		want := "topology"
		switch {
		case more[name] != "":
			want = more[name]
		case strings.HasPrefix(name, "ardea_task_"):
			want = "component container process task topology"
		case strings.HasPrefix(name, "ardea_stream_manager_"):
			want = "container process topology"
		case strings.HasPrefix(name, "ardea_process_"):
			want = "container process role topology"
		}
		seen := map[string]bool{}
		for _, m := range f.Metric {
			if got := labelNames(m); got != want {
				t.Errorf("%s has the labels %s, want %s", name, got, want)
			}
			if id := fmt.Sprint(m.Label); seen[id] {
				t.Errorf("%s is there twice: %s", name, id)
			} else {
				seen[id] = true
			}
			if got := labelOf(m, "topology"); got != "idle" {
				t.Errorf("%s is of topology %q", name, got)
			}
		}
		if f.GetHelp() == "" || (f.GetType() == dto.MetricType_COUNTER) != strings.HasSuffix(name, "_total") {
			t.Errorf("%s: type %v, help %q", name, f.GetType(), f.GetHelp())
		}
	}
}

// What is scraped of a run that stands still is what its result says.
func TestMetricsOfARun(t *testing.T) {
	for _, inProcess := range []bool{false, true} {
		leaktest.Check(t)
		const n = 1000
		args := "idle " + strconv.Itoa(n)
		o := options(t, args)
		var said strings.Builder
		o.Metrics, o.InProcess, o.Stderr = ":0", inProcess, &said
		c := start(t.Context(), t, args, o)
		url := c.Metrics()
		if r := findRun(t, c); !strings.HasPrefix(url, "http://127.0.0.1:") || r.Metrics != url || r.Guarantee != "at-most-once" {
			t.Fatalf("metrics are at %q, the run says %q and %q", url, r.Metrics, r.Guarantee)
		}
		families := scrape(t, url)
		for sumOf(families["ardea_task_executed_tuples_total"]) < 4*n || sumOf(families["ardea_task_emitted_tuples_total"]) < 4*n {
			families = scrape(t, url)
		}
		families = scrape(t, url) // the stream managers may have answered the last one before the bolts
		checkLabels(t, families)
		checkServed(t, families, len(c.Processes()), inProcess)
		checkHostile(t, url)
		c.Drain()
		res, err := wait(t, c)
		if err != nil {
			t.Fatal(err)
		}
		checkResult(t, families, res)
		if want := "launcher: metrics at " + url + "\n"; strings.Count(said.String(), want) != 1 {
			t.Errorf("want %q in %q", want, said.String())
		}
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/metrics")); err == nil {
			_ = c.Close()
			t.Error("somebody still serves")
		}
	}
}

// checkServed checks how many metrics there are of what.
func checkServed(t *testing.T, families map[string]*dto.MetricFamily, processes int, inProcess bool) {
	t.Helper()
	used := processes + 1
	if inProcess {
		used = 1
	}
	for name, want := range map[string]int{
		"ardea_run_info": 1, "ardea_run_containers": 1, "ardea_process_restarts_total": processes,
		"ardea_process_resident_memory_bytes": used, "ardea_process_cpu_seconds_total": 2 * used, "ardea_stream_manager_queue_bytes": 2,
		"ardea_task_emitted_tuples_total": 6, "ardea_task_executed_tuples_total": 4, "ardea_task_clamps_total": 2,
		"ardea_task_pending_tuples": 0, "ardea_task_complete_latency_seconds": 0, // nothing is tracked
	} {
		if got := len(families[name].GetMetric()); got != want {
			t.Errorf("there are %d of %s, want %d", got, name, want)
		}
	}
}

// checkResult compares counters with those of the end.
func checkResult(t *testing.T, families map[string]*dto.MetricFamily, res *local.Result) {
	t.Helper()
	emitted, executed := byTask(families["ardea_task_emitted_tuples_total"]), byTask(families["ardea_task_executed_tuples_total"])
	failed := byTask(families["ardea_task_errors_total"])
	for _, in := range res.Sample.Tasks() {
		id := strconv.FormatUint(uint64(in.Task), 10)
		if m := in.Metrics; float64(m.Emitted) != emitted[id] || float64(m.Received) != executed[id] || float64(m.Errors) != failed[id] {
			t.Errorf("task %s: %v emitted, %v executed, %v errors; the result says %+v", id, emitted[id], executed[id], failed[id], m)
		}
	}
	for _, m := range families["ardea_stream_manager_tuples_total"].Metric {
		for _, p := range res.Sample.Processes {
			if p.Name() == labelOf(m, "process") && float64(p.Manager.Tuples) != m.GetCounter().GetValue() {
				t.Errorf("%s: %v tuples, the result says %d", p.Name(), m.GetCounter().GetValue(), p.Manager.Tuples)
			}
		}
	}
}

// checkHostile asks for what there is not.
func checkHostile(t *testing.T, url string) {
	t.Helper()
	root := strings.TrimSuffix(url, "metrics")
	for _, tc := range []struct {
		method, url string
		header      http.Header
		want        int
	}{
		{http.MethodGet, root, nil, http.StatusNotFound},
		{http.MethodGet, url + "/x", nil, http.StatusNotFound},
		{http.MethodGet, root + "debug/vars", nil, http.StatusNotFound},
		{http.MethodPost, url, nil, http.StatusMethodNotAllowed},
		{http.MethodHead, url, nil, http.StatusOK},
		{http.MethodGet, url, http.Header{"Host": {"evil.example"}}, http.StatusForbidden},
	} {
		if _, text, status := httpGet(t, tc.method, tc.url, tc.header); status != tc.want {
			t.Errorf("%s %s: status %d, want %d: %s", tc.method, tc.url, status, tc.want, text)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("X-Large", strings.Repeat("x", 1<<20))
	if res, err := http.DefaultClient.Do(r); err == nil { // else it has hung up before everything was sent
		_ = res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a header of a MiB: %s", res.Status)
		}
	}
	open := http.Header{"Accept": {"application/openmetrics-text; version=1.0.0"}}
	answer, text, _ := httpGet(t, http.MethodGet, url, open)
	if kind := answer.Get("Content-Type"); !strings.HasPrefix(kind, "application/openmetrics-text; version=1.0.0") || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("as OpenMetrics: %s, %.200s", kind, text)
	}
}

func TestMetricsAreOffByThemselves(t *testing.T) {
	leaktest.Check(t)
	args := "finite 10"
	c := start(t.Context(), t, args, options(t, args))
	if c.Metrics() != "" {
		t.Errorf("they are served at %s", c.Metrics())
	}
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
	// Not /debug/vars: package expvar, which the database of the log imports, registers that by itself.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, pattern := http.DefaultServeMux.Handler(r); pattern != "" {
		t.Errorf("http.DefaultServeMux serves %s", pattern)
	}
}

func TestMetricsAtBadAddresses(t *testing.T) {
	leaktest.Check(t)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for address, want := range map[string]string{
		"nonsense": "use HOST:PORT", "127.0.0.1:70000": "use 0 to 65535", taken.Addr().String(): "address already in use: use another one",
	} {
		o := options(t, "endless")
		o.Metrics, o.Pprof = address, ":0"
		_, err := local.Start(t.Context(), build("endless"), o)
		if !errors.As(err, new(*endpoint.AddressError)) || !strings.Contains(err.Error(), want) || !strings.Contains(strings.ToLower(err.Error()), "metrics") {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}
