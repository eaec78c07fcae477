package endpoint_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local/endpoint"
)

// dial connects and, unless it is slow, makes a request.
func dial(t *testing.T, s *endpoint.Server, request string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c
}

// Clients that never finish their requests keep others waiting, not the
// program, and those who hang up make room.
func TestConnectionsAreBounded(t *testing.T) {
	leaktest.Check(t)
	served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
	s, err := endpoint.Serve(t.Context(), "127.0.0.1:0", served, endpoint.Limits{Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const half = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow:"
	slow := []net.Conn{dial(t, s, half), dial(t, s, half)}
	c := dial(t, s, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	_ = slow[1].Close()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if text, err := io.ReadAll(res.Body); err != nil || string(text) != "here" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestServeWithoutAHostThatIsHere(t *testing.T) {
	if _, err := endpoint.Serve(t.Context(), "nobody.invalid:0", nil, endpoint.Limits{}); err == nil {
		t.Error("no error")
	}
}
