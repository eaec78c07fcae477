package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// largestText is the longest text that fits a tuple of an int and bytes: the
// int's entry takes 4 bytes, and the text's tags and lengths 8.
const largestText = wire.MaxTuple - 4 - 8

const refusedRows = 50

// oversizedTopology has a spout that emits what must be refused between what must arrive.
func oversizedTopology() (*topology.Topology, error) {
	b := topology.NewBuilder("oversized")
	b.Spout("texts", func() topology.Spout { return &stubborn{} }, topology.Output("n", "text"))
	b.Bolt("check", func() topology.Bolt { return &inOrder{} }, topology.Global("texts"))
	return b.Build()
}

// stubborn is a spout that ends the run if Emit takes what it must refuse, or refuses what it must take.
type stubborn struct {
	out *topology.Collector
	n   int64
}

// Open keeps the collector.
func (s *stubborn) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	s.out = out
	return nil
}

// Next tries everything once.
func (s *stubborn) Next() error {
	if s.n == refusedRows {
		return io.EOF
	}
	s.n++
	n := topology.Int(s.n)
	var tooLarge *topology.TupleTooLargeError
	if err := s.out.Emit(n, topology.Bytes(make([]byte, largestText+1))); !errors.As(err, &tooLarge) {
		return fmt.Errorf("a tuple that is too large gives %w", err)
	}
	if err := s.out.Emit(n, topology.Bytes(make([]byte, 20<<20))); !errors.As(err, &tooLarge) {
		return fmt.Errorf("a tuple larger than a frame gives %w", err)
	}
	if err := s.out.Emit(n, topology.String("\xff")); !errors.Is(err, topology.ErrInvalidUTF8) {
		return fmt.Errorf("a string that is none gives %w", err)
	}
	if err := s.out.Emit(n); !errors.Is(err, topology.ErrFields) {
		return fmt.Errorf("a missing field gives %w", err)
	}
	if s.n%10 == 0 {
		return s.out.Emit(n, topology.Bytes(make([]byte, largestText)))
	}
	return s.out.Emit(n, topology.String("little"))
}

// Close does nothing.
func (s *stubborn) Close() error { return nil }

// checkRows checks that every row has arrived once, in order: inOrder returns an error else.
func checkRows(t *testing.T, r *local.Result) {
	t.Helper()
	checkUndisturbed(t, r)
	if got := task(t, r.Sample, "check").Metrics.Received; got != refusedRows {
		t.Errorf("received %d tuples of %d", got, refusedRows)
	}
}

// TestOversizedTuples holds that a tuple that Emit refuses does no harm, and that the largest one passes.
func TestOversizedTuples(t *testing.T) {
	leaktest.Check(t)
	for _, mode := range dataplane.Modes {
		t.Run(mode, func(t *testing.T) {
			checkRows(t, inside(t, spec{Kind: "oversized"}, local.Options{Mode: mode, Containers: 2}))
		})
	}
	t.Run("processes", func(t *testing.T) {
		checkRows(t, outside(t, spec{Kind: "oversized"}, local.Options{Containers: 2}))
	})
}

// brokenTopology has a bolt that panics or fails for some tuples.
func brokenTopology() (*topology.Topology, error) {
	b := topology.NewBuilder("broken")
	b.Spout("numbers", func() topology.Spout { return &counter{end: 100} }, topology.Output("n", "text"))
	b.Bolt("broken", func() topology.Bolt { return &broken{} }, topology.Shuffle("numbers"))
	return b.Build()
}

type broken struct{ inOrder }

// Execute panics at 1, 11, 21 and so on and fails at 6, 16, 26 and so on.
func (b *broken) Execute(t *topology.Tuple) error {
	if err := b.inOrder.Execute(t); err != nil {
		return err
	}
	switch b.last % 10 {
	case 1:
		panic("another one")
	case 6:
		return errors.New("another six")
	}
	return nil
}

// TestUserErrors holds that what user code does wrong stays with the tuple, is counted, and is told with its stack.
func TestUserErrors(t *testing.T) {
	leaktest.Check(t)
	var stderr bytes.Buffer
	r := outside(t, spec{Kind: "broken"}, local.Options{Stderr: &stderr})
	m := task(t, r.Sample, "broken").Metrics
	if m.Received != 100 || m.Errors != 20 || m.Panics != 10 || !m.Ended {
		t.Errorf("received %d, errors %d, panics %d, ended %v; want 100, 20, 10, true", m.Received, m.Errors, m.Panics, m.Ended)
	}
	// The first error is the panic. Those that follow within a second are only counted.
	for _, want := range []string{"another one", "(*broken).Execute"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("standard error does not tell of the panic and its stack, %q, but:\n%s", want, &stderr)
		}
	}
	if m.LastError == "" {
		t.Error("the figures hold no last error")
	}
}
