package endpoint_test

import (
	"errors"
	"testing"

	"github.com/ardea-stream/ardea/local/endpoint"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		":0": "127.0.0.1:0", "0": "127.0.0.1:0", "6060": "127.0.0.1:6062", ":6060": "127.0.0.1:6062",
		"localhost:6060": "localhost:6062", "0.0.0.0:6060": "0.0.0.0:6062", "[::1]:6060": "[::1]:6062",
	} {
		a, err := endpoint.ParseAddress(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := a.Of(2); err != nil || got != want {
			t.Errorf("the third of %q is %q, want %q: %v", text, got, want, err)
		}
	}
	var fault *endpoint.AddressError
	for _, text := range []string{"", "localhost", "a:b:c", ":65536", ":-1", "-1", ":http", "99999999999999999999"} {
		if a, err := endpoint.ParseAddress(text); !errors.As(err, &fault) {
			t.Errorf("%q: %v, %v", text, a, err)
		}
	}
	if _, err := (endpoint.Address{Host: "127.0.0.1", Port: 65535}).Of(1); !errors.As(err, &fault) {
		t.Errorf("a port beyond the last: %v", err)
	}
}
