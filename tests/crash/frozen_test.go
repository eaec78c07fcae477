package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// TestFrozen stops instances, has others started in their place, and wakes them
// when those work. What the zombies still have to say must change nothing, and
// they must see that they are not wanted any more.
func TestFrozen(t *testing.T) {
	leaktest.Check(t)
	few := 4
	if testing.Short() {
		few = 2
	}
	n := orElse(*frozen, few)
	for i, containers := range []int{1, 2} {
		t.Run(strconv.Itoa(containers), func(t *testing.T) {
			s := &spec{Kind: kinds[2*i], Rate: pacedRate, Hold: 64, HoldFor: 2 * time.Millisecond, Retries: 100}
			r := begin(t, s, local.Options{Containers: containers, MaxRestarts: 1 << 20})
			rng := random(t)
			for range (n + 1) / 2 {
				r.flowing()
				r.freeze(rng)
			}
			r.flowing()
			sample, err := r.Sample(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			refused := 0
			for _, p := range sample.Processes {
				if p.Manager != nil {
					refused += int(p.Manager.Refused["duplicate"])
				}
			}
			// A zombie ends because its stream manager refuses it, and for nothing else.
			if zombies := (n + 1) / 2; refused < zombies {
				t.Errorf("%d zombies have ended, %d of their links were refused", zombies, refused)
			}
			r.stop()
			res := r.wait()
			v, _ := r.judged()
			if v.failed > 0 {
				t.Errorf("%d tuples were given up", v.failed)
			}
			r.toldOf(timedOut(res.Sample))
			t.Logf("%d zombies, %d of their links refused; %d tuples, %d lost, %d duplicates", (n+1)/2, refused, v.emitted, v.lost, v.duplicates)
		})
	}
}

// freeze makes a zombie of one instance, lets its successor work, and waits for the zombie's end.
func (r *run) freeze(rng *rand.Rand) {
	r.t.Helper()
	victims := slices.DeleteFunc(r.Processes(), func(p local.Process) bool { return p.Role != local.RoleInstance })
	p := victims[rng.IntN(len(victims))]
	h, ok := hold(p.PID)
	if !ok {
		r.t.Fatalf("process %d of %v is gone", p.PID, p.Components)
	}
	defer h.close()
	if !h.signal(unix.SIGSTOP) {
		r.t.Fatalf("process %d cannot be stopped", p.PID)
	}
	if err := r.Replace(p.Tasks[0]); err != nil {
		r.t.Fatal(err)
	}
	c := r.plan.ComponentOf(p.Tasks[0])
	next := slices.IndexFunc(r.Processes(), func(q local.Process) bool { return slices.Equal(q.Tasks, p.Tasks) })
	name := fmt.Sprintf("first_%s_%d_%d", c.Name, p.Tasks[0]-c.FirstTask, r.Processes()[next].PID)
	until(r.t, "the first tuple of the successor of "+p.Name(), func() bool {
		_, err := os.Stat(filepath.Join(r.spec.Dir, name))
		return err == nil
	})
	if !h.signal(unix.SIGCONT) {
		r.t.Fatalf("process %d cannot be woken", p.PID)
	}
	if !h.wait() {
		r.t.Errorf("the zombie of %s does not end", p.Name())
	}
}
