package dataplane

import (
	"bytes"
	"net"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

var testSecret = bytes.Repeat([]byte{7}, 32)

// TestAcceptedPeerMustProveTheSecret dials container 2 as container 1 does.
func TestAcceptedPeerMustProveTheSecret(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 2, topology.Fields("words", "word"))
	m := startManager(t, Config{Plan: p, Container: 2, Secret: testSecret})
	good := wire.Hello{
		Topology: p.Topology, Fingerprint: p.Fingerprint, Epoch: p.Epoch, Container: 1, Incarnation: 1,
		Nonce: bytes.Repeat([]byte{1}, wire.NonceSize),
	}
	cases := []struct {
		name   string
		change func(*wire.Hello)
	}{
		{"none", func(h *wire.Hello) { h.Proof = nil }},
		{"empty", func(h *wire.Hello) { h.Proof = []byte{} }},
		{"cut", func(h *wire.Hello) { h.Proof = h.Proof[:31] }},
		{"of another secret", func(h *wire.Hello) { h.Proof = wire.HelloProof(testSecret[:31], h, 2) }},
		{"for another container", func(h *wire.Hello) { h.Proof = wire.HelloProof(testSecret, h, 3) }},
		{"of another incarnation", func(h *wire.Hello) { h.Incarnation++ }},
		{"with another nonce", func(h *wire.Hello) { h.Nonce = h.Nonce[1:] }},
		{"of a welcome", func(h *wire.Hello) { h.Proof = wire.WelcomeProof(testSecret, h.Nonce, 1) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := good
			h.Proof = wire.HelloProof(testSecret, &h, 2)
			c.change(&h)
			raw := dialRaw(t, p, "tcp", p.Containers[1].Address)
			raw.write(wire.AppendHello(nil, h))
			if got := raw.refused(); got.Code != wire.CodeSecret {
				t.Errorf("refused with %v, want %v", got, wire.CodeSecret)
			}
		})
	}
	if n := m.Metrics().Refused[wire.CodeSecret.String()]; n != uint64(len(cases)) {
		t.Errorf("%d refusals are counted, want %d", n, len(cases))
	}
	h := good
	h.Proof = wire.HelloProof(testSecret, &h, 2)
	raw := dialRaw(t, p, "tcp", p.Containers[1].Address)
	raw.write(wire.AppendHello(nil, h))
	answer, body := raw.read()
	w, err := wire.ParseWelcome(body)
	if answer.Kind != wire.KindWelcome || err != nil || !wire.SameProof(w.Proof, wire.WelcomeProof(testSecret, h.Nonce, 2)) {
		t.Errorf("the right proof is answered by %v, %+v, %v", answer.Kind, w, err)
	}
}

// TestDialledPeerMustProveTheSecret plays a program that has taken container 2's address.
func TestDialledPeerMustProveTheSecret(t *testing.T) {
	leaktest.Check(t)
	p := testPlan(t, 1, 2, topology.Fields("words", "word"))
	listener, err := net.Listen("tcp", p.Containers[1].Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	startManager(t, Config{Plan: p, Container: 1, Secret: testSecret})
	accept := func() (peer *testTask, hello wire.Hello) {
		c, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		peer = &testTask{t: t, conn: c, plan: p}
		_, body := peer.read()
		if hello, err = wire.ParseHello(body); err != nil {
			t.Fatal(err)
		}
		return peer, hello
	}
	peer, hello := accept()
	if !wire.SameProof(hello.Proof, wire.HelloProof(testSecret, &hello, 2)) {
		t.Error("the hello proves nothing")
	}
	peer.write(wire.AppendWelcome(nil, wire.Welcome{Epoch: p.Epoch, Credit: 1 << 20, Proof: hello.Proof}))
	if got := peer.refused(); got.Code != wire.CodeSecret {
		t.Errorf("refused with %v, want %v", got, wire.CodeSecret)
	}
	peer, again := accept()
	if bytes.Equal(hello.Nonce, again.Nonce) {
		t.Error("a nonce was used twice")
	}
	peer.write(wire.AppendWelcome(nil, wire.Welcome{
		Epoch: p.Epoch, Credit: 1 << 20, Proof: wire.WelcomeProof(testSecret, again.Nonce, 2),
	}))
	if h, _ := peer.read(); h.Kind != wire.KindCredit {
		t.Errorf("the right proof is answered by %v, want credit", h.Kind)
	}
}
