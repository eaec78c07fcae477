package instance

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
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

// FuzzReceive gives a task, behind its welcome, any bytes and then the end of
// the connection. The task must take them in stride: it ends by itself, or
// loses its link, upon which the test stops it.
func FuzzReceive(f *testing.F) {
	ping := wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Count: 1, Epoch: testEpoch})
	clamp := wire.AppendHeader(nil, wire.Header{Kind: wire.KindClamp, Dest: 2, Epoch: testEpoch})
	credit := wire.AppendHeader(nil, wire.Header{Kind: wire.KindCredit, Count: 100, Epoch: testEpoch})
	for _, b := range [][]byte{
		dataFrame("one", "two"), dataFrame(), endFrame(), ping, clamp, credit,
		slices.Concat(dataFrame(numbered(50)...), credit, dataFrame(numbered(20)...), credit, endFrame(), ping),
		wire.AppendError(nil, testEpoch, wire.CodeCredit, "no"),
		slices.Concat(clamp, ping, dataFrame("x")[:30]),
		slices.Concat(dataFrame(numbered(90)...), []byte("no frame header, but twenty-four bytes")),
	} {
		for task := range byte(2) {
			for _, split := range []uint16{0, 30} {
				f.Add(task, split, b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, task byte, split uint16, bytes []byte) {
		if len(bytes) > 100<<10 {
			t.Skip("more than a socket takes at once")
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		topo := testTopology(t, speak(topology.ErrIdle, numbered(20)...), echo())
		l := plan.NewLogical(topo)
		p := plan.New(l, plan.PackRoundRobin(l, 1), testEpoch, 42, func(uint32) (string, string) { return "", "" })
		i, err := New(Config{
			Plan: p, Topology: topo, Task: uint32(task%2) + 1, MinBatch: 100, MaxBatch: 100,
			Logger: slog.New(onWarning{slog.DiscardHandler, cancel}),
		})
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := socketPair(t)
		defer theirs.Close()
		i.dial = func(context.Context, string) (*net.UnixConn, error) {
			return ours, nil
		}
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			_, _ = io.Copy(io.Discard, theirs)
		}()
		at := min(int(split), len(bytes))
		welcome := wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch, Credit: uint32(split)})
		for _, part := range [][]byte{slices.Concat(welcome, bytes[:at]), bytes[at:]} {
			if _, err := theirs.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		if err := theirs.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		err = i.Run(ctx)
		<-drained
		var remote *wire.RemoteError
		if err != nil && !errors.Is(err, context.Canceled) && !errors.As(err, &remote) {
			t.Errorf("Run returned %v", err)
		}
		m := i.Metrics()
		if m.Panics != 0 || m.Emitted > m.Received && task%2 == 1 {
			t.Errorf("metrics are %+v", m)
		}
	})
}
