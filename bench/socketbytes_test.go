package bench

import (
	"testing"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/instance"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/wire"
)

// beyondData runs 20,000 tuples from a spout in one container to a bolt in
// another, and returns the bytes on sockets beyond those that stream managers
// have written and those of the tasks' data frames, and how many tuples were acked.
func beyondData(t *testing.T, mode string, g Guarantee) (beyond, acked uint64) {
	t.Helper()
	leaktest.Check(t)
	c := short()
	c.Containers = 2
	c = c.withDefaults(nil, nil)
	spec := Spec{Workload: Latency, Rate: 400_000, Tuples: 20_000}.promising(g)
	top, err := spec.Topology()
	if err != nil {
		t.Fatal(err)
	}
	result, err := local.Run(t.Context(), top, c.options(spec, mode))
	if err != nil {
		t.Fatal(err)
	}
	var known, peers uint64
	for _, p := range result.Sample.Processes {
		if p.Manager != nil {
			known += p.Manager.BytesOut
			peers += p.Manager.PeerBytesIn
			if p.Manager.PeerBytesIn == 0 && g == AtLeastOnce || p.Manager.PeerBytesIn >= p.Manager.BytesIn {
				t.Errorf("%s %s: a stream manager has read %d bytes, %d of them from the other one", mode, g, p.Manager.BytesIn, p.Manager.PeerBytesIn)
			}
		}
		for _, in := range p.Instances {
			known += uint64(in.Metrics.BytesOut)
			acked += uint64(in.Metrics.Acked)
		}
	}
	all := socketBytes(result.Sample)
	if all < known || peers == 0 || peers >= known {
		t.Errorf("%s %s: %d bytes on sockets, of which %d are known and %d were between stream managers", mode, g, all, known, peers)
	}
	return all - known, acked
}

// TestSocketBytesHaveAcks counts the acks that the bolt hands to its stream
// manager where there are two: at least a byte each, at most wire.MaxAck and its
// share of the header of a frame.
func TestSocketBytesHaveAcks(t *testing.T) {
	for _, mode := range []string{naive, optimized} {
		beyond, acked := beyondData(t, mode, AtLeastOnce)
		if acked == 0 || beyond < acked || beyond > acked*(wire.MaxAck+wire.HeaderSize) {
			t.Errorf("%s: %d acks took %d bytes on sockets", mode, acked, beyond)
		}
		if without, _ := beyondData(t, mode, AtMostOnce); without > beyond/2 {
			t.Errorf("%s: without acks %d bytes are not data, with them %d", mode, without, beyond)
		}
	}
}

// TestSocketBytesAreWrittenOnce has what two stream managers and their tasks write, each socket once.
func TestSocketBytesAreWrittenOnce(t *testing.T) {
	task := func(data int64) local.ProcessSample {
		return local.ProcessSample{Instances: []local.TaskSample{{Metrics: instance.Metrics{BytesOut: data}}}}
	}
	manager := func(in, peer, out uint64) local.ProcessSample {
		return local.ProcessSample{Manager: &dataplane.Metrics{BytesIn: in, PeerBytesIn: peer, BytesOut: out}}
	}
	// The spout writes 1000 of data, the bolt 300 of acks. They go on between the stream managers, and to the other task.
	s := &local.Sample{Processes: []local.ProcessSample{task(1000), manager(1300, 300, 1300), manager(1300, 1000, 1300), task(0)}}
	if n := socketBytes(s); n != 3*1300 {
		t.Errorf("%d bytes on three sockets, each of which has 1300", n)
	}
}
