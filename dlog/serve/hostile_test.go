package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog"
)

// utmost is how long what must happen may take. Only a hang takes longer.
const utmost = time.Minute

// connectRaw connects without saying anything. A test that waits for the server longer than it should fails by the deadline.
func connectRaw(t *testing.T, v *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", v.Path())
	must(t, err)
	must(t, conn.SetDeadline(time.Now().Add(utmost)))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// settled waits until the server has so many connections.
func settled(t *testing.T, v *Server, n int) {
	t.Helper()
	for end := time.Now().Add(utmost); v.Connections() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("there are %d connections, want %d", v.Connections(), n)
		}
	}
}

// TestTruncatedConversations ends a conversation behind each of its bytes. What the server had wholly is done, what it had
// in part is not, and nothing is left of the connection.
func TestTruncatedConversations(t *testing.T) {
	store, v, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	l, err := store.Log("a")
	must(t, err)
	payload := make([]byte, appendSize)
	payload[0] = 1 // the writer that call 1 opens
	le.PutUint32(payload[16:], 1)
	one := frame(kindAppend, 2, string(payload)+string(body("a record")))
	talk := append(hello(), frame(kindCall, 1, `{"verb":"open","log":"a"}`)...)
	before := len(talk)
	talk = append(append(talk, one...), frame(kindRead, 3, `{"log":"a","from":"first","credit":1000000}`)...)
	appended := uint64(0)
	for n := range len(talk) + 1 {
		conn := connectRaw(t, v)
		_, err := conn.Write(talk[:n])
		must(t, err)
		if n >= before+len(one) {
			appended++
		}
		must(t, conn.(*net.UnixConn).CloseWrite()) // it still reads, so that the server need not notice before it has read all
		_, err = io.Copy(io.Discard, conn)
		must(t, err)
		must(t, conn.Close())
		settled(t, v, 1)
	}
	must(t, writer(t, c, "a").Flush(t.Context()))
	if info, err := l.Info(); err != nil || info.End != appended {
		t.Errorf("the log has %d records, want %d: %v", info.End, appended, err)
	}
}

// TestClientsThatVanish has clients append as fast as they can and end without reading what became of it, while another
// one appends and reads. Each batch is in the log as a whole or not at all, in its order.
func TestClientsThatVanish(t *testing.T) {
	store, v, c := serving(t)
	random := rand.New(rand.NewPCG(3, 4))
	must(t, c.Create(t.Context(), "mine", dlog.LogOptions{}))
	w := writer(t, c, "mine")
	for round := range 30 {
		name := fmt.Sprint("log", round)
		must(t, c.Create(t.Context(), name, dlog.LogOptions{}))
		conn := connectRaw(t, v)
		talk := append(hello(), frame(kindCall, 1, `{"verb":"open","log":"`+name+`"}`)...)
		for i := range 100 {
			payload := make([]byte, appendSize)
			payload[0] = 1
			le.PutUint64(payload[8:], uint64(i))
			le.PutUint32(payload[16:], 2)
			talk = append(talk, frame(kindAppend, uint64(i+2), string(payload)+string(body(strconv.Itoa(2*i), strconv.Itoa(2*i+1)+strings.Repeat("x", 500))))...)
		}
		_, _ = conn.Write(talk[:random.IntN(len(talk))])
		must(t, conn.Close())
		appendTo(t, w, int64(round), "x")
		settled(t, v, 1)
		l, err := store.Log(name)
		must(t, err)
		r, err := l.NewReader(dlog.First, dlog.ReadOptions{Uncommitted: true})
		must(t, err)
		for at := 0; ; {
			rec, err := r.TryNext(t.Context())
			if errors.Is(err, dlog.ErrEnd) {
				break
			}
			must(t, err)
			if rec.Count != 2 || rec.TxID != int64(at/2) {
				t.Fatalf("%s: %d records of transaction %d at %d", name, rec.Count, rec.TxID, at)
			}
			for _, b := range rec.All() {
				if got, _, _ := strings.Cut(string(b), "x"); got != strconv.Itoa(at) {
					t.Fatalf("%s: record %d is %q", name, at, got)
				}
				at++
			}
		}
		must(t, r.Close())
	}
	s := stream(t, c, "mine", dlog.First, ReadOptions{})
	for i := range 30 {
		if rec, err := s.Next(t.Context()); err != nil || rec.First != uint64(i) {
			t.Fatalf("%+v, %v", rec, err)
		}
	}
}

// TestStreamsEndWithTheirConnection ends a connection while a stream of it waits for more.
func TestStreamsEndWithTheirConnection(t *testing.T) {
	_, v, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	conn := connectRaw(t, v)
	_, err := conn.Write(append(hello(), frame(kindRead, 1, `{"log":"a","from":"last","credit":1000}`)...))
	must(t, err)
	var got []byte
	for b := make([]byte, 256); !bytes.Contains(got, frame(kindEnd, 1, "")); {
		n, err := conn.Read(b)
		must(t, err)
		got = append(got, b[:n]...)
	}
	must(t, conn.Close())
	settled(t, v, 1)
}

// TestSilentClients connects many times and says nothing, or half a hello: the server hangs up after a while.
func TestSilentClients(t *testing.T) {
	_, v, c := serving(t)
	v.patience.Store(int64(50 * time.Millisecond))
	for n := range 20 {
		conn := connectRaw(t, v)
		if _, err := conn.Write(hello()[:n]); err != nil && !errors.Is(err, syscall.EPIPE) { // it may have hung up already
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
	settled(t, v, 1)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{})) // who has said hello may be silent
}

// TestTooManyConnections takes all connections that there are, and asks for more. Those are told so, the others are served,
// and when some end there is room.
func TestTooManyConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("opens thousands of files")
	}
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	if limit.Cur < 3*maxConnections {
		t.Skipf("SKIPPED: %d files may be open, the test takes %d", limit.Cur, 3*maxConnections)
	}
	store, v, c := serving(t)
	must(t, c.Create(t.Context(), "a", dlog.LogOptions{}))
	v.patience.Store(int64(time.Hour))
	var held []net.Conn
	for range maxConnections - 1 {
		held = append(held, connectRaw(t, v))
	}
	settled(t, v, maxConnections)
	for range 10000 - maxConnections {
		conn := connectRaw(t, v)
		_, err := conn.Write(hello())
		must(t, err)
		answer, err := io.ReadAll(conn)
		must(t, err)
		if err := lastError(answer); !errors.Is(err, ErrTooMany) {
			t.Fatalf("one too many: %v", err)
		}
		must(t, conn.Close())
	}
	if _, err := Dial(t.Context(), store.Dir()); !errors.Is(err, ErrTooMany) {
		t.Errorf("Dial: %v", err)
	}
	appendTo(t, writer(t, c, "a"), 0, "x")
	for _, conn := range held[:10] {
		must(t, conn.Close())
	}
	settled(t, v, maxConnections-10)
	must(t, dial(t, store.Dir()).Delete(t.Context(), "a"))
}

// TestCloseDoesNotWait closes a stream and a writer of a client whose server has ceased to read.
func TestCloseDoesNotWait(t *testing.T) {
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	c := &Client{link: newLink(ours), calls: map[uint64]chan result{}, appends: map[uint64]*Future{}, streams: map[uint64]*Stream{}, maxBatch: 1 << 20}
	c.running.Go(c.write)
	s := &Stream{c: c, id: 1, window: 1 << 10, wake: make(chan struct{}, 1)}
	w := &Writer{c: c, id: 2}
	big := body(strings.Repeat("x", maxOut))
	_, err := w.Append(big, 1, 0, dlog.Disk)
	must(t, err)
	_, err = io.ReadFull(theirs, make([]byte, 1)) // it is being sent
	must(t, err)
	_, err = w.Append(big, 1, 0, dlog.Disk) // and no more may wait
	must(t, err)
	closed := make(chan error, 1)
	go func() {
		w.Close()
		closed <- s.Close()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), utmost)
	defer cancel()
	select {
	case err := <-closed:
		must(t, err)
	case <-ctx.Done():
		t.Error("Close waits for a server that does not read")
	}
	must(t, c.Close())
}

// FuzzSession gives anything to a server. It must neither fall nor hang, and serve others as before.
func FuzzSession(f *testing.F) {
	for _, b := range garbage {
		f.Add(b)
	}
	payload := make([]byte, appendSize)
	payload[0] = 1
	le.PutUint32(payload[16:], 1)
	good := append(hello(), frame(kindCall, 1, `{"verb":"open","log":"a"}`)...)
	good = append(good, frame(kindAppend, 2, string(payload)+string(body("x")))...)
	good = append(good, frame(kindRead, 3, `{"log":"a","from":"first","credit":100}`)...)
	good = append(good, frame(kindCredit, 3, "\x64\x00\x00\x00\x00\x00\x00\x00")...)
	good = append(good, frame(kindResume, 3, "\x01")...)
	for _, call := range []string{
		`{"verb":"fork","log":"a","name":"b"}`, `{"verb":"truncate","log":"a","offset":1}`, `{"verb":"rename","log":"b","name":"c"}`,
		`{"verb":"subscribe","log":"a","name":"s","from":"last"}`, `{"verb":"commit","log":"a","name":"s","offset":18446744073709551615}`,
		`{"verb":"seal","writer":1}`, `{"verb":"delete","log":"c"}`, `{"verb":"create","log":"d","options":{"Codec":9,"Retain":{"Age":-1}}}`,
	} {
		good = append(good, frame(kindCall, 4, call)...)
	}
	f.Add(append(good, frame(kindCancel, 3, "")...))
	store, _, err := dlog.Open(f.TempDir(), small)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.Close() })
	ctx, cancel := context.WithCancel(f.Context())
	f.Cleanup(cancel)
	v := &Server{store: store, ctx: ctx, cancel: cancel}
	v.patience.Store(int64(time.Second))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := store.Create("a", dlog.LogOptions{}); err != nil && !errors.Is(err, dlog.ErrExists) {
			t.Fatal(err)
		}
		ours, theirs := net.Pipe()
		s := newSession(v, theirs)
		ended := make(chan struct{}, 2)
		go func() { s.write(); ended <- struct{}{} }()
		go func() { s.run(); ended <- struct{}{} }()
		read := make(chan struct{})
		go func() { _, _ = io.Copy(io.Discard, ours); close(read) }()
		_, _ = ours.Write(b) // the server may have hung up
		_ = ours.Close()
		for range 2 {
			select {
			case <-ended:
			case <-time.After(utmost):
				t.Fatal("the session does not end")
			}
		}
		<-read
		if err := store.Err(); err != nil {
			t.Fatal(err)
		}
	})
}
