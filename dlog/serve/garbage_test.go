package serve

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// hello is that of a client.
func hello() []byte {
	return append(appendHeader(nil, kindHello, 0, helloSize), le.AppendUint32(le.AppendUint64(nil, magic), version)...)
}

func frame(k kind, id uint64, payload string) []byte {
	return append(appendHeader(nil, k, id, len(payload)), payload...)
}

// garbage is what no client may send. Each lets the server end the connection with a ProtocolError.
var garbage = map[string][]byte{
	"no hello":               frame(kindCall, 1, "{}"),
	"another program":        []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	"zeros":                  make([]byte, 64),
	"another version":        append(appendHeader(nil, kindHello, 0, helloSize), le.AppendUint32(le.AppendUint64(nil, magic), 99)...),
	"a second hello":         append(hello(), hello()...),
	"a frame of the server":  append(hello(), frame(kindBatch, 1, strings.Repeat("x", 100))...),
	"an unknown kind":        append(hello(), frame(99, 1, "")...),
	"reserved bytes":         append(hello(), 0, 0, 0, 0, byte(kindCall), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	"a length without end":   append(hello(), appendHeader(nil, kindAppend, 1, 1<<32-1)...),
	"a call without end":     append(hello(), appendHeader(nil, kindCall, 1, maxSmall+1)...),
	"no JSON":                append(hello(), frame(kindCall, 1, "nonsense")...),
	"an unknown verb":        append(hello(), frame(kindCall, 1, `{"verb":"fly","log":"a"}`)...),
	"a short append":         append(hello(), frame(kindAppend, 1, "short")...),
	"no such writer":         append(hello(), frame(kindAppend, 1, strings.Repeat("x", appendSize))...),
	"a writer that is not":   append(hello(), frame(kindCall, 1, `{"verb":"seal","writer":7}`)...),
	"no place":               append(hello(), frame(kindRead, 1, `{"log":"a","from":"here","credit":1}`)...),
	"no credit":              append(hello(), frame(kindRead, 1, `{"log":"a","from":"first"}`)...),
	"a credit of nothing":    append(append(hello(), frame(kindRead, 1, `{"log":"a","from":"first","credit":1}`)...), frame(kindCredit, 1, "\x00\x00\x00\x00\x00\x00\x00\x00")...),
	"the same stream twice":  append(append(hello(), frame(kindRead, 1, `{"log":"a","from":"first","credit":1}`)...), frame(kindRead, 1, `{"log":"a","from":"first","credit":1}`)...),
	"a resume without bytes": append(hello(), frame(kindResume, 1, "")...),
}

// TestGarbage sends garbage while somebody reads and appends, whom it must not disturb.
func TestGarbage(t *testing.T) {
	_, v, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	w := writer(t, c, "a")
	s := stream(t, c, "a", dlog.First, ReadOptions{})
	at := uint64(0)
	for name, bytes := range garbage {
		conn := connectRaw(t, v)
		_, err := conn.Write(bytes)
		must(t, err)
		answer, err := io.ReadAll(conn)
		must(t, err)
		if err := lastError(answer); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
		_ = conn.Close()
		appendTo(t, w, 0, name)
		rec, err := s.Next(t.Context())
		if err != nil || rec.First != at {
			t.Fatalf("after %s: %+v, %v", name, rec, err)
		}
		at++
	}
}

// lastError returns the error in the last frame of what a server has sent.
func lastError(answer []byte) error {
	for len(answer) >= headerSize {
		n := headerSize + int(le.Uint32(answer))
		if n > len(answer) {
			break
		}
		if n == len(answer) && kind(answer[4]) == kindFailed {
			err, _ := parseError(answer[headerSize:])
			return err
		}
		answer = answer[n:]
	}
	return errors.New("no error came")
}

// TestRandomGarbage sends bytes that no seed of the fuzz target holds, and ends the connection at any byte.
func TestRandomGarbage(t *testing.T) {
	_, v, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := hello()
		for range random.IntN(4) {
			b = append(b, frame(kind(random.IntN(10)), uint64(random.IntN(3)), strings.Repeat("\x01", random.IntN(64)))...)
		}
		b = b[:random.IntN(len(b)+1)]
		if len(b) > 0 && random.IntN(2) == 0 {
			b[random.IntN(len(b))] ^= 1 << random.IntN(8)
		}
		conn, err := net.Dial("unix", v.Path())
		must(t, err)
		_, _ = conn.Write(b) // the server may be quicker
		_ = conn.Close()
	}
	if _, err := c.Info(t.Context(), "a"); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// TestAServerOfGarbage connects to servers that do not keep to the protocol.
func TestAServerOfGarbage(t *testing.T) {
	leaktest.Check(t)
	good := le.AppendUint64(le.AppendUint32(le.AppendUint32(le.AppendUint64(nil, magic), version), 1<<20), 7)
	greeting := frame(kindHello, 0, string(good))
	for name, tc := range map[string]struct {
		sent []byte
		want error
	}{
		"nothing":           {nil, ErrGone},
		"another program":   {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), ErrProtocol},
		"a short hello":     {frame(kindHello, 0, "short"), ErrProtocol},
		"a frame of mine":   {append(bytes.Clone(greeting), hello()...), ErrProtocol},
		"an unasked result": {append(bytes.Clone(greeting), frame(kindAppended, 1, strings.Repeat("x", resultSize))...), ErrProtocol},
		"half an answer":    {append(bytes.Clone(greeting), appendHeader(nil, kindReply, 1, 10)...), ErrGone},
		"no answer":         {append(bytes.Clone(greeting), frame(kindReply, 1, "nonsense")...), ErrProtocol},
		"a bad error":       {append(bytes.Clone(greeting), frame(kindFailed, 1, "x")...), ErrProtocol},
		"a short batch":     {append(bytes.Clone(greeting), frame(kindBatch, 1, "x")...), ErrProtocol},
		"too long":          {append(bytes.Clone(greeting), appendHeader(nil, kindBatch, 1, 1<<32-1)...), ErrProtocol},
	} {
		dir := t.TempDir()
		l, err := net.Listen("unix", SocketPath(dir))
		must(t, err)
		go func() {
			conn, err := l.Accept()
			if err == nil {
				_, _ = conn.Write(tc.sent)
				_, _ = io.CopyN(io.Discard, conn, headerSize+helloSize)
				_ = conn.Close()
			}
		}()
		c, err := Dial(t.Context(), dir)
		if err == nil {
			<-c.Done()
			err = c.err()
			_ = c.Close()
		}
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		_ = l.Close()
	}
}

// FuzzFrames parses anything as frames, and errors as well.
func FuzzFrames(f *testing.F) {
	for _, b := range garbage {
		f.Add(b)
	}
	f.Add(frame(kindFailed, 3, string(appendError(nil, &dlog.CorruptError{File: "f", Err: io.ErrUnexpectedEOF}))))
	f.Fuzz(func(t *testing.T, b []byte) {
		for rest := b; len(rest) >= headerSize; {
			h, err := parseHeader(rest[:headerSize], 1<<20, func(k kind) bool { return fromClient(k) || fromServer(k) })
			if err != nil {
				if !errors.Is(err, ErrProtocol) {
					t.Fatal(err)
				}
				break
			}
			if h.length > 1<<20 || !bytes.Equal(appendHeader(nil, h.kind, h.id, int(h.length)), rest[:headerSize]) {
				t.Fatalf("%+v was parsed from % x", h, rest[:headerSize])
			}
			rest = rest[min(len(rest), headerSize+int(h.length)):]
		}
		err, ok := parseError(b)
		if !ok {
			return
		}
		again, ok := parseError(appendError(nil, err))
		if !ok {
			t.Fatalf("%v cannot be parsed again", err)
		}
		for _, s := range sentinels {
			if errors.Is(err, s) != errors.Is(again, s) {
				t.Fatalf("%v is %v, and then %v is not", err, s, again)
			}
		}
	})
}
