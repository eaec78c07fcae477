package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// errRESP is an answer that does not follow the protocol.
var errRESP = errors.New("not an answer of Redis")

// respError is an error that the server answers.
type respError string

func (e respError) Error() string { return "redis: " + string(e) }

// Limits of an answer: bytes of a string, elements of an array, depth of arrays.
const (
	respString = 64 << 20
	respArray  = 1 << 20
	respDepth  = 8
)

// respConn speaks version 2 of the Redis protocol, as far as it is needed here. One goroutine uses it.
type respConn struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

func newRESP(conn net.Conn) *respConn {
	return &respConn{conn: conn, in: bufio.NewReader(conn)}
}

// command adds a command to what flush sends. Arguments are strings or byte slices.
func (c *respConn) command(args ...any) {
	c.out = append(strconv.AppendInt(append(c.out, '*'), int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		switch a := a.(type) {
		case string:
			c.out = append(append(c.size(len(a)), a...), "\r\n"...)
		case []byte:
			c.out = append(append(c.size(len(a)), a...), "\r\n"...)
		}
	}
}

func (c *respConn) size(n int) []byte {
	return append(strconv.AppendInt(append(c.out, '$'), int64(n), 10), "\r\n"...)
}

func (c *respConn) flush() error {
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// do sends one command and waits for its answer.
func (c *respConn) do(args ...string) (any, error) {
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = a
	}
	c.command(all...)
	if err := c.flush(); err != nil {
		return nil, err
	}
	return c.reply()
}

// reply reads an answer: a string, an int64, bytes, nil, or a slice of those. An error of the server is an error.
func (c *respConn) reply() (any, error) { return c.value(respDepth) }

func (c *respConn) value(depth int) (any, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 || line[len(line)-2] != '\r' || depth == 0 {
		return nil, fmt.Errorf("%w: %q", errRESP, line)
	}
	kind, text := line[0], string(line[1:len(line)-2])
	switch kind {
	case '+':
		return text, nil
	case '-':
		return nil, respError(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %q", errRESP, text)
	case kind == ':':
		return n, nil
	case n == -1 && (kind == '$' || kind == '*'):
		return nil, nil
	case kind == '$' && n >= 0 && n <= respString:
		return c.bytes(int(n))
	case kind == '*' && n >= 0 && n <= respArray:
		return c.array(int(n), depth)
	default:
		return nil, fmt.Errorf("%w: %c%s", errRESP, kind, text)
	}
}

func (c *respConn) bytes(n int) (any, error) {
	b := make([]byte, n+2)
	if _, err := io.ReadFull(c.in, b); err != nil {
		return nil, err
	}
	if b[n] != '\r' || b[n+1] != '\n' {
		return nil, fmt.Errorf("%w: a string without an end", errRESP)
	}
	return b[:n], nil
}

func (c *respConn) array(n, depth int) (any, error) {
	var all []any
	for range n {
		v, err := c.value(depth - 1)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (c *respConn) close() error { return c.conn.Close() }
