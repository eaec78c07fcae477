package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// Tasks of the plan that the rogue tests run: two spouts and a bolt of two tasks.
const (
	rogueTask = 1
	goodTask  = 2
	firstBolt = 3
	bolts     = 2

	goodTuples = 5_000
)

// cluster is a topology that a test puts together by hand, to play one of its
// parts itself.
type cluster struct {
	t        *testing.T
	plan     *plan.Plan
	topology *topology.Topology
	managers map[uint32]*dataplane.Manager
	tasks    map[uint32]*instance.Instance
	stop     func()         // stops everything
	ends     sync.WaitGroup // of the tasks
}

// newCluster places the tasks as packing says and runs everything but what play names.
func newCluster(t *testing.T, mode string, packing [][]uint32, playContainer uint32) *cluster {
	t.Helper()
	b := topology.NewBuilder("rogue")
	b.Spout("rogue", func() topology.Spout { return nil }, topology.Output("n", "text"))
	b.Spout("good", func() topology.Spout { return &counter{end: goodTuples, text: []byte("text")} }, topology.Output("n", "text"))
	b.Bolt("count", func() topology.Bolt { return &tally{} }, topology.Parallelism(bolts),
		topology.Fields("rogue", "n"), topology.Fields("good", "n"))
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := &cluster{t: t, topology: topo, managers: map[uint32]*dataplane.Manager{}, tasks: map[uint32]*instance.Instance{}}
	c.plan = plan.New(plan.NewLogical(topo), packing, 3, 4, func(id uint32) (string, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return filepath.Join(dir, fmt.Sprintf("c%d", id)), l.Addr().String()
	})
	ctx, cancel := context.WithCancel(t.Context())
	c.stop = cancel
	var managers sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		c.ends.Wait()
		managers.Wait()
	})
	m, err := dataplane.ParseMode(mode)
	if err != nil {
		t.Fatal(err)
	}
	for _, container := range c.plan.Containers {
		if container.ID == playContainer {
			continue
		}
		mgr, err := dataplane.New(dataplane.Config{Plan: c.plan, Container: container.ID, Mode: m, Incarnation: 1})
		if err != nil {
			t.Fatal(err)
		}
		c.managers[container.ID] = mgr
		managers.Go(func() {
			if err := mgr.Run(ctx); err != nil {
				t.Errorf("stream manager %d: %v", container.ID, err)
			}
		})
		<-mgr.Ready()
	}
	for task := uint32(goodTask); task < firstBolt+bolts; task++ {
		in, err := instance.New(instance.Config{Plan: c.plan, Topology: topo, Task: task, Incarnation: 1})
		if err != nil {
			t.Fatal(err)
		}
		c.tasks[task] = in
		c.ends.Go(func() {
			if err := in.Run(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("task %d: %v", task, err)
			}
		})
	}
	return c
}

// tally is a bolt that looks at every tuple and does nothing.
type tally struct{}

// Open does nothing.
func (tally) Open(context.Context, *topology.Task, *topology.Collector) error { return nil }

// Execute reads the number.
func (tally) Execute(t *topology.Tuple) error {
	_, err := t.Int(0)
	return err
}

// Close does nothing.
func (tally) Close() error { return nil }

// checkReceived waits for all tasks to end and checks that the bolts have
// received everything, once. forged is how many records there were in frames
// that were refused: those before the fault may have been passed on.
func (c *cluster) checkReceived(rogueTuples, forged int) {
	c.t.Helper()
	hang := time.AfterFunc(3*patience, func() {
		c.t.Error("the tasks do not end")
		c.stop()
	})
	c.ends.Wait()
	hang.Stop()
	got := 0
	for task := uint32(firstBolt); task < firstBolt+bolts; task++ {
		m := c.tasks[task].Metrics()
		got += int(m.Received)
		if m.Errors != 0 || m.Reconnects != 0 {
			c.t.Errorf("task %d: %d errors, %d reconnects: %s", task, m.Errors, m.Reconnects, m.LastError)
		}
	}
	if want := rogueTuples + goodTuples; got < want || got > want+forged {
		c.t.Errorf("the bolts have received %d tuples, want %d and at most %d forged ones", got, want, forged)
	}
	for id, m := range c.managers {
		if n := m.Metrics().Dropped; n != 0 {
			c.t.Errorf("stream manager %d dropped %d tuples", id, n)
		}
	}
}

// stream returns the index of the rogue task's stream.
func (c *cluster) stream() uint16 { return c.plan.Components[0].Outputs[0] }

// batch returns n records of the rogue task's stream, all with keys of one bolt task.
func (c *cluster) batch(n int, bolt uint32) []byte { return c.batchOf(n, bolt, []byte("text")) }

// batchOf is batch with the text that every record holds.
func (c *cluster) batchOf(n int, bolt uint32, words []byte) []byte {
	var body []byte
	owners := router.NewOwners(bolts)
	text := topology.StringBytes(words)
	for number := int64(0); n > 0; number++ {
		key := topology.Int(number)
		values := wire.AppendValue(nil, &key)
		hash := router.Hash(c.plan.Seed, values)
		if owners.Of(hash) != int(bolt-firstBolt) {
			continue
		}
		n--
		values = wire.AppendValue(values, &text)
		body = wire.AppendRecordHeader(body, wire.KeyHashSize+len(values))
		at := len(body)
		body = append(wire.AppendKeyHashes(body, 1), values...)
		wire.PutKeyHash(body[at:], 0, hash)
	}
	return body
}

// frame returns a data frame of the rogue task after some change to its header.
func (c *cluster) frame(body []byte, count, dest uint32, change func(*wire.Header)) []byte {
	h := wire.Header{
		Length: uint32(len(body)), Kind: wire.KindData, Flags: wire.FlagKeyed, Stream: c.stream(),
		Source: rogueTask, Dest: dest, Count: count, Epoch: c.plan.Epoch,
	}
	if change != nil {
		change(&h)
	}
	return append(wire.AppendHeader(nil, h), body...)
}

// join dials as the rogue and says hello, to be welcomed.
func (c *cluster) join(network, address string, hello wire.Hello) net.Conn {
	c.t.Helper()
	hello.Topology, hello.Fingerprint, hello.Epoch = c.plan.Topology, c.plan.Fingerprint, c.plan.Epoch
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	welcome := make([]byte, wire.HeaderSize)
	_, err1 := conn.Write(wire.AppendHello(nil, hello))
	err2 := conn.SetDeadline(time.Now().Add(patience))
	_, err3 := io.ReadFull(conn, welcome)
	if err := errors.Join(err1, err2, err3); err != nil {
		c.t.Fatal(err)
	}
	h, err := wire.ParseHeader(welcome)
	if err != nil || h.Kind != wire.KindWelcome {
		c.t.Fatalf("the answer to the hello is %v, %v", h.Kind, err)
	}
	if _, err := io.CopyN(io.Discard, conn, int64(h.Length)); err != nil {
		c.t.Fatal(err)
	}
	return conn
}

// refused reads to the end of a connection and returns the code of the last error frame.
func refused(t *testing.T, conn net.Conn) wire.Code {
	t.Helper()
	all, err := io.ReadAll(conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("the connection was not closed")
	}
	for len(all) >= wire.HeaderSize {
		h, err := wire.ParseHeader(all)
		if err != nil {
			t.Fatal(err)
		}
		all = all[wire.HeaderSize:]
		if h.Kind == wire.KindError {
			remote, err := wire.ParseError(all[:h.Length])
			if err != nil {
				t.Fatal(err)
			}
			return remote.Code
		}
		all = all[h.Length:]
	}
	return 0
}

// crime is what a member of the topology sends that it must not.
type crime struct {
	name  string
	bytes []byte
	code  wire.Code // 0 = it hangs up
}

// crimes are common to tasks and stream managers. dest is where good frames go, 0 to be routed.
func (c *cluster) crimes(dest uint32) []crime {
	one := c.batch(1, firstBolt)
	control := func(kind wire.Kind, length uint32) []byte {
		return wire.AppendHeader(nil, wire.Header{Kind: kind, Length: length, Epoch: c.plan.Epoch})
	}
	return []crime{
		{"another epoch", c.frame(one, 1, dest, func(h *wire.Header) { h.Epoch++ }), wire.CodeEpoch},
		{"no kind", c.frame(one, 1, dest, func(h *wire.Header) { h.Kind = 0 }), wire.CodeMalformed},
		{"unknown flags", c.frame(one, 1, dest, func(h *wire.Header) { h.Flags |= 0x40 | 0x80 }), wire.CodeMalformed},
		{"length above the limit", c.frame(nil, 1, dest, func(h *wire.Header) { h.Length = wire.MaxBody + 1 }), wire.CodeMalformed},
		{"compressed", c.frame(one, 1, dest, func(h *wire.Header) { h.Flags |= wire.CodecS2 }), wire.CodeUnexpected},
		{"source that nobody is", c.frame(one, 1, dest, func(h *wire.Header) { h.Source = 1 << 20 }), wire.CodeRoute},
		{"stream that nobody has", c.frame(one, 1, dest, func(h *wire.Header) { h.Stream = 999 }), wire.CodeRoute},
		{"stream of another component", c.frame(one, 1, dest, func(h *wire.Header) { h.Stream = c.plan.Components[1].Outputs[0] }), wire.CodeRoute},
		{"destination that nobody is", c.frame(one, 1, 1<<20, nil), wire.CodeRoute},
		{"destination that is a spout", c.frame(one, 1, goodTask, nil), wire.CodeRoute},
		{"body that is no records", c.frame([]byte{1, 2, 3}, 1, dest, nil), wire.CodeMalformed},
		{"record cut short", c.frame(one[:len(one)-1], 1, dest, nil), wire.CodeMalformed},
		{"fewer records than counted", c.frame(one, 2, dest, nil), wire.CodeMalformed},
		{"more records than counted", c.frame(append(slices.Clip(one), one...), 1, dest, nil), wire.CodeMalformed},
		{"second hello", wire.AppendHello(nil, wire.Hello{Epoch: c.plan.Epoch}), wire.CodeUnexpected},
		{"welcome", control(wire.KindWelcome, 0), wire.CodeUnexpected},
		{"credit for more than was sent", wire.AppendHeader(nil, wire.Header{Kind: wire.KindCredit, Count: 1 << 30, Epoch: c.plan.Epoch}), wire.CodeCredit},
		{"long control frame", control(wire.KindPing, wire.MaxControlBody+1), wire.CodeMalformed},
		{"end of another's stream", c.frame(nil, 0, dest, func(h *wire.Header) { h.Kind, h.Flags, h.Stream = wire.KindEnd, 0, 999 }), wire.CodeRoute},
		{"half a frame", c.frame(one, 1, dest, nil)[:30], 0},
	}
}

// TestRogueTask plays a task that breaks every rule, each after good tuples
// and on a link of its own. The good tuples count, and no other link breaks.
func TestRogueTask(t *testing.T) {
	for _, mode := range dataplane.Modes {
		t.Run(mode, func(t *testing.T) {
			leaktest.Check(t)
			c := newCluster(t, mode, [][]uint32{{rogueTask, firstBolt}, {goodTask, firstBolt + 1}}, 0)
			const many = 3 // records that are more than the credit
			large := c.batchOf(many, firstBolt, bytes.Repeat([]byte("x"), dataplane.DefaultCredit/2))
			greedy := c.frame(large, many, 0, nil)
			one := c.batch(1, firstBolt)
			crimes := append(c.crimes(0),
				crime{"no key hash", c.frame([]byte{0x0a, 2, 0x22, 0}, 1, 0, nil), wire.CodeMalformed},
				crime{"record with a field cut short", c.frame([]byte{0x0a, 3, 0x22, 9, 0}, 1, 0, nil), wire.CodeMalformed},
				crime{"source that is another", c.frame(one, 1, 0, func(h *wire.Header) { h.Source = goodTask }), wire.CodeRoute},
				crime{"destination chosen without direct grouping", c.frame(one, 1, firstBolt, nil), wire.CodeRoute},
				crime{"too much", append(greedy, c.frame(one, 1, 0, nil)...), wire.CodeCredit})
			sent, incarnation := 0, uint64(0)
			dial := func() net.Conn {
				incarnation++
				conn := c.join("unix", c.plan.Containers[0].Socket, wire.Hello{Task: rogueTask, Incarnation: incarnation})
				c.write(conn, c.frame(append(c.batch(10, firstBolt), c.batch(5, firstBolt+1)...), 15, 0, nil))
				sent += 15
				return conn
			}
			want := map[string]uint64{}
			for _, crime := range crimes {
				c.commit(crime, dial(), want)
			}
			sent += many // the greedy frame itself was within the rules
			conn := dial()
			c.write(conn, c.frame(nil, 0, 0, func(h *wire.Header) { h.Kind, h.Flags = wire.KindEnd, 0 }))
			c.checkReceived(sent, len(crimes))
			_ = conn.(*net.UnixConn).CloseWrite()
			c.checkRefused(c.managers[1], want)
		})
	}
}

// TestRogueManager plays the stream manager of a container. Only the optimized
// mode speaks the wire format between stream managers; the others, as Heron
// did, wrap it once more.
func TestRogueManager(t *testing.T) {
	leaktest.Check(t)
	c := newCluster(t, "optimized", [][]uint32{{rogueTask}, {goodTask, firstBolt}, {firstBolt + 1}}, 1)
	crimes := append(c.crimes(firstBolt),
		crime{"source of the other's container", c.frame(c.batch(1, firstBolt), 1, firstBolt, func(h *wire.Header) { h.Source = goodTask }), wire.CodeRoute},
		crime{"destination of a third container", c.frame(c.batch(1, firstBolt), 1, firstBolt+1, nil), wire.CodeRoute},
		crime{"no destination", c.frame(c.batch(1, firstBolt), 1, 0, nil), wire.CodeRoute})
	sent, incarnation := 0, uint64(0)
	dial := func(container int, bolt uint32) net.Conn {
		incarnation++
		conn := c.join("tcp", c.plan.Containers[container-1].Address, wire.Hello{Container: 1, Incarnation: incarnation})
		c.write(conn, c.frame(c.batch(10, bolt), 10, bolt, nil))
		sent += 10
		return conn
	}
	want := map[string]uint64{}
	for _, crime := range crimes {
		c.commit(crime, dial(2, firstBolt), want)
	}
	end := func(h *wire.Header) { h.Kind, h.Flags = wire.KindEnd, 0 }
	c.write(dial(2, firstBolt), c.frame(nil, 0, firstBolt, end))
	c.write(dial(3, firstBolt+1), c.frame(nil, 0, firstBolt+1, end))
	c.checkReceived(sent, len(crimes))
	c.checkRefused(c.managers[2], want)
}

func (c *cluster) write(conn net.Conn, b []byte) {
	c.t.Helper()
	if _, err := conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// commit sends what is forbidden and waits for the refusal, which it adds to want.
func (c *cluster) commit(crime crime, conn net.Conn, want map[string]uint64) {
	c.t.Helper()
	_, _ = conn.Write(crime.bytes) // the other side may have closed before the end
	if crime.code == 0 {
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	} else {
		want[crime.code.String()]++
	}
	if code := refused(c.t, conn); code != crime.code {
		c.t.Errorf("%s: refused with %v, want %v", crime.name, code, crime.code)
	}
}

func (c *cluster) checkRefused(m *dataplane.Manager, want map[string]uint64) {
	c.t.Helper()
	have := m.Metrics().Refused
	for code, n := range want {
		if have[code] != n {
			c.t.Errorf("%d links were refused as %s, want %d", have[code], code, n)
		}
	}
}
