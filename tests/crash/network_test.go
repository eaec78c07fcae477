package crash

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/internal/netfault"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// halfOpenBound is within what time a link that swallows everything must be found.
const halfOpenBound = 5 * time.Second

// TestNetwork breaks the link between two containers in every way. Nothing may be lost.
func TestNetwork(t *testing.T) {
	leaktest.Check(t)
	for _, tc := range []struct {
		name   string
		damage func(n *network)
	}{
		{"reset", func(n *network) {
			for range n.times(3, 20) {
				n.proxy.Reset()
				n.flowing()
			}
		}},
		{"cut", func(n *network) {
			for range n.times(3, 20) {
				n.proxy.Cut()
				n.flowing()
			}
		}},
		{"half-open", func(n *network) {
			for range n.times(1, 5) {
				n.halfOpen()
			}
		}},
		{"one byte at a time", func(n *network) {
			n.proxy.Trickle(true)
			n.flowing()
			n.proxy.Reset() // a handshake must come through, too
			n.flowing()
			n.proxy.Trickle(false)
		}},
		{"stall", func(n *network) {
			for range n.times(2, 10) {
				n.proxy.Stall(500 * time.Millisecond)
				n.flowing()
			}
			if lost := n.linksLost(); lost > 0 {
				n.t.Errorf("%d links were given up", lost)
			}
		}},
		{"resets at ends of frames", func(n *network) {
			var points []netfault.Point
			for frames := range n.times(3, 24) {
				points = append(points, netfault.Point{Frames: frames}, netfault.Point{Frames: frames, Down: true})
			}
			n.breakAt(points)
		}},
		{"resets inside frames", func(n *network) {
			var points []netfault.Point
			for k := range n.times(3, 24) {
				// Inside headers and bodies, of the handshake and of what follows.
				points = append(points, netfault.Point{Frames: k % 5, Bytes: 1 + k*(wire.HeaderSize-2)/24},
					netfault.Point{Frames: 2 + k%7, Bytes: wire.HeaderSize + 1 + 97*k, Down: k%2 > 0})
			}
			n.breakAt(points)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if testing.Short() && tc.name == "half-open" {
				t.Skip("takes five seconds")
			}
			n := newNetwork(t)
			n.flowing()
			tc.damage(n)
			n.flowing()
			n.end()
		})
	}
}

// network is a topology in two containers with a proxy between them, in this process.
type network struct {
	run // without a cluster

	proxy    *netfault.Proxy
	managers []*dataplane.Manager
	started  []*instance.Instance
	tasks    sync.WaitGroup
	others   sync.WaitGroup
	stop     context.CancelFunc // of the stream managers
	mu       sync.Mutex
	faults   []error
}

// newNetwork starts the stream managers and the tasks.
func newNetwork(t *testing.T) *network {
	t.Helper()
	s := &spec{Kind: "chain", Rate: pacedRate, Payload: 100, Hold: 1, Timeout: *messages, Retries: 100, Dir: t.TempDir()}
	topo, err := s.build()
	if err != nil {
		t.Fatal(err)
	}
	l := plan.NewLogical(topo)
	addresses := freeAddresses(t, 2)
	sockets := t.TempDir()
	place := func(id uint32) (socket, address string) {
		return filepath.Join(sockets, strconv.Itoa(int(id))), addresses[id-1]
	}
	there := plan.New(l, plan.PackRoundRobin(l, 2), 1, 1, place)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	n := &network{run: run{t: t, spec: s, plan: there}, stop: stop}
	if n.proxy, err = netfault.Listen(ctx, addresses[1]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.proxy.Close)
	// Container 1 dials container 2, so it alone must take the proxy for it.
	dialling := there.Addresses(func(id uint32) (socket, address string) {
		socket, address = place(id)
		if id == 2 {
			address = n.proxy.Addr()
		}
		return socket, address
	})
	n.startManagers(ctx, []*plan.Plan{dialling, there})
	n.startTasks(ctx, topo, there)
	return n
}

func (n *network) startManagers(ctx context.Context, plans []*plan.Plan) {
	n.t.Helper()
	for i, p := range plans {
		m, err := dataplane.New(dataplane.Config{Plan: p, Container: uint32(i + 1), Incarnation: 1, Secret: []byte("secret")})
		if err != nil {
			n.t.Fatal(err)
		}
		n.managers = append(n.managers, m)
		n.others.Go(func() { n.note(m.Run(ctx)) })
		select {
		case <-m.Ready():
		case <-time.After(*patience):
			n.t.Fatal("a stream manager does not start")
		}
	}
}

func (n *network) startTasks(ctx context.Context, topo *topology.Topology, p *plan.Plan) {
	n.t.Helper()
	for task := range uint32(p.TaskCount()) {
		in, err := instance.New(instance.Config{Plan: p, Topology: topo, Task: task + 1, Incarnation: 1})
		if err != nil {
			n.t.Fatal(err)
		}
		n.started = append(n.started, in)
		n.tasks.Go(func() { n.note(in.Run(ctx)) })
	}
}

func (n *network) note(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.faults = append(n.faults, err)
	}
}

// freeAddresses returns addresses of this machine that were free just now.
func freeAddresses(t *testing.T, n int) (addresses []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

// flowing waits until tuples that are emitted from now on have come over the
// link, from a spout in one container to a leaf in the other, both ways. Leaves
// record tuples one by one here, and their index is that of their container.
func (n *network) flowing() {
	n.t.Helper()
	n.arriving(func(name string, b block) bool {
		over := false
		b.each(func(word uint64) {
			from := word << (64 - wayBits) >> (64 - wayBits) >> idBits
			over = over || !strings.HasPrefix(name, fmt.Sprintf("leaf_%s_%d_", leafName, from))
		})
		return over
	})
}

// end lets the topology end and checks what came of it.
func (n *network) end() {
	n.t.Helper()
	lost := n.linksLost()
	n.run.stop()
	ended := make(chan struct{})
	go func() {
		n.tasks.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(*stall):
		n.t.Errorf("the tasks do not end: stream managers say %+v and %+v", n.managers[0].Metrics(), n.managers[1].Metrics())
	}
	n.stop()
	<-ended
	n.others.Wait()
	n.proxy.Close()
	if err := errors.Join(n.faults...); err != nil {
		n.t.Error(err)
	}
	v, _ := n.judged()
	if v.failed > 0 {
		n.t.Errorf("%d tuples were given up", v.failed)
	}
	late := int64(0)
	for _, in := range n.started {
		late += in.Metrics().TimedOut
	}
	n.toldOf(late)
	n.t.Logf("%d links lost; %d tuples, %d lost, %d duplicates", lost, v.emitted, v.lost, v.duplicates)
}

// times is how often something is done: seldom or, in a thorough run, often.
func (*network) times(few, many int) int {
	switch {
	case *thorough:
		return many
	case testing.Short():
		return 1
	default:
		return few
	}
}

// linksLost sums what both stream managers say.
func (n *network) linksLost() (sum uint64) {
	for _, m := range n.managers {
		sum += m.Metrics().LinksLost
	}
	return sum
}

// breakAt breaks one connection after the other.
func (n *network) breakAt(points []netfault.Point) {
	n.t.Helper()
	n.proxy.BreakAt(points...)
	n.proxy.Reset()
	for i := range points {
		until(n.t, fmt.Sprintf("a reset at %+v", points[i]), func() bool { return n.proxy.Broken() > i })
	}
}

// halfOpen swallows everything until both stream managers have found that out.
func (n *network) halfOpen() {
	n.t.Helper()
	before := []uint64{n.managers[0].Metrics().LinksLost, n.managers[1].Metrics().LinksLost}
	began := time.Now()
	n.proxy.Swallow()
	for i, m := range n.managers {
		until(n.t, "the end of a half-open link", func() bool { return m.Metrics().LinksLost > before[i] })
		took := time.Since(began)
		n.t.Logf("container %d found out after %v", i+1, took.Round(time.Millisecond))
		if took > halfOpenBound {
			note := fmt.Sprintf("a half-open link was found after %v, more than %v", took, halfOpenBound)
			if *strict {
				n.t.Error(note)
			} else {
				n.t.Log("NOTE:", note)
			}
		}
	}
	n.flowing()
}
