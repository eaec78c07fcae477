package crash

import (
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// TestKillsAtTheStart kills processes of a run that has just begun: no tuple
// need have gone its way, and no task need have connected.
func TestKillsAtTheStart(t *testing.T) {
	leaktest.Check(t)
	for i, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			r, k := beginToKill(t, kind, 1+i%2)
			k.kill(3, 1)
			r.flowing()
			r.stop()
			r.allTold()
		})
	}
}

// TestKillsAtTheEnd kills processes of a run whose spouts emit their last tuples,
// and whose streams end one by one.
func TestKillsAtTheEnd(t *testing.T) {
	leaktest.Check(t)
	for i, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			r, k := beginToKill(t, kind, 1+i%2)
			r.flowing()
			r.stop()
			k.tryToKill(12)
			r.allTold()
		})
	}
}

// beginToKill starts a run and a killer in haste.
func beginToKill(t *testing.T, kind string, containers int) (*run, *killer) {
	t.Helper()
	s := &spec{Kind: kind, Rate: pacedRate, Hold: 64, HoldFor: 2 * time.Millisecond, Retries: 100}
	r := begin(t, s, local.Options{Containers: containers, MaxRestarts: 1 << 20})
	return r, &killer{r: r, rng: random(t), average: 20 * time.Millisecond}
}

// allTold waits for the end of a run in which nothing may be lost, given up, or found by a timeout.
func (r *run) allTold() {
	r.t.Helper()
	res := r.wait()
	if v, _ := r.judged(); v.failed > 0 {
		r.t.Errorf("%d tuples were given up", v.failed)
	}
	r.toldOf(timedOut(res.Sample))
}

// tryToKill kills up to so many processes, fewer if they have ended before.
func (k *killer) tryToKill(n int) {
	for range n {
		// A time, not an event: the point is that it may be any.
		time.Sleep(time.Duration(k.rng.ExpFloat64() * float64(k.average)))
		role := local.RoleInstance
		if k.rng.IntN(4) == 0 {
			role = local.RoleManager
		}
		if d, ok := k.strike(role); ok {
			k.kills = append(k.kills, d)
		}
	}
	k.r.t.Logf("%d of %d kills", len(k.kills), n)
}
