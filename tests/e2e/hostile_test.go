package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/examples/randomwords"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/wire"
)

// patience bounds what a peer of a test may take; it only ends tests that would hang.
const patience = time.Minute

// stranger is what somebody who does not belong to the topology sends to a socket.
type stranger struct {
	name  string
	bytes []byte
	code  wire.Code // of the error frame that must answer; 0 = none, the sender hangs up
}

// strangers returns what is sent to a socket of a container.
func strangers(p *plan.Plan, c *plan.Container, network string, r *rand.Rand) []stranger {
	foreign := uint32(0) // a task of another container
	for _, other := range p.Containers {
		if other.ID != c.ID {
			foreign = other.Tasks[0]
		}
	}
	good := wire.Hello{Topology: p.Topology, Fingerprint: p.Fingerprint, Epoch: p.Epoch, Task: c.Tasks[0]}
	hello := func(change func(*wire.Hello)) []byte {
		h := good
		change(&h)
		return wire.AppendHello(nil, h)
	}
	header := func(h wire.Header) []byte {
		h.Epoch = p.Epoch
		return wire.AppendHeader(nil, h)
	}
	random := make([]byte, wire.HeaderSize+r.IntN(4<<10))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	random[4] = 0 // no kind
	mangled := hello(func(h *wire.Hello) { h.Fingerprint ^= r.Uint64() | 1 })
	mangled[wire.HeaderSize+r.IntN(len(mangled)-wire.HeaderSize)] ^= 0xff
	older := wire.CodeDuplicate
	if network == "tcp" {
		older = wire.CodeUnknown // tasks connect to the Unix socket only
	}
	return []stranger{
		{"nothing", nil, 0},
		{"half a header", hello(func(*wire.Hello) {})[:wire.HeaderSize/2], 0},
		{"half a hello", hello(func(*wire.Hello) {})[:wire.HeaderSize+3], 0},
		{"random bytes", random, wire.CodeMalformed},
		{"text", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), wire.CodeMalformed},
		{"length above the limit", header(wire.Header{Kind: wire.KindData, Length: wire.MaxBody + 1}), wire.CodeMalformed},
		{"long hello", header(wire.Header{Kind: wire.KindHello, Length: wire.MaxControlBody + 1}), wire.CodeMalformed},
		{"unknown flags", header(wire.Header{Kind: wire.KindHello, Flags: 0x80}), wire.CodeMalformed},
		{"hello that is no message", append(header(wire.Header{Kind: wire.KindHello, Length: 3}), 0xff, 0xff, 0xff), wire.CodeMalformed},
		{"empty hello", header(wire.Header{Kind: wire.KindHello}), wire.CodeProtocol},
		{"data before hello", header(wire.Header{Kind: wire.KindData, Source: c.Tasks[0]}), wire.CodeUnexpected},
		{"large data before hello", header(wire.Header{Kind: wire.KindData, Length: wire.MaxBody}), wire.CodeUnexpected},
		{"end before hello", header(wire.Header{Kind: wire.KindEnd, Source: c.Tasks[0]}), wire.CodeUnexpected},
		{"clamp before hello", header(wire.Header{Kind: wire.KindClamp, Dest: c.Tasks[0], Count: 2}), wire.CodeUnexpected},
		{"another topology", hello(func(h *wire.Hello) { h.Topology = "other" }), wire.CodeTopology},
		{"another fingerprint", hello(func(h *wire.Hello) { h.Fingerprint++ }), wire.CodeTopology},
		{"another epoch", hello(func(h *wire.Hello) { h.Epoch++ }), wire.CodeEpoch},
		{"task of another container", hello(func(h *wire.Hello) { h.Task = foreign }), wire.CodeUnknown},
		{"task that nobody has", hello(func(h *wire.Hello) { h.Task = 1 << 30 }), wire.CodeUnknown},
		{"container that nobody has", hello(func(h *wire.Hello) { h.Task, h.Container = 0, 99 }), wire.CodeUnknown},
		{"older incarnation of a task", hello(func(*wire.Hello) {}), older},
		{"mangled hello", mangled, 0},
	}
}

// call sends the bytes, hangs up if no answer is due, and returns the code of
// the error frame that came before the end, 0 if none did.
func (s stranger) call(network, address string) (wire.Code, error) {
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	// The other side may have closed before everything is written.
	_, _ = conn.Write(s.bytes)
	if s.code == 0 {
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	}
	return readRefusal(conn)
}

// readRefusal reads to the end of a connection and returns the code of the error frame in it.
func readRefusal(conn net.Conn) (wire.Code, error) {
	answer, err := io.ReadAll(conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return 0, err
	}
	if len(answer) == 0 {
		return 0, nil
	}
	h, err := wire.ParseHeader(answer)
	if err != nil || h.Kind != wire.KindError {
		return 0, errors.Join(err, errors.New("the answer is "+h.Kind.String()))
	}
	remote, err := wire.ParseError(answer[wire.HeaderSize:])
	if err != nil {
		return 0, err
	}
	return remote.Code, nil
}

// TestStrangers connects to all sockets of a running topology and sends what
// must be refused. The sender learns why, it is counted, and nobody else notices.
func TestStrangers(t *testing.T) {
	leaktest.Check(t)
	const rounds = 5
	c := start(t, spec{Kind: "randomwords", Random: randomwords.Options{Words: 1000, Spouts: 2, Bolts: 2}},
		local.Options{Containers: 2, Stderr: io.Discard})
	until(t, c, "the first words", func(s *local.Sample) bool { return task(t, s, "count").Metrics.Received > 0 })
	r := rand.New(rand.NewPCG(*flagSeed, 0))
	refused := map[uint32]map[string]uint64{}
	for range rounds {
		for _, container := range c.Plan().Containers {
			counts := refused[container.ID]
			if counts == nil {
				counts = map[string]uint64{}
				refused[container.ID] = counts
			}
			for network, address := range map[string]string{"unix": container.Socket, "tcp": container.Address} {
				for _, s := range strangers(c.Plan(), &container, network, r) {
					code, err := s.call(network, address)
					if err != nil || s.code != 0 && code != s.code {
						t.Errorf("%s by %s: refused with %v, %v; want %v", s.name, network, code, err, s.code)
					}
					if code != 0 {
						counts[code.String()]++
					}
				}
			}
		}
	}
	now, err := c.Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range refused {
		m := manager(t, now, id)
		for code, n := range want {
			// More may come: a run of another test may still dial a port that it has had before.
			if m.Refused[code] < n {
				t.Errorf("stream manager %d counts %d links refused as %s, want %d at least", id, m.Refused[code], code, n)
			}
		}
		if m.Dropped != 0 || m.LinksLost != 0 {
			t.Errorf("stream manager %d dropped %d tuples and lost %d links", id, m.Dropped, m.LinksLost)
		}
	}
	c.Drain()
	res := wait(t, c)
	for _, ts := range res.Sample.Tasks() {
		if ts.Metrics.Reconnects != 0 || ts.Metrics.Errors != 0 {
			t.Errorf("task %d: %d reconnects, errors: %s", ts.Task, ts.Metrics.Reconnects, ts.Metrics.LastError)
		}
	}
	checkTallies(t, res)
}

// checkTallies checks that the words that were sent are those that were counted.
func checkTallies(t *testing.T, r *local.Result) {
	t.Helper()
	var sent, counted uint64
	for _, ts := range r.Sample.Tasks() {
		var tally randomwords.Tally
		if err := json.Unmarshal(r.Published[randomwords.TallyName][ts.Task], &tally); err != nil {
			t.Errorf("task %d of %s published no tally: %v", ts.Task, ts.Component, err)
		}
		if ts.Spout {
			sent += tally.Words
		} else {
			counted += tally.Words
		}
	}
	if sent != counted || sent == 0 {
		t.Errorf("%d words were sent, %d counted", sent, counted)
	}
}
