package dataplane

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ardea-stream/ardea/wire"
)

// opened starts the handshake of a link that was dialled; an accepted one waits for its hello.
func (lp *loop) opened(l *link) {
	lp.el = l.conn.EventLoop()
	if l.role == roleControl {
		return
	}
	lp.links[l] = struct{}{}
	_ = l.conn.SetWriteBuffer(socketBuffer) // best effort: the kernel's limits decide
	_ = l.conn.SetReadBuffer(socketBuffer)
	if l.dialled {
		lp.write(l, wire.AppendHello(nil, lp.hello(l)))
	}
}

// hello is what this manager says to a peer.
func (lp *loop) hello(l *link) wire.Hello {
	h := wire.Hello{
		Topology: lp.plan.Topology, Fingerprint: lp.plan.Fingerprint, Epoch: lp.plan.Epoch,
		Container: lp.here, Incarnation: lp.m.cfg.Incarnation, PID: lp.pid,
	}
	if secret := lp.m.cfg.Secret; secret != nil {
		l.nonce = make([]byte, wire.NonceSize)
		_, _ = rand.Read(l.nonce) // never fails
		h.Nonce = l.nonce
		h.Proof = wire.HelloProof(secret, &h, l.container)
	}
	return h
}

// handshake takes the first frame of a link.
func (lp *loop) handshake(l *link, h wire.Header, frame []byte) {
	body := frame[wire.HeaderSize:]
	switch {
	case l.dialled && h.Kind == wire.KindWelcome:
		lp.welcomed(l, body)
	case l.dialled && h.Kind == wire.KindError:
		lp.remoteError(l, body)
	case !l.dialled && h.Kind == wire.KindHello:
		hello, err := wire.ParseHello(body)
		if err != nil {
			lp.refuse(l, wire.CodeMalformed, err)
			return
		}
		if code, err := lp.checkHello(hello); err != nil {
			lp.refuse(l, code, err)
			return
		}
		if hello.Task != 0 {
			lp.helloInstance(l, hello)
		} else {
			lp.helloPeer(l, hello)
		}
	default:
		lp.refuse(l, wire.CodeUnexpected, &wire.FrameError{Header: h, Err: ErrUnexpected})
	}
}

// checkHello compares what both sides must agree on.
func (lp *loop) checkHello(h wire.Hello) (wire.Code, error) {
	switch {
	case h.Protocol != wire.Protocol:
		return wire.CodeProtocol, &HelloError{fmt.Sprintf("protocol version %d; this side speaks %d", h.Protocol, wire.Protocol)}
	case h.Topology != lp.plan.Topology:
		return wire.CodeTopology, &HelloError{fmt.Sprintf("topology %q does not run here", h.Topology)}
	case h.Fingerprint != lp.plan.Fingerprint:
		return wire.CodeTopology, &HelloError{fmt.Sprintf("plan fingerprint %#x is another: the programs differ", h.Fingerprint)}
	case h.Epoch != lp.plan.Epoch:
		return wire.CodeEpoch, &EpochError{Have: h.Epoch, Want: lp.plan.Epoch}
	}
	return 0, nil
}

// helloInstance accepts a task's link. The newest incarnation of a task wins:
// a link of the same or an older one that is still here is closed, and older ones
// are refused for good, also when the newest has ended its streams and hung up.
func (lp *loop) helloInstance(l *link, h wire.Hello) {
	if l.tcp {
		lp.refuse(l, wire.CodeUnknown, &HelloError{"tasks connect to the Unix socket of their container"})
		return
	}
	d := lp.dest(h.Task)
	if d == nil || !d.local {
		lp.refuse(l, wire.CodeUnknown, &HelloError{fmt.Sprintf("task %d does not belong to container %d", h.Task, lp.here)})
		return
	}
	if h.Incarnation < d.out.newest {
		lp.refuse(l, wire.CodeDuplicate, &HelloError{fmt.Sprintf("task %d has connected with incarnation %d, this is %d", h.Task, d.out.newest, h.Incarnation)})
		return
	}
	lp.replace(d.out, h.Incarnation)
	l.role, l.task = roleInstance, h.Task
	l.credit = lp.m.cfg.Credit
	l.blocked = lp.blockedFor(h.Task)
	lp.write(l, wire.AppendWelcome(nil, wire.Welcome{
		Epoch: lp.plan.Epoch, Credit: uint32(l.credit), Incarnation: lp.m.cfg.Incarnation,
	}))
	lp.log.Debug("task connected", slog.Uint64("task", uint64(h.Task)), slog.Uint64("pid", uint64(h.PID)))
	lp.clampNew(l)
	d.out.attach(lp, l, lp.m.cfg.Window)
}

// Why a link that is still open is taken from its outlet.
var (
	errReplaced = errors.New("dataplane: a newer link took its place")
	errClosed   = errors.New("dataplane: closed by this side")
)

// replace closes the link that an outlet has, if any, before a link of that incarnation takes its place.
func (lp *loop) replace(o *outlet, incarnation uint64) {
	o.newest = incarnation
	if old := o.link; old != nil {
		lp.detach(old, errReplaced)
		lp.close(old)
	}
}

// helloPeer accepts another stream manager's link. The lower container dials,
// so that two managers share one link.
func (lp *loop) helloPeer(l *link, h wire.Hello) {
	p := lp.peers[h.Container]
	if p == nil || h.Container > lp.here {
		lp.refuse(l, wire.CodeUnknown, &HelloError{fmt.Sprintf("container %d does not dial container %d", h.Container, lp.here)})
		return
	}
	secret := lp.m.cfg.Secret
	if secret != nil && !wire.SameProof(h.Proof, wire.HelloProof(secret, &h, lp.here)) {
		lp.refuse(l, wire.CodeSecret, &HelloError{fmt.Sprintf("container %d has not proved that it belongs to this run", h.Container)})
		return
	}
	if h.Incarnation < p.newest {
		lp.refuse(l, wire.CodeDuplicate, &HelloError{fmt.Sprintf("container %d has connected with incarnation %d, this is %d", h.Container, p.newest, h.Incarnation)})
		return
	}
	lp.replace(p, h.Incarnation)
	l.container = h.Container
	w := wire.Welcome{Epoch: lp.plan.Epoch, Credit: uint32(peerCredit), Incarnation: lp.m.cfg.Incarnation}
	if secret != nil {
		w.Proof = wire.WelcomeProof(secret, h.Nonce, lp.here)
	}
	lp.write(l, wire.AppendWelcome(nil, w))
	lp.joinPeer(l, p, 0) // it grants its credit in a frame of its own
}

// welcomed takes the answer of a peer that this side dialled.
func (lp *loop) welcomed(l *link, body []byte) {
	w, err := wire.ParseWelcome(body)
	if err != nil {
		lp.refuse(l, wire.CodeMalformed, err)
		return
	}
	if w.Epoch != lp.plan.Epoch {
		lp.refuse(l, wire.CodeEpoch, &EpochError{Have: w.Epoch, Want: lp.plan.Epoch})
		return
	}
	secret := lp.m.cfg.Secret
	if secret != nil && !wire.SameProof(w.Proof, wire.WelcomeProof(secret, l.nonce, l.container)) {
		lp.refuse(l, wire.CodeSecret, &HelloError{fmt.Sprintf("container %d has not proved that it belongs to this run", l.container)})
		return
	}
	p := lp.peers[l.container]
	lp.sendControl(l, wire.Header{Kind: wire.KindCredit, Count: uint32(peerCredit)})
	lp.joinPeer(l, p, int(w.Credit))
}

// joinPeer makes a link the one to its container and repeats what it must know.
func (lp *loop) joinPeer(l *link, p *outlet, window int) {
	l.role, l.credit = rolePeer, peerCredit
	lp.log.Debug("peer connected", slog.Uint64("container", uint64(l.container)))
	for _, d := range lp.dests {
		if d != nil && d.local && d.level > levelFree {
			lp.sendControl(l, wire.Header{Kind: wire.KindClamp, Dest: d.task, Count: uint32(d.level)})
		}
	}
	p.attach(lp, l, window)
}
