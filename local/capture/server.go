package capture

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/local/endpoint"
)

// longestServed bounds the recording for one request.
const longestServed = time.Hour

// Serve serves the profiles of this process over HTTP at /debug/pprof/, with
// the addresses of net/http/pprof, for go tool pprof and browsers. It is not
// that package because importing it is enough to publish the profiles on
// http.DefaultServeMux, which the program may serve to anybody. Unlike there,
// mutex and block profiles with ?seconds=N set the rates that they need. It
// lasts until Close, which ends what is recorded. The error is an
// *endpoint.AddressError.
func Serve(ctx context.Context, address string) (*endpoint.Server, error) {
	return endpoint.Serve(ctx, address, handler(), endpoint.Limits{})
}

// URL is the page that lists the profiles at an address.
func URL(address string) string { return "http://" + address + "/debug/pprof/" }

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/{$}", index)
	mux.HandleFunc("GET /debug/pprof/cmdline", func(w http.ResponseWriter, _ *http.Request) {
		plain(w)
		_, _ = fmt.Fprint(w, strings.Join(os.Args, "\x00"))
	})
	mux.HandleFunc("GET /debug/pprof/profile", func(w http.ResponseWriter, r *http.Request) { recorded(w, r, CPU, 30) })
	mux.HandleFunc("GET /debug/pprof/trace", func(w http.ResponseWriter, r *http.Request) { recorded(w, r, Trace, 1) })
	mux.HandleFunc("GET /debug/pprof/{name}", snapshot)
	return mux
}

func plain(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
}

// index lists what there is.
func index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, "<!DOCTYPE html><title>profiles</title><ul>\n")
	for _, p := range pprof.Profiles() { // names are those of the runtime and of the program
		_, _ = fmt.Fprintf(w, "<li><a href=\"%s?debug=1\">%[1]s</a> (%d)\n", p.Name(), p.Count())
	}
	_, _ = fmt.Fprint(w, "<li><a href=\"profile?seconds=10\">profile?seconds=10</a> CPU\n"+
		"<li><a href=\"trace?seconds=1\">trace?seconds=1</a> for go tool trace\n</ul>\n")
}

// snapshot serves one of the runtime's profiles, or what comes to it in some seconds.
func snapshot(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	p := pprof.Lookup(name)
	if p == nil {
		http.Error(w, fmt.Sprintf("capture: there is no profile %q", name), http.StatusNotFound)
		return
	}
	if k := Kind(name); r.FormValue("seconds") != "" && (k == Allocs || k == Mutex || k == Block) {
		recorded(w, r, k, 0)
		return
	}
	debug, _ := strconv.Atoi(r.FormValue("debug"))
	if gc, _ := strconv.Atoi(r.FormValue("gc")); name == string(Heap) && gc > 0 {
		runtime.GC()
	}
	if debug == 0 {
		attach(w, name)
	} else {
		plain(w)
	}
	_ = p.WriteTo(w, debug) // fails when the client has gone
}

func attach(w http.ResponseWriter, name string) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, name))
}

// recorded records for the seconds of the request, or a standard number of them.
func recorded(w http.ResponseWriter, r *http.Request, k Kind, seconds float64) {
	if text := r.FormValue("seconds"); text != "" {
		var err error
		if seconds, err = strconv.ParseFloat(text, 64); err != nil || !(seconds > 0 && seconds <= longestServed.Seconds()) {
			http.Error(w, fmt.Sprintf("capture: seconds=%q: use a number above 0 and up to %v", text, longestServed.Seconds()), http.StatusBadRequest)
			return
		}
	}
	path, clean, err := recordFor(r.Context(), k, time.Duration(seconds*float64(time.Second)))
	defer clean()
	var fault *KindFault
	switch {
	case errors.Is(err, ErrBusy), errors.As(err, &fault):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		attach(w, FileName("profile", k))
		http.ServeFile(w, r, path)
	}
}

// recordFor records one kind for d into a file that clean removes.
func recordFor(ctx context.Context, k Kind, d time.Duration) (path string, clean func(), err error) {
	clean = func() {}
	recording, err := Start([]Kind{k})
	if err != nil {
		return "", clean, err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		recording.Abandon()
		return "", clean, context.Cause(ctx)
	}
	dir, err := os.MkdirTemp("", "ardea-profile-")
	if err != nil {
		recording.Abandon()
		return "", clean, err
	}
	clean = func() { _ = os.RemoveAll(dir) }
	paths, err := recording.Stop(dir, "profile")
	return paths[k], clean, err
}
