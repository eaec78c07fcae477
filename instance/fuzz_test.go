package instance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/wire"
)

// onWarning calls a function when a task warns that its link is lost.
type onWarning struct {
	slog.Handler

	call func()
}

func (h onWarning) Enabled(context.Context, slog.Level) bool { return true }
func (h onWarning) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h onWarning) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn {
		h.call()
	}
	return nil
}

// FuzzReceive gives a task any bytes, in two parts, and then the end of the
// connection. The task must take them in stride: whatever it says of them is an
// error of the link. Everything happens on one goroutine, so that the fuzzing
// engine sees the same input take the same way. Tasks 2 and 3 are those whose tuples are tracked.
func FuzzReceive(f *testing.F) {
	ping := wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Count: 1, Epoch: testEpoch})
	clamp := wire.AppendHeader(nil, wire.Header{Kind: wire.KindClamp, Dest: 2, Epoch: testEpoch})
	credit := wire.AppendHeader(nil, wire.Header{Kind: wire.KindCredit, Count: 100, Epoch: testEpoch})
	for _, b := range [][]byte{
		dataFrame("one", "two"), dataFrame(), endFrame(), ping, clamp, credit,
		slices.Concat(dataFrame("a", "b", "c", "d"), credit, dataFrame("e", "f"), credit, endFrame(), ping),
		wire.AppendError(nil, testEpoch, wire.CodeCredit, "no"),
		slices.Concat(clamp, ping, dataFrame("x")[:30]),
		slices.Concat(dataFrame("a", "b", "c"), []byte("no frame header, but twenty-four bytes")),
		simple("one", "two"), slices.Concat(simple("a"), credit, endFrame()), slices.Concat(own("one", "two"), own("a"), simple("b")),
		acks(fuzzed(1, 0), fuzzed(3, 0), fuzzed(1<<60, 5)), slices.Concat(acks(fuzzed(2, 0)), clamp, acks(fuzzed(1, 1))),
		slices.Concat(fail(fuzzed(2, 9), "boom"), credit, acks(fuzzed(4, 0))),
		wire.AppendHeader(nil, wire.Header{Kind: wire.KindLost, Dest: workTask, Epoch: testEpoch}),
	} {
		for task := range byte(4) {
			for _, split := range []uint16{0, 30} {
				f.Add(task, split, b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, task byte, split uint16, bytes []byte) {
		if len(bytes) > 8<<10 {
			t.Skip("the answers would fill the socket, which nobody reads")
		}
		small := func(c *Config) { c.MinBatch, c.MaxBatch = 40, 40 }
		if task%4 == 2 {
			fuzzTracked(t, int64(split), bytes, small)
			return
		}
		work := echo()
		s := newStepped(t, work, small)
		if task%4 == 3 {
			s = newSteppedIn(t, trackedTopology(t, &userSpout{}, work, delivery, false), work, small)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s.ctx, s.log = ctx, slog.New(onWarning{slog.DiscardHandler, cancel}) // no second link
		s.credit = int64(split)
		at := min(int(split), len(bytes))
		s.peer.send(bytes[:at])
		rest := func() {
			s.peer.send(bytes[at:])
			if err := s.peer.conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if task%2 == 0 {
			fuzzSpout(t, s.task, rest)
		} else {
			fuzzBolt(t, s.bolt, rest)
		}
		if s.count.panics != 0 || s.out.Emitted() > uint64(s.count.received) {
			t.Errorf("counts are %+v, %d tuples were emitted", s.count, s.out.Emitted())
		}
	})
}

// fuzzBolt handles what has arrived, then the rest.
func fuzzBolt(t *testing.T, b *bolt, rest func()) {
	t.Helper()
	for {
		_, err := b.guard(func() error {
			got, err := b.poll(b.in.room())
			if err == nil && got {
				err = b.consume()
			} else if err == nil && rest != nil {
				rest()
				rest = nil
			}
			return err
		})
		if err != nil {
			checkLinkError(t, err)
			return
		}
	}
}

// fuzzSpout is fuzzBolt for a task without input.
func fuzzSpout(t *testing.T, task *task, rest func()) {
	t.Helper()
	task.worker = &spout{task: task}
	for {
		got, err := task.poll(task.in.room())
		if err == nil {
			err = task.scan()
		}
		task.in.skip()
		if err != nil {
			checkLinkError(t, err)
			return
		}
		if !got && rest != nil {
			rest()
			rest = nil
		}
	}
}

// fuzzed is a tuple that was not seen.
func fuzzed(seq, edge uint64) seen { return seen{edge: edge, roots: []wireRoot{{srcTask, seq}}} }

// fuzzTracked has three tuples of a spout pending, handles what arrives, and
// checks that each is complete, given up or pending.
func fuzzTracked(t *testing.T, credit int64, bytes []byte, change func(*Config)) {
	t.Helper()
	src := newReplaying(0, io.EOF)
	task, p := stillTask(t, trackedTopology(t, src, nil, delivery, true), srcTask, change)
	ctx, cancel := context.WithCancel(t.Context())
	task.ctx, task.log = ctx, slog.New(onWarning{slog.DiscardHandler, cancel})
	s := task.worker.(*spout)
	k := s.tracked
	if err := s.open(ctx, task.info()); err != nil {
		t.Fatal(err)
	}
	src.counted.out = task.out
	for id := range uint64(3) {
		if err := src.emit(id); err != nil {
			t.Fatal(err)
		}
	}
	task.credit = credit
	p.send(bytes)
	for {
		got, err := task.poll(task.in.room())
		if err == nil {
			err = task.scan()
		}
		task.in.skip()
		if err == nil {
			err = k.tell()
		}
		if err == nil && k.mayEmit() && k.credit > 1000 {
			err = k.replay(k.clock() + int64(time.Hour))
		}
		letters := int64(len(k.dead.why)) // they are pending too
		if all := int64(k.pending()) + k.ring.Acked() + k.count.failed - letters; all != 3 {
			t.Fatalf("%d tuples are left of 3: %d pending, %+v", all, k.pending(), k.count)
		}
		if err != nil {
			checkLinkError(t, err)
			return
		}
		if !got {
			return
		}
	}
}

// checkLinkError fails the test unless err is the end of the link, by whatever cause.
func checkLinkError(t *testing.T, err error) {
	t.Helper()
	var remote *wire.RemoteError
	var protocol *ProtocolError
	if !errors.Is(err, io.EOF) && !errors.Is(err, context.Canceled) && !errors.As(err, &remote) && !errors.As(err, &protocol) {
		t.Errorf("error is %v", err)
	}
}
