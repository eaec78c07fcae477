package instance

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// letterStream is the index of the spout's dead letters in trackedTopology.
const letterStream = 1

// counted is a spout that is an Acker: it emits the numbers below limit as words,
// with themselves as ids, and then returns then for ever.
type counted struct {
	limit, next uint64
	then        error
	out         *topology.Collector
	told        chan string // what the engine calls
	failures    chan *topology.Failure
	onAck       func(id uint64)
}

func newCounted(limit uint64, then error) *counted {
	return &counted{limit: limit, then: then, told: make(chan string, 1<<16), failures: make(chan *topology.Failure, 1<<10)}
}

func (c *counted) spout() *userSpout {
	return &userSpout{next: func(out *topology.Collector) error {
		c.out = out
		if c.next >= c.limit {
			return c.then
		}
		c.next++
		return c.emit(c.next - 1)
	}}
}

func (c *counted) emit(id uint64) error {
	return c.out.EmitID(id, topology.String(strconv.FormatUint(id, 10)))
}

// acking is the spout without replays.
type acking struct {
	*userSpout
	*counted
}

func (a acking) Ack(id uint64) {
	a.told <- fmt.Sprintf("ack %d", id)
	if a.onAck != nil {
		a.onAck(id)
	}
}

func (a acking) Fail(id uint64, f *topology.Failure) {
	a.told <- fmt.Sprintf("fail %d", id)
	a.failures <- f
}

// replaying is the spout with replays.
type replaying struct {
	acking

	onReplay func(id uint64) error
	onSeek   func(id uint64) error
}

func (r *replaying) Replay(id uint64) error {
	r.told <- fmt.Sprintf("replay %d", id)
	if r.onReplay != nil {
		return r.onReplay(id)
	}
	return r.emit(id)
}

func (r *replaying) Seek(id uint64) error {
	r.told <- fmt.Sprintf("seek %d", id)
	r.counted.next = id
	if r.onSeek != nil {
		return r.onSeek(id)
	}
	return nil
}

func newReplaying(limit uint64, then error) *replaying {
	c := newCounted(limit, then)
	return &replaying{acking: acking{c.spout(), c}}
}

func newAcking(limit uint64, then error) acking {
	c := newCounted(limit, then)
	return acking{c.spout(), c}
}

// expect reads what the engine has called.
func (c *counted) expect(t *testing.T, calls ...string) {
	t.Helper()
	for _, want := range calls {
		if got := <-c.told; got != want {
			t.Fatalf("the spout is told %q, want %q", got, want)
		}
	}
}

// quiet checks that the engine has called nothing more.
func (c *counted) quiet(t *testing.T) {
	t.Helper()
	select {
	case got := <-c.told:
		t.Errorf("the spout is told %q", got)
	default:
	}
}

// delivery is what tracked topologies of these tests have unless they say otherwise.
var delivery = topology.Delivery{Guarantee: topology.AtLeastOnce, MaxPending: 100, MaxRetries: 2}

// trackedTopology is testTopology with tracking. With letters the spout has a
// dead-letter stream, stream 1, which the sink consumes, and that of work is stream 2.
func trackedTopology(tb testing.TB, src topology.Spout, work topology.Bolt, d topology.Delivery, letters bool, opts ...topology.Option) *topology.Topology {
	tb.Helper()
	b := topology.NewBuilder("test").Deliver(d)
	streams := []topology.Option{topology.Output("word")}
	inputs := []topology.Option{topology.Shuffle("work")}
	if letters {
		streams = append(streams, topology.DeadLetters())
		inputs = append(inputs, topology.Shuffle("src/"+topology.DeadLetterStream))
	}
	b.Spout("src", func() topology.Spout { return src }, streams...)
	b.Bolt("work", func() topology.Bolt { return work },
		append([]topology.Option{topology.Fields("src", "word"), topology.Output("word")}, opts...)...)
	b.Bolt("sink", func() topology.Bolt { return &userBolt{} }, inputs...)
	t, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// seen is a tracked tuple that has left a task.
type seen struct {
	stream uint16
	word   string
	edge   uint64
	roots  []wireRoot
	raw    []byte
}

type wireRoot struct {
	task uint32
	seq  uint64
}

func (s seen) seq() uint64 { return s.roots[0].seq }

// seenIn returns the tuples of a data frame.
func seenIn(tb testing.TB, h wire.Header, body []byte) []seen {
	tb.Helper()
	if h.Flags&wire.FlagAnchored == 0 {
		tb.Errorf("frame %+v is not anchored", h)
	}
	var all []seen
	for off := 0; off < len(body); {
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			tb.Fatalf("no record at %d of %d", off, len(body))
		}
		s := seen{stream: h.Stream, raw: append([]byte(nil), body[tuple:end]...)}
		edge, roots, values, err := wire.Anchors(s.raw)
		if err != nil {
			tb.Fatal(err)
		}
		if roots, err = wire.ResolveRoots(nil, roots, h.Source); err != nil {
			tb.Fatal(err)
		}
		s.edge = edge
		for len(roots) > 0 {
			var r wireRoot
			if r.task, r.seq, roots, err = wire.NextRoot(roots); err != nil {
				tb.Fatal(err)
			}
			s.roots = append(s.roots, r)
		}
		if edge == 0 && len(s.roots) > 0 {
			s.edge = wire.OwnEdge(s.seq())
		}
		var rec wire.Record
		rec.ResetValues(s.raw, values)
		s.word, _ = rec.Text(0)
		all = append(all, s)
		off = end
	}
	return all
}

// tuples reads data frames until they have brought n tuples.
func (p *peer) tuples(n int) []seen {
	p.tb.Helper()
	var all []seen
	for len(all) < n {
		h, body := p.expect(wire.KindData)
		all = append(all, seenIn(p.tb, h, body)...)
	}
	if len(all) != n {
		p.tb.Fatalf("%d tuples, want %d", len(all), n)
	}
	return all
}

// words reads n tuples and checks their words.
func (p *peer) words(want ...string) []seen {
	p.tb.Helper()
	all := p.tuples(len(want))
	for i, s := range all {
		if s.word != want[i] {
			p.tb.Fatalf("tuple %d is %q, want %q", i, s.word, want[i])
		}
	}
	return all
}

// silent checks that the task answers a ping and sends nothing before that.
func (p *peer) silent() {
	p.tb.Helper()
	for n := range uint32(10) {
		p.tell(wire.KindPing, 0, n)
		if h, _ := p.expect(wire.KindPong); h.Count != n {
			p.tb.Fatalf("pong is %+v", h)
		}
	}
}

// acks is an ack frame from the bolt to the spout that acks tuples as they are.
func acks(tuples ...seen) []byte {
	frame := make([]byte, wire.HeaderSize)
	prev := uint64(0)
	for _, s := range tuples {
		frame = wire.AppendAck(frame, prev, s.seq(), s.edge)
		prev = s.seq()
	}
	return ackHeader(frame, len(tuples))
}

// ackHeader puts the header of an ack frame in front of its body.
func ackHeader(frame []byte, count int) []byte {
	wire.Header{
		Length: uint32(len(frame) - wire.HeaderSize), Kind: wire.KindAck, Source: workTask, Dest: srcTask,
		Count: uint32(count), Epoch: testEpoch,
	}.Put(frame)
	return frame
}

// fail is a fail frame from the bolt to the spout.
func fail(s seen, text string) []byte {
	return wire.AppendFailure(nil, wire.Header{Source: workTask, Dest: srcTask, Epoch: testEpoch},
		wire.Failure{Seq: s.seq(), Text: text, Stack: "stack of " + text, Payload: s.raw})
}

// anchored returns a data frame from the spout to the bolt of words that are
// tracked: that of index i has edge edges(i) and the given roots.
func anchored(words []string, edge func(i int) uint64, roots func(i int) []wireRoot) []byte {
	frame := make([]byte, wire.HeaderSize)
	for i, w := range words {
		v := wire.String(w)
		tuple := wire.AppendKeyHashes(nil, 1)
		if e := edge(i); e != 0 {
			tuple = wire.AppendEdge(tuple, e)
		}
		for _, r := range roots(i) {
			tuple = wire.AppendRoot(tuple, r.task, r.seq)
		}
		tuple = wire.AppendValue(tuple, &v)
		frame = append(wire.AppendRecordHeader(frame, len(tuple)), tuple...)
	}
	h := dataHeader(len(frame)-wire.HeaderSize, len(words))
	h.Flags |= wire.FlagAnchored
	h.Put(frame)
	return frame
}

// simple is anchored with edges from 1000 and sequence numbers from 1 of the spout's task.
func simple(words ...string) []byte {
	return anchored(words, func(i int) uint64 { return uint64(1000 + i) }, func(i int) []wireRoot { return []wireRoot{{srcTask, uint64(1 + i)}} })
}

// own is simple for tuples as spouts emit them where one copy is made: without an edge.
func own(words ...string) []byte {
	return anchored(words, func(int) uint64 { return 0 }, func(i int) []wireRoot { return []wireRoot{{0, uint64(1 + i)}} })
}

// acked is an entry of an ack frame.
type acked struct{ seq, word uint64 }

// entries reads the body of an ack frame for a spout's task.
func entries(tb testing.TB, h wire.Header, body []byte, from, to uint32) []acked {
	tb.Helper()
	if h.Kind != wire.KindAck || h.Source != from || h.Dest != to || h.Epoch != testEpoch || h.Stream != 0 || h.Flags != 0 {
		tb.Fatalf("frame is %+v, want acks from %d to %d", h, from, to)
	}
	var all []acked
	var e acked
	for len(body) > 0 {
		var ok bool
		if e.seq, e.word, body, ok = wire.NextAck(body, e.seq); !ok {
			tb.Fatal("malformed acks")
		}
		all = append(all, e)
	}
	if int(h.Count) != len(all) {
		tb.Errorf("frame %+v holds %d acks", h, len(all))
	}
	return all
}
