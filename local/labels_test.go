package local_test

import (
	"fmt"
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
	for _, p := range record(t, c, local.ProfileCPU) {
		prof := parse(t, p.Path)
		want := map[string]string{"component": "stream-manager", "stage": "route", "container": "1"}
		if p.Role == local.RoleInstance {
			stage := "bolt"
			if p.Spout {
				stage = "spout"
			}
			task := p.Process[strings.LastIndex(p.Process, "-")+1:]
			want = map[string]string{"component": p.Components[0], "stage": stage, "task": task}
		}
		for label, value := range want {
			times := labelled(prof, label)
			var all int64
			for _, v := range times {
				all += v
			}
			if all > 0 && times[value] == 0 { // a process that had little to do may have no sample
				t.Errorf("%s: no samples with %s=%s: %v", p.Process, label, value, times)
			}
		}
	}
	c.Drain()
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
}

// In one process the labels are what tells tasks apart.
func TestLabelsTellTasksOfOneProcessApart(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	o := options(t, args)
	o.InProcess, o.Containers = true, 2
	c := start(t.Context(), t, args, o)
	awaitFlow(t, c)
	profiles := record(t, c, local.ProfileCPU, local.ProfileGoroutine)
	components := labelled(parse(t, profiles[0].Path), "component")
	for _, name := range []string{"numbers", "twice", "sum", "stream-manager"} {
		if components[name] == 0 {
			t.Errorf("no time is %s's: %v", name, components)
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
