package bench

import (
	"bytes"
	"context"
	"math/bits"

	"github.com/ardea-stream/ardea/topology"
)

const (
	numbersComponent = "numbers"
	checkComponent   = "check"
	// taskShift is where the index of the spout task begins in a number.
	taskShift = 40
	// fillerSize is the number of places in filler from which a payload is cut.
	fillerSize = 64 << 10
)

// numbersTopology sends numbered tuples, grouped by a key, with a payload if
// the workload has a size. Everything in a tuple follows from its number, so
// that the bolt can check all of it, and their order.
func numbersTopology(s Spec) (*topology.Topology, error) {
	fields := []string{"key", "number"}
	if s.Size > 0 {
		fields = append(fields, "payload")
	}
	b := s.builder()
	b.Spout(numbersComponent, func() topology.Spout { return &numberSpout{spec: s, acks: s.acks()} },
		topology.Parallelism(s.Spouts), topology.Output(fields...))
	b.Bolt(checkComponent, func() topology.Bolt { return &checkBolt{spec: s, last: make([]uint64, s.Spouts)} },
		topology.Parallelism(s.Bolts), topology.Fields(numbersComponent, "key"))
	return b.Build()
}

// filler returns the bytes from which payloads are cut.
func (s Spec) filler() []byte {
	if s.Size == 0 {
		return nil
	}
	b := make([]byte, fillerSize+s.Size)
	for i := range b {
		b[i] = byte(mix(s.Seed + uint64(i)))
	}
	return b
}

// content returns the key and the payload of a number, the latter borrowed from filler.
func (s Spec) content(number uint64, filler []byte) (key int64, payload []byte) {
	h := mix(s.Seed ^ number)
	k, rest := bits.Mul64(h, uint64(s.Keys))
	if len(filler) == 0 {
		return int64(k), nil
	}
	at := rest >> 48 // below fillerSize
	return int64(k), filler[at : at+uint64(s.Size)]
}

// numberSpout emits numbered tuples as fast as it is let, for ever.
type numberSpout struct {
	spec   Spec
	task   *topology.Task
	out    *topology.Collector
	filler []byte
	next   uint64 // number
	sent   Tally
	acks
}

// Open prepares the payloads.
func (s *numberSpout) Open(_ context.Context, task *topology.Task, out *topology.Collector) error {
	s.task, s.out, s.filler = task, out, s.spec.filler()
	s.next = uint64(task.Index)<<taskShift + 1
	return nil
}

// Next emits a few tuples.
func (s *numberSpout) Next() error {
	for range tuplesPerNext {
		key, payload := s.spec.content(s.next, s.filler)
		var err error
		if payload == nil {
			err = s.emit(s.out, topology.Int(key), topology.Int(int64(s.next)))
		} else {
			err = s.emit(s.out, topology.Int(key), topology.Int(int64(s.next)), topology.Bytes(payload))
		}
		if err != nil {
			return err
		}
		s.sent.Tuples++
		s.sent.Checksum += mix(s.next)
		s.next++
	}
	return nil
}

// Close publishes what was emitted.
func (s *numberSpout) Close() error {
	if s.task == nil {
		return nil // Open was not called
	}
	if err := s.publish(s.task); err != nil {
		return err
	}
	return publishTally(s.task, emittedTally, s.sent)
}

// checkBolt checks that every tuple holds what its number says, and that those
// of a spout task come in the order of their numbers. A key's tuples all come
// to one task, so that their order is checked with that.
type checkBolt struct {
	spec   Spec
	task   *topology.Task
	filler []byte
	last   []uint64 // number, by spout task
	got    Tally
}

// Open prepares the payloads.
func (b *checkBolt) Open(_ context.Context, task *topology.Task, _ *topology.Collector) error {
	b.task, b.filler = task, b.spec.filler()
	return nil
}

// Execute checks a tuple.
func (b *checkBolt) Execute(t *topology.Tuple) error {
	key, err := t.Int(0)
	if err != nil {
		return err
	}
	n, err := t.Int(1)
	if err != nil {
		return err
	}
	var payload []byte
	if b.spec.Size > 0 {
		if payload, err = t.Bytes(2); err != nil {
			return err
		}
	}
	number := uint64(n)
	b.got.Tuples++
	b.got.Checksum += mix(number)
	from := number >> taskShift
	wantKey, wantPayload := b.spec.content(number, b.filler)
	if from >= uint64(len(b.last)) || key != wantKey || !bytes.Equal(payload, wantPayload) {
		b.got.Foreign++
		return nil
	}
	if number <= b.last[from] {
		b.got.Disordered++
	}
	b.last[from] = max(b.last[from], number)
	return nil
}

// Finish publishes what was counted.
func (b *checkBolt) Finish() error { return publishTally(b.task, countedTally, b.got) }

// Close does nothing.
func (*checkBolt) Close() error { return nil }
