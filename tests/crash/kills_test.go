package crash

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// Rates of the topologies that processes are killed in: a load that this
// machine carries, and for a branch that is not touched one that shows a dip.
const (
	pacedRate = 5000
	asideRate = 5000
	// killEvery is the average time between two kills.
	killEvery = 300 * time.Millisecond
	// warmUp is the time before the first kill, for the rates before it.
	warmUp = time.Second
)

// TestKills kills instances and stream managers of running topologies with
// SIGKILL, again and again at random times. Nothing may be lost.
func TestKills(t *testing.T) {
	leaktest.Check(t)
	type variant struct {
		kind       string
		containers int
		rate       int
	}
	// Each topology in one and two containers, alternately under as much load as goes.
	var variants []variant
	for i, kind := range kinds {
		for containers := 1; containers <= 2; containers++ {
			variants = append(variants, variant{kind, containers, pacedRate * ((i + containers) % 2)})
		}
	}
	instances, managers := *instanceKills, *managerKills
	if instances == 0 && managers == 0 {
		instances, managers = 16, 6
		variants = []variant{variants[1], variants[2], variants[5], variants[7]}
		if testing.Short() {
			instances, managers = 4, 2
			variants = variants[2:]
		}
	}
	for i, v := range variants {
		share := func(n int) int { return (n + len(variants) - 1 - i) / len(variants) }
		t.Run(fmt.Sprintf("%s-%d", v.kind, v.containers), func(t *testing.T) {
			s := &spec{Kind: v.kind, Rate: v.rate, Aside: asideRate, Hold: 64, HoldFor: 2 * time.Millisecond, Retries: 100}
			killRun(t, s, v.containers, share(instances), share(managers))
		})
	}
	if *strict {
		for _, note := range summary.exceeded() {
			t.Error(note)
		}
	}
}

// killRun runs a topology, kills some of its processes and checks what came of it.
func killRun(t *testing.T, s *spec, containers, instances, managers int) {
	t.Helper()
	r := begin(t, s, local.Options{Containers: containers, MaxRestarts: 1 << 20, Mode: *mode})
	r.flowing()
	time.Sleep(warmUp) // not for an event: for figures to compare with
	k := &killer{r: r, rng: random(t), average: killEvery}
	k.kill(instances, managers)
	r.flowing()
	r.stop()
	res := r.wait()
	v, records := r.judged()
	if v.failed > 0 {
		t.Errorf("%d tuples were given up", v.failed)
	}
	late := timedOut(res.Sample)
	r.toldOf(late)
	all := recoveries(r, k.kills, records)
	var shares []float64
	if s.Rate > 0 { // else nobody has the processor for himself before a kill either
		shares = dips(all, records)
	}
	run := tally{}
	run.include(v, all, shares, late)
	summary.include(v, all, shares, late)
	t.Logf("\n%s", run.String())
	if slowest := slices.MaxFunc(all, func(a, b recovery) int { return cmp.Compare(a.took, b.took) }); slowest.took > managerBound {
		t.Logf("slowest to recover, killed %v after the first: %+v; deaths of their own: %q",
			time.Duration(slowest.at-all[0].at), slowest, ownDeaths(res))
	}
}

// ownDeaths returns how processes have died that nobody has killed.
func ownDeaths(res *local.Result) (causes []string) {
	for i := range res.Deaths {
		if d := &res.Deaths[i]; d.Hung || d.Signal != "killed" {
			causes = append(causes, d.Name()+": "+d.Cause())
		}
	}
	return causes
}
