package endpoint

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// What holds for every server.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute // longer than the usual interval of a scrape
	maxHeader     = 16 << 10        // bytes
	closePatience = time.Second     // for requests that have been told to end
)

// Limits bound what clients can take up. Zero means no bound.
type Limits struct {
	Connections int           // at a time; more of them wait
	Request     time.Duration // to read a request and to handle it
	Answer      time.Duration // from the end of a request's header to the end of the answer
}

// Server serves over HTTP.
type Server struct {
	http     http.Server
	listener net.Listener
	ctx      context.Context // of requests
	cancel   context.CancelFunc
	running  sync.WaitGroup // the goroutine that accepts
}

// Serve begins to serve at HOST:PORT until Close. The error says that the
// address cannot be bound and is an *AddressError.
func Serve(ctx context.Context, address string, handler http.Handler, limits Limits) (*Server, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &AddressError{Address: address, Text: err.Error() + ": use another one, or port 0 for any that is free"}
	}
	if limits.Connections > 0 {
		l = netutil.LimitListener(l, limits.Connections)
	}
	s := &Server{listener: l}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.http = http.Server{
		Handler: s.guard(handler), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ReadTimeout: limits.Request, WriteTimeout: limits.Answer,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // of what clients do wrong
	}
	s.running.Go(func() { _ = s.http.Serve(l) }) // until Close
	return s, nil
}

// Address is where it serves, with the port that was picked.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Close ends the server and the contexts of its requests, and waits for them.
func (s *Server) Close() {
	s.cancel()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), closePatience)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	s.running.Wait()
}

// guard refuses requests for the loopback address that a web page made in
// disguise of another host.
func (s *Server) guard(next http.Handler) http.Handler {
	own, err := netip.ParseAddrPort(s.Address())
	onlyHere := err == nil && own.Addr().IsLoopback()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onlyHere && !isLocal(r.Host) {
			http.Error(w, "use the address "+s.Address(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLocal reports whether a Host header names this machine or an address.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")) != nil
}
