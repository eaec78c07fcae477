package main

import (
	"bufio"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func answer(text string) (any, error) {
	c := &respConn{in: bufio.NewReader(strings.NewReader(text))}
	return c.reply()
}

func TestRESP(t *testing.T) {
	for text, want := range map[string]any{
		"+PONG\r\n":                            "PONG",
		":-7\r\n":                              int64(-7),
		"$5\r\na\r\nbc\r\n":                    []byte("a\r\nbc"),
		"$0\r\n\r\n":                           []byte{},
		"$-1\r\n":                              nil,
		"*2\r\n$1\r\na\r\n*2\r\n:1\r\n+OK\r\n": []any{[]byte("a"), []any{int64(1), "OK"}},
	} {
		if have, err := answer(text); err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%q is %v, %v, want %v", text, have, err, want)
		}
	}
	var failed respError
	if _, err := answer("-ERR no\r\n"); !errors.As(err, &failed) || failed != "ERR no" {
		t.Errorf("an error is %v", err)
	}
}

func TestRESPGarbage(t *testing.T) {
	for _, text := range []string{
		"\r\n", "x\n", "!1\r\n", "$x\r\n", "$-2\r\n", "$99999999999\r\n", "*9999999999\r\n", "*-2\r\n", ":\r\n", "$1\r\nabc",
		strings.Repeat("*1\r\n", 20), "+" + strings.Repeat("long", 4096) + "\r\n",
	} {
		if _, err := answer(text); !errors.Is(err, errRESP) && !errors.Is(err, bufio.ErrBufferFull) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	for _, text := range []string{"", "+PO", "$5\r\nab", "*2\r\n:1\r\n"} {
		if _, err := answer(text); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
