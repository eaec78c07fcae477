package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ardea-stream/ardea/topology"
)

// Fields of all tuples but the dead letters.
const (
	fieldID      = iota // number
	fieldEmitted        // when the spout emitted this attempt, in nanoseconds; rising
	fieldWay
	fieldPayload
)

var fields = []string{"id", "emitted", "way", "payload"}

const (
	chunk    = 1024 // ids that a spout reserves at a time
	stopName = "stop"
	// Words of a spout's record, above the number.
	saidAck, saidFail, saidSeek = 0, 1, 2
	saidBits                    = 62
)

// generator is a spout that makes tuples of 0, 1, 2 and so on, until there is a
// file that says stop, or as many as there are to be.
type generator struct {
	s       *spec
	rate    int // tuples a second; 0 = as fast as it goes
	name    string
	index   int
	out     *topology.Collector
	next    uint64
	high    *highMark
	record  *recorder
	payload []byte
	began   time.Time
	sent    int64 // by this process, not counting replays
	last    int64
	sign    sign
	gate    *gate // nil if it may emit as it likes
}

// Open makes the files.
func (g *generator) Open(_ context.Context, task *topology.Task, out *topology.Collector) (err error) {
	g.name, g.index, g.out, g.sign = task.Component, task.Index, out, newSign(g.s, task)
	g.payload = make([]byte, g.s.Payload)
	if g.s.Gated {
		gate := newGate(g.s, g.name)
		g.gate = &gate
	}
	if g.high, err = openHighMark(g.s.Dir, g.name, g.index); err != nil {
		return err
	}
	g.record, err = newRecorder(g.s.Dir, "told", g.name, g.index)
	g.began = time.Now()
	return err
}

// Next emits a tuple if one is due.
func (g *generator) Next() error {
	if err := g.record.write(); err != nil {
		return err
	}
	if g.rate > 0 && float64(g.sent) > time.Since(g.began).Seconds()*float64(g.rate) {
		return topology.ErrIdle
	}
	if g.s.Tuples > 0 && g.next >= g.s.Tuples {
		return io.EOF
	}
	if g.gate != nil {
		open, err := g.gate.open(g.next)
		if err != nil {
			return err
		}
		if !open {
			return topology.ErrIdle
		}
	}
	if g.next >= g.high.at {
		if _, err := os.Stat(filepath.Join(g.s.Dir, stopName)); err == nil {
			return io.EOF
		}
		if err := g.high.raise(g.next + chunk); err != nil {
			return err
		}
	}
	id := g.next
	g.next++
	g.sent++
	return g.emit(id)
}

func (g *generator) emit(id uint64) error {
	g.last = max(g.last+1, time.Now().UnixNano())
	if err := g.sign.give(); err != nil {
		return err
	}
	return g.out.EmitID(id, topology.Int(int64(number(g.index, id))), topology.Int(g.last), topology.Int(0), topology.Bytes(g.payload))
}

// Replay emits a tuple again.
func (g *generator) Replay(id uint64) error { return g.emit(id) }

// Seek goes on behind what is complete.
func (g *generator) Seek(id uint64) error {
	g.next = id
	g.record.add(saidSeek<<saidBits|id, 0)
	return g.record.write()
}

// Ack notes that a tuple is complete.
func (g *generator) Ack(id uint64) { g.record.add(saidAck<<saidBits|id, 0) }

// Fail notes that a tuple is given up.
func (g *generator) Fail(id uint64, _ *topology.Failure) { g.record.add(saidFail<<saidBits|id, 0) }

// Close writes what it was told last.
func (g *generator) Close() error {
	if g.record == nil {
		return nil
	}
	return errors.Join(g.record.close(), g.high.f.Close())
}

// sign is a file that says when a process of a task has handled its first tuple.
type sign struct {
	dir, component string
	index          int
	given          bool
}

func newSign(s *spec, task *topology.Task) sign {
	return sign{dir: s.Dir, component: task.Component, index: task.Index}
}

func (s *sign) give() error {
	if s.given {
		return nil
	}
	s.given = true
	r, err := newRecorder(s.dir, "first", s.component, s.index)
	if err != nil {
		return err
	}
	r.add(0, 0)
	return r.close()
}

// relay passes tuples on, marked by the way that its Config names.
type relay struct {
	s    *spec
	way  int64
	out  *topology.Collector
	sign sign
}

// Open keeps the collector.
func (b *relay) Open(_ context.Context, task *topology.Task, out *topology.Collector) (err error) {
	b.out, b.sign = out, newSign(b.s, task)
	b.way, err = strconv.ParseInt(task.Config[configWay], 10, 64)
	return err
}

const configWay = "way"

// Execute emits the same tuple.
func (b *relay) Execute(t *topology.Tuple) error {
	if err := b.sign.give(); err != nil {
		return err
	}
	p, err := partOf(t)
	if err != nil {
		return err
	}
	payload, err := t.Bytes(fieldPayload)
	if err != nil {
		return err
	}
	return b.out.Emit(topology.Int(p.id), topology.Int(p.emitted), topology.Int(b.way), topology.Bytes(payload))
}

// Close does nothing.
func (b *relay) Close() error { return nil }

// part is what a tuple says.
type part struct {
	id, emitted, way int64
	anchor           topology.Anchor
}

func partOf(t *topology.Tuple) (p part, err error) {
	var errs [3]error
	p.id, errs[0] = t.Int(fieldID)
	p.emitted, errs[1] = t.Int(fieldEmitted)
	p.way, errs[2] = t.Int(fieldWay)
	return p, errors.Join(errs[:]...)
}

// join waits for both parts of a tuple and emits one that is anchored to both.
// Parts of an attempt that its spout has given up are recognized by their
// time: a newer attempt has come for the same id.
type join struct {
	s     *spec
	out   *topology.Collector
	parts map[int64]part
	sign  sign
}

const joined = 3 // the way of what a join emits

// Open makes the table.
func (b *join) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	b.out, b.parts, b.sign = out, map[int64]part{}, newSign(b.s, task)
	return nil
}

// Execute joins the tuple with its other part, or keeps it.
func (b *join) Execute(t *topology.Tuple) error {
	if err := b.sign.give(); err != nil {
		return err
	}
	p, err := partOf(t)
	if err != nil {
		return err
	}
	p.anchor = t.Anchor()
	other, known := b.parts[p.id]
	switch {
	case !known || p.emitted > other.emitted:
		b.parts[p.id] = p
		if known {
			return b.out.Ack(other.anchor)
		}
		return nil
	case p.emitted < other.emitted || p.way == other.way:
		return b.out.Ack(p.anchor)
	}
	delete(b.parts, p.id)
	err = b.out.EmitAnchored([]topology.Anchor{other.anchor, p.anchor},
		topology.Int(p.id), topology.Int(p.emitted), topology.Int(joined), topology.Null())
	if err != nil {
		return err
	}
	return errors.Join(b.out.Ack(other.anchor), b.out.Ack(p.anchor))
}

// Close does nothing.
func (b *join) Close() error { return nil }

// leaf records the tuples that it gets, several at a time, and then acks them.
type leaf struct {
	s      *spec
	out    *topology.Collector
	record *recorder
	held   []topology.Anchor
	sign   sign
}

// Open makes the file.
func (b *leaf) Open(_ context.Context, task *topology.Task, out *topology.Collector) (err error) {
	b.out, b.sign = out, newSign(b.s, task)
	b.record, err = newRecorder(b.s.Dir, "leaf", task.Component, task.Index)
	return err
}

// Execute takes one tuple.
func (b *leaf) Execute(t *topology.Tuple) error {
	if err := b.sign.give(); err != nil {
		return err
	}
	p, err := partOf(t)
	if err != nil {
		return err
	}
	if b.s.Forget > 0 && uint64(p.id)%b.s.Forget == 0 && b.forget(p.id) {
		t.Anchor()
		return nil // nobody will ever hear of this attempt
	}
	b.record.add(uint64(p.way)<<wayBits|uint64(p.id), p.emitted)
	b.held = append(b.held, t.Anchor())
	if len(b.held) < max(1, b.s.Hold) {
		return nil
	}
	return b.done()
}

// forget reports whether a tuple comes for the first time, over all processes of the task.
func (b *leaf) forget(id int64) bool {
	name := fmt.Sprintf("forgot-%s-%d-%d", b.sign.component, b.sign.index, id)
	f, err := os.OpenFile(filepath.Join(b.s.Dir, name), os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// Tick acks what has waited for others.
func (b *leaf) Tick(time.Time) error { return b.done() }

func (b *leaf) done() error {
	if err := b.record.write(); err != nil {
		return err
	}
	for _, a := range b.held {
		if err := b.out.Ack(a); err != nil {
			return err
		}
	}
	b.held = b.held[:0]
	return nil
}

// Close writes the rest.
func (b *leaf) Close() error {
	if b.record == nil {
		return nil
	}
	return b.record.close()
}
