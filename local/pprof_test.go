package local_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/local/capture"
	"github.com/ardea-stream/ardea/local/endpoint"
)

// fetch fetches a profile over HTTP.
func fetch(t *testing.T, url string) *profile.Profile {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, res.Status, err)
	}
	p, err := profile.ParseData(b)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return p
}

func TestPprofOfEveryProcess(t *testing.T) {
	for _, inProcess := range []bool{false, true} {
		leaktest.Check(t)
		args := "endless"
		o := options(t, args)
		var said strings.Builder
		o.Pprof, o.InProcess, o.Stderr = ":0", inProcess, &said
		c := start(t.Context(), t, args, o)
		awaitFlow(t, c)
		addresses := map[string]bool{c.Pprof(): true}
		for _, p := range c.Processes() {
			if host, _, err := net.SplitHostPort(p.Pprof); err != nil || host != "127.0.0.1" {
				t.Fatalf("%s serves at %q", p.Name(), p.Pprof)
			}
			addresses[p.Pprof] = true
		}
		if want := len(c.Processes()) + 1; !inProcess && len(addresses) != want || inProcess && len(addresses) != 1 {
			t.Errorf("%d addresses of %d processes", len(addresses), want)
		}
		for address := range addresses {
			fetch(t, capture.URL(address)+"heap")
		}
		c.Drain()
		if _, err := wait(t, c); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(said.String(), "/debug/pprof/\n"); lines != len(addresses) {
			t.Errorf("%d addresses were announced, want %d:\n%s", lines, len(addresses), said.String())
		}
		for address := range addresses {
			if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
				_ = c.Close()
				t.Errorf("somebody still serves at %s", address)
			}
		}
	}
}

func TestPprofIsOffByItself(t *testing.T) {
	leaktest.Check(t)
	args := "finite 10"
	c := start(t.Context(), t, args, options(t, args))
	for _, p := range c.Processes() {
		if p.Pprof != "" {
			t.Errorf("%s serves at %s", p.Name(), p.Pprof)
		}
	}
	if c.Pprof() != "" {
		t.Errorf("the launcher serves at %s", c.Pprof())
	}
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
}

func TestPprofAtBadAddresses(t *testing.T) {
	leaktest.Check(t)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, address := range []string{"nonsense", "127.0.0.1:70000", taken.Addr().String(), "127.0.0.1:65534"} {
		o := options(t, "endless")
		o.Pprof = address
		var fault *endpoint.AddressError
		if _, err := local.Start(t.Context(), build("endless"), o); !errors.As(err, &fault) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := local.CheckPprof(t.Context(), taken.Addr().String()); !errors.As(err, new(*endpoint.AddressError)) {
		t.Errorf("an address that is taken is found right: %v", err)
	}
	for _, address := range []string{"", ":0"} {
		if err := local.CheckPprof(t.Context(), address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}
