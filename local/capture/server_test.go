package capture_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local/capture"
	"github.com/ardea-stream/ardea/local/endpoint"
)

func serve(t *testing.T) *endpoint.Server {
	t.Helper()
	s, err := capture.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// get fetches a page of the server on a connection of its own.
func get(t *testing.T, url, host string) (status int, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host, r.Close = host, true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

func TestServerServesProfiles(t *testing.T) {
	leaktest.Check(t)
	s := serve(t)
	for _, page := range []string{
		"profile?seconds=0.05", "heap", "heap?gc=1", "allocs", "allocs?seconds=0.01", "goroutine", "threadcreate",
		"mutex", "mutex?seconds=0.01", "block?seconds=0.01",
	} {
		status, body := get(t, capture.URL(s.Address())+page, "")
		if status != http.StatusOK {
			t.Errorf("%s: status %d: %s", page, status, body)
			continue
		}
		if _, err := profile.ParseData(body); err != nil {
			t.Errorf("%s: %v", page, err)
		}
	}
	for page, want := range map[string]string{
		"": "profile?seconds", "goroutine?debug=1": "goroutine profile: total", "cmdline": ".test", "trace?seconds=0.01": "go 1.",
	} {
		if status, body := get(t, capture.URL(s.Address())+page, ""); status != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: status %d, want %q in %.80q", page, status, want, body)
		}
	}
}

func TestServerRefuses(t *testing.T) {
	leaktest.Check(t)
	s := serve(t)
	for page, want := range map[string]int{
		"gpu": http.StatusNotFound, "profile?seconds=-1": http.StatusBadRequest, "profile?seconds=NaN": http.StatusBadRequest,
		"trace?seconds=x": http.StatusBadRequest, "profile?seconds=1e9": http.StatusBadRequest, "../../etc/passwd": http.StatusNotFound,
	} {
		if status, body := get(t, capture.URL(s.Address())+page, ""); status != want {
			t.Errorf("%s: status %d, want %d: %s", page, status, want, body)
		}
	}
	if status, _ := get(t, capture.URL(s.Address()), "evil.example"); status != http.StatusForbidden {
		t.Errorf("a request for another host: status %d", status)
	}
	r, err := capture.Start([]capture.Kind{capture.Heap})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Abandon()
	if status, body := get(t, capture.URL(s.Address())+"profile?seconds=1", ""); status != http.StatusConflict {
		t.Errorf("a second recording: status %d: %s", status, body)
	}
}

// The end of the server ends what it records, and nobody's default mux serves profiles.
func TestServerCloses(t *testing.T) {
	leaktest.Check(t)
	s := serve(t)
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "GET /debug/pprof/profile?seconds=3000 HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for !capture.Busy() { // until the request has begun
		runtime.Gosched()
	}
	s.Close()
	if res, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			t.Error("a recording that was cut off is served")
		}
	}
	r, err := capture.Start([]capture.Kind{capture.CPU})
	if err != nil {
		t.Fatalf("the server has left its recording on: %v", err)
	}
	r.Abandon()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "/debug/pprof/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, pattern := http.DefaultServeMux.Handler(request); pattern != "" {
		t.Errorf("http.DefaultServeMux serves %s", pattern)
	}
}

func TestServeOfATakenAddress(t *testing.T) {
	leaktest.Check(t)
	s := serve(t)
	var fault *endpoint.AddressError
	if _, err := capture.Serve(t.Context(), s.Address()); !errors.As(err, &fault) || fault.Address != s.Address() {
		t.Errorf("Serve: %v", err)
	}
}
