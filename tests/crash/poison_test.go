package crash

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

const (
	fragileName  = "fragile"
	lettersName  = "letters"
	poisonEvery  = 100
	poisonTries  = 2
	soundLetter  = 1 // the way of a dead letter in the record
	brokenLetter = 2 // one that does not say what it should
)

func poisonous(id uint64) bool { return id%poisonEvery == 7 }

// fragile is a relay that panics at poisonous tuples.
type fragile struct{ relay }

// Execute emits the same tuple, or panics.
func (b *fragile) Execute(t *topology.Tuple) error {
	p, err := partOf(t)
	if err != nil {
		return err
	}
	if poisonous(uint64(p.id) & idMask) {
		panic(fmt.Sprintf("poison %d", p.id))
	}
	return b.relay.Execute(t)
}

// letters records dead letters.
type letters struct {
	s      *spec
	out    *topology.Collector
	record *recorder
}

// Open makes the file.
func (b *letters) Open(_ context.Context, task *topology.Task, out *topology.Collector) (err error) {
	b.out = out
	b.record, err = newRecorder(b.s.Dir, "leaf", task.Component, task.Index)
	return err
}

// Execute takes one letter.
func (b *letters) Execute(t *topology.Tuple) error {
	id, err := t.Int(topology.DeadLetterID)
	if err != nil {
		return err
	}
	way := soundLetter
	if !sound(t, id) {
		way = brokenLetter
	}
	b.record.add(uint64(way)<<wayBits|uint64(id), 0)
	if err := b.record.write(); err != nil {
		return err
	}
	return b.out.Ack(t.Anchor())
}

// sound reports whether a letter says what has happened.
func sound(t *topology.Tuple, id int64) bool {
	tries, err1 := t.Int(topology.DeadLetterTries)
	component, err2 := t.String(topology.DeadLetterComponent)
	task, err3 := t.Int(topology.DeadLetterTask)
	cause, err4 := t.String(topology.DeadLetterCause)
	stack, err5 := t.String(topology.DeadLetterStack)
	payload, err6 := t.Bytes(topology.DeadLetterPayload)
	for _, err := range []error{err1, err2, err3, err4, err5, err6} {
		if err != nil {
			return false
		}
	}
	return tries == poisonTries && component == fragileName && task > 0 && len(payload) > 0 &&
		strings.Contains(cause, fmt.Sprintf("poison %d", id)) && strings.Contains(stack, "(*fragile).Execute")
}

// Close closes the file.
func (b *letters) Close() error { return b.record.close() }

// TestPoison has one in a hundred tuples panic. Each of them, and no other, must
// become a dead letter once; all others must arrive once; nobody must die.
func TestPoison(t *testing.T) {
	leaktest.Check(t)
	few := 50_000
	if testing.Short() {
		few = 5_000
	}
	n := orElse(*poisoned, few)
	s := &spec{Kind: "poison", Tuples: uint64(n), Hold: 64, Timeout: topology.MaxMessageTimeout, Retries: poisonTries - 1}
	r := begin(t, s, local.Options{})
	res := r.wait()
	records, err := readRecords(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var v verdict
	f := v.fateOf(records, numbersName, 0, s.Tuples)
	arrived, dead, broken := countWords(records, leafName, 1, n), countWords(records, lettersName, soundLetter, n), countWords(records, lettersName, brokenLetter, n)
	wrong := 0
	for id := range uint64(n) {
		bad := poisonous(id)
		ok := f.failed[id] == bad && f.acked[id] == !bad && (dead[id] == 1) == bad && dead[id] <= 1 && (arrived[id] == 1) == !bad && arrived[id] <= 1
		if ok && broken[id] == 0 {
			continue
		}
		if wrong++; wrong <= 10 {
			t.Errorf("tuple %d: acked %v, failed %v, arrived %d times, %d letters, %d broken ones", id, f.acked[id], f.failed[id], arrived[id], dead[id], broken[id])
		}
	}
	if wrong > 0 || v.invented > 0 {
		t.Errorf("%d of %d tuples have another end than they should, %d are invented", wrong, n, v.invented)
	}
	panics := int64(0)
	for _, p := range res.Sample.Processes {
		if p.Restarts != 0 {
			t.Errorf("%s was restarted: %s", p.Name(), p.LastDeath)
		}
	}
	for _, ts := range res.Sample.Tasks() {
		panics += ts.Metrics.Panics
	}
	if want := int64(n / poisonEvery * poisonTries); panics != want {
		t.Errorf("%d panics, want %d", panics, want)
	}
	t.Logf("%d tuples, %d panics, %d dead letters", n, panics, n/poisonEvery)
}

// countWords counts how often each of n tuples has come to a component by a way.
func countWords(records []record, component string, way, n int) []uint8 {
	count := make([]uint8, n)
	for i := range records {
		r := &records[i]
		if r.kind != "leaf" || r.component != component {
			continue
		}
		for b := range r.blocks {
			r.blocks[b].each(func(word uint64) {
				if id := word & idMask; id < uint64(n) && int(word>>wayBits) == way && count[id] < 255 {
					count[id]++
				}
			})
		}
	}
	return count
}
