package local_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// labelled sums the sampled time by the value of a label; what has none is under "".
func labelled(p *profile.Profile, label string) map[string]int64 {
	times := map[string]int64{}
	for _, s := range p.Sample {
		times[strings.Join(s.Label[label], "+")] += s.Value[len(s.Value)-1]
	}
	return times
}

func TestCPUProfilesHaveLabels(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	o := options(t, args)
	o.Containers = 1
	c := start(t.Context(), t, args, o)
	awaitFlow(t, c)
	missing := map[string]bool{}
	for _, p := range c.Processes() {
		missing[p.Name()] = true
	}
	for try := 0; len(missing) > 0; try++ { // a process that had little to do may have no sample of its task
		if try == 50 {
			t.Fatalf("no samples with the labels of %v", slices.Collect(maps.Keys(missing)))
		}
		for _, p := range record(t, c, local.ProfileCPU) {
			if hasLabels(t, p) {
				delete(missing, p.Process)
			}
		}
	}
	c.Drain()
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
}

// hasLabels reports whether the CPU profile of a process has samples with its
// labels. Samples with those of another are an error.
func hasLabels(t *testing.T, p local.Profile) bool {
	t.Helper()
	want := map[string]string{"component": "stream-manager", "stage": "route", "container": "1"}
	if p.Role == local.RoleInstance {
		stage := "bolt"
		if p.Spout {
			stage = "spout"
		}
		task := p.Process[strings.LastIndex(p.Process, "-")+1:]
		want = map[string]string{"component": p.Components[0], "stage": stage, "task": task}
	}
	prof := parse(t, p.Path)
	all := true
	for label, value := range want {
		times := labelled(prof, label)
		all = all && times[value] > 0
		for other := range times {
			if other != value && other != "" && label != "stage" {
				t.Errorf("%s: samples with %s=%s", p.Process, label, other)
			}
		}
	}
	return all
}

// In one process the labels are what tells tasks apart.
func TestLabelsTellTasksOfOneProcessApart(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	o := options(t, args)
	o.InProcess, o.Containers = true, 2
	c := start(t.Context(), t, args, o)
	awaitFlow(t, c)
	missing := map[string]bool{"numbers": true, "twice": true, "sum": true, "stream-manager": true}
	var profiles []local.Profile
	for try := 0; len(missing) > 0; try++ {
		if try == 50 {
			t.Fatalf("no time is that of %v", slices.Collect(maps.Keys(missing)))
		}
		profiles = record(t, c, local.ProfileCPU, local.ProfileGoroutine)
		for name, nanos := range labelled(parse(t, profiles[0].Path), "component") {
			if nanos > 0 {
				delete(missing, name)
			}
		}
	}
	goroutines := parse(t, profiles[1].Path)
	for label, values := range map[string][]string{
		"stage":     {"spout", "bolt", "route", "accept", "clock", "dial"},
		"task":      {"1", "2", "3", "4", "5", "6"},
		"container": {"1", "2"},
	} {
		got := labelled(goroutines, label)
		for _, v := range values {
			if got[v] == 0 {
				t.Errorf("no goroutine has %s=%s: %s", label, v, fmt.Sprint(got))
			}
		}
	}
}
