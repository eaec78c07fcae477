package local

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/ardea-stream/ardea/local/endpoint"
	"github.com/ardea-stream/ardea/topology"
)

// Limits of the metrics.
const (
	metricsPath     = "/metrics"
	maxScrapes      = 4               // at a time; more are refused
	maxScrapers     = 64              // connections
	scrapePatience  = 2 * time.Second // for the answers of all processes
	scrapeRequest   = 10 * time.Second
	scrapeTransfer  = 30 * time.Second
	scrapeRetryText = "1" // seconds
)

// ownMetrics serves the metrics of a run, if Options.Metrics asks for it.
type ownMetrics struct {
	server  *endpoint.Server // nil if nothing is served
	o       Options
	cluster atomic.Pointer[Cluster] // nil until there is one
	scrapes chan struct{}           // holds one per scrape
}

// serveMetrics begins to serve. There are metrics once the cluster is up.
func serveMetrics(ctx context.Context, o Options) (*ownMetrics, error) {
	m := &ownMetrics{o: o, scrapes: make(chan struct{}, maxScrapes)}
	if o.Metrics == "" {
		return m, nil
	}
	base, err := endpoint.ParseAddress(o.Metrics)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	address, err := base.Of(0)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+metricsPath, m.scrape)
	limits := endpoint.Limits{Connections: maxScrapers, Request: scrapeRequest, Answer: scrapeTransfer}
	if m.server, err = endpoint.Serve(ctx, address, mux, limits); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return m, nil
}

// scrape answers with a sample that is taken for it.
func (m *ownMetrics) scrape(w http.ResponseWriter, r *http.Request) {
	refuse := func(text string) {
		w.Header().Set("Retry-After", scrapeRetryText)
		http.Error(w, text, http.StatusServiceUnavailable)
	}
	select {
	case m.scrapes <- struct{}{}:
		defer func() { <-m.scrapes }()
	default:
		refuse(fmt.Sprintf("%d scrapes are under way: scrape less often, or one after another", maxScrapes))
		return
	}
	c := m.cluster.Load()
	if c == nil || !c.isUp() {
		refuse("the run is starting")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), scrapePatience)
	defer cancel()
	s, _ := c.Sample(ctx) // of those that answer in time; the others' age tells
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
	w.Header().Set("Content-Type", string(format))
	out := expfmt.NewEncoder(w, format)
	for _, f := range families(m.figures(c), s) {
		if out.Encode(f) != nil {
			return // the client has gone
		}
	}
	if end, ok := out.(expfmt.Closer); ok {
		_ = end.Close()
	}
}

// figures are those of the run as a whole.
func (m *ownMetrics) figures(c *Cluster) runFigures {
	return runFigures{
		topology: c.plan.Topology, mode: m.o.Mode, guarantee: c.guarantee(), tracked: c.plan.Tracked,
		inProcess: m.o.InProcess, containers: len(c.plan.Containers),
	}
}

// isUp reports whether all processes have been up.
func (c *Cluster) isUp() bool {
	select {
	case <-c.up:
		return true
	default:
		return false
	}
}

// guarantee is the delivery guarantee of the topology, by name.
func (c *Cluster) guarantee() string {
	if c.plan.Tracked {
		return topology.AtLeastOnce.String()
	}
	return topology.AtMostOnce.String()
}

// Metrics is the URL at which the metrics of the run are served for Prometheus,
// empty unless Options.Metrics asks for it.
func (c *Cluster) Metrics() string { return c.metrics.url() }

func (m *ownMetrics) url() string {
	if m.server == nil {
		return ""
	}
	return "http://" + m.server.Address() + metricsPath
}

func (m *ownMetrics) close() {
	if m.server != nil {
		m.server.Close()
	}
}

// announceMetrics tells the user where metrics are served.
func (s *supervisor) announceMetrics() {
	if url := s.c.metrics.url(); url != "" {
		_, _ = fmt.Fprintf(s.o.Stderr, "%s: metrics at %s\n", launcherName, url)
	}
}

// endpoints are what this process serves over HTTP.
type endpoints struct {
	pprof   *ownPprof
	metrics *ownMetrics
}

// serveEndpoints begins to serve what the options ask for.
func serveEndpoints(ctx context.Context, o Options) (endpoints, error) {
	pprof, err := servePprof(ctx, o)
	if err != nil {
		return endpoints{}, err
	}
	metrics, err := serveMetrics(ctx, o)
	if err != nil {
		pprof.close()
		return endpoints{}, err
	}
	return endpoints{pprof: pprof, metrics: metrics}, nil
}

func (e endpoints) close() {
	e.pprof.close()
	e.metrics.close()
}
