package instance

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/tracker"
	"github.com/ardea-stream/ardea/wire"
)

// positionFile makes a file that holds a position.
func positionFile(t *testing.T, id uint64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "position")
	p, err := tracker.OpenPosition(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Set(id), p.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// position reads the position that a file holds.
func position(t *testing.T, path string) uint64 {
	t.Helper()
	p, err := tracker.OpenPosition(path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	id, ok := p.Get()
	if !ok {
		t.Fatal("no position is kept")
	}
	return id
}

// TestRestartedSpout has one incarnation of a spout after the other go on where the one before stopped.
func TestRestartedSpout(t *testing.T) {
	leaktest.Check(t)
	path := filepath.Join(t.TempDir(), "position")
	start := func(restarts int) (*replaying, *running, *peer) {
		src := newReplaying(6, io.EOF)
		m := newManager(t, trackedTopology(t, src, nil, delivery, false))
		r := m.run(srcTask, func(c *Config) { c.Restarts, c.PositionFile = restarts, path })
		return src, r, m.welcome(plenty)
	}
	src, r, p := start(0)
	all := p.words("0", "1", "2", "3", "4", "5")
	p.send(acks(all[0], all[1], all[3]))
	src.expect(t, "ack 0", "ack 1", "ack 3")
	r.stop()
	if got := position(t, path); got != 2 {
		t.Fatalf("position is %d", got)
	}

	src, r, p = start(1)
	src.expect(t, "seek 2")
	again := p.words("2", "3", "4", "5")
	for i, s := range again {
		if want := uint64(1)<<incarnationShift + uint64(i+1); s.seq() != want {
			t.Errorf("sequence number is %d, want %d", s.seq(), want)
		}
	}
	p.send(acks(all...)) // of the dead incarnation
	p.silent()
	src.quiet(t)
	r.stop()
	if got := position(t, path); got != 2 {
		t.Fatalf("position is %d", got)
	}

	src, r, p = start(2)
	src.expect(t, "seek 2")
	p.send(acks(p.words("2", "3", "4", "5")...))
	finished(t, p, r, srcStream)
	src.expect(t, "ack 2", "ack 3", "ack 4", "ack 5")
	if got := position(t, path); got != 6 {
		t.Fatalf("position is %d", got)
	}

	src, r, p = start(3)
	finished(t, p, r, srcStream)
	src.expect(t, "seek 6")
	if got := position(t, path); got != 6 {
		t.Fatalf("position is %d", got)
	}
}

// TestStoppedInReplay checks that the position does not pass a tuple whose replay did not happen.
func TestStoppedInReplay(t *testing.T) {
	leaktest.Check(t)
	path := filepath.Join(t.TempDir(), "position")
	src := newReplaying(1, topology.ErrIdle)
	src.onReplay = func(id uint64) error {
		untracked := topology.String("untracked")
		return errors.Join(src.counted.out.Emit(untracked), src.counted.out.Emit(untracked), src.emit(id))
	}
	m := newManager(t, trackedTopology(t, src, nil, delivery, false))
	r := m.run(srcTask, func(c *Config) { c.PositionFile, c.MinBatch, c.MaxBatch = path, 1, 1 })
	p := m.welcome(1)
	_, body := p.expect(wire.KindData)
	p.grant(wire.HeaderSize + len(body)) // enough for one frame
	p.tell(wire.KindLost, workTask, 0)
	p.words("untracked") // the next waits for credit, and the tuple for that
	r.stop()
	if got := position(t, path); got != 0 {
		t.Errorf("position is %d, and tuple 0 is not complete", got)
	}
}

func TestForeignPositionFile(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	diary := filepath.Join(dir, "diary")
	if err := os.WriteFile(diary, []byte("dear diary, today I was taken for a position"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{diary: "diary", dir: "directory", filepath.Join(dir, "no", "such"): "no such file"} {
		src := newReplaying(1, io.EOF)
		closed := 0
		src.close = func() error { closed++; return nil }
		m := newManager(t, trackedTopology(t, src, nil, delivery, false))
		r := m.run(srcTask, func(c *Config) { c.PositionFile = path })
		m.welcome(plenty)
		err := r.wait()
		var te *TaskError
		if !errors.As(err, &te) || te.Op != opSave || !strings.Contains(err.Error(), want) || closed != 1 {
			t.Errorf("%s: Run returned %v, Close was called %d times", path, err, closed)
		}
		if path == diary && !errors.Is(err, tracker.ErrPosition) {
			t.Errorf("Run returned %v", err)
		}
		src.quiet(t)
	}
}

// TestPositionPassesNothing drives the tracked part of a spout by random acks,
// fails, losses and replays. The position is never beyond a tuple, or a dead
// letter, that is not complete, and it is right behind the last when all are.
func TestPositionPassesNothing(t *testing.T) {
	leaktest.Check(t)
	rapid.Check(t, func(rt *rapid.T) {
		letters := rapid.Bool().Draw(rt, "letters")
		src := newReplaying(0, io.EOF)
		k, peer := newStill(t, src, letters)
		src.counted.out = k.out
		edges := map[uint64]uint64{}
		p, err := tracker.OpenPosition(filepath.Join(t.TempDir(), "position"))
		if err != nil {
			rt.Fatal(err)
		}
		k.position = p
		var next uint64
		done := map[uint64]bool{}
		low := func() (id uint64) {
			for done[id] {
				id++
			}
			return id
		}
		k.ring.Done = nil // so that the test hears of them at once
		k.ring.Completed = func(id uint64, dead bool) {
			done[id] = true
			if k.complete(id, dead); !dead && k.acker != nil {
				k.completed = append(k.completed, id)
			}
		}
		first := uint64(1) // sequence numbers below are not under way
		step := func(what int) {
			seq := first + uint64(rapid.IntRange(0, int(min(k.ring.Next()-first, 20))).Draw(rt, "tuple"))
			switch what {
			case 0, 1, 2:
				if !k.full() {
					next += rapid.SampledFrom([]uint64{0, 0, 3}).Draw(rt, "gap")
					for id := uint64(0); id < next; id++ {
						if _, known := done[id]; !known {
							done[id] = true // never emitted
						}
					}
					done[next] = false
					if err := src.emit(next); err != nil {
						rt.Fatal(err)
					}
					next++
				}
			case 3, 4, 5:
				k.ring.Ack(seq, edges[seq])
			case 6:
				if e, ok := k.ring.Fail(seq); ok {
					k.drop(e, &topology.Failure{Reason: topology.ReasonFailed})
					if !letters && int(e.Tries) == k.delivery.MaxRetries || e.Dead && int(e.Tries) == k.delivery.MaxRetries {
						done[e.ID] = true // given up for good
					}
				}
			case 7:
				k.loseAll()
			default:
				if err := errors.Join(k.tell(), k.replay(k.clock()+int64(patience))); err != nil {
					rt.Fatal(err)
				}
			}
		}
		check := func() {
			if err := errors.Join(k.save(), k.out.Flush()); err != nil {
				rt.Fatal(err)
			}
			for uint64(len(edges)) < k.ring.Next()-1 {
				h, body := peer.expect(wire.KindData)
				for _, s := range seenIn(t, h, body) {
					edges[s.seq()] = s.edge
				}
			}
			got, known := p.Get()
			if known && got != low() || !known && next > 0 {
				rt.Fatalf("position is %d (%v), want %d", got, known, low())
			}
		}
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			step(rapid.IntRange(0, 9).Draw(rt, "step"))
			check()
		}
		for k.pending() > 0 {
			step(9)
			check() // which learns the edges
			for ; first < k.ring.Next(); first++ {
				k.ring.Ack(first, edges[first])
			}
			check()
		}
		if len(k.dead.why) != 0 {
			rt.Fatalf("%d dead letters are kept", len(k.dead.why))
		}
	})
}
