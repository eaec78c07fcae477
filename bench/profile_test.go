package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/profiles"
)

func TestProfileModes(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := short()
	c.Spouts, c.Bolts = 1, 1
	c.InProcess, c.Modes, c.Containers, c.Duration = false, []string{"naive", "optimized"}, 2, 500*time.Millisecond
	c.ProfileDir = filepath.Join(t.TempDir(), "profiles")
	summaries, err := ProfileModes(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]profiles.Summary{}
	for _, s := range summaries {
		found[s.Variant+" "+s.Role] = s
		for _, f := range s.Files {
			if _, err := os.Stat(f); err != nil {
				t.Error(err)
			}
		}
	}
	for _, mode := range c.Modes {
		parts := 0.0
		for _, role := range []string{RoleSpouts, RoleManagers, RoleBolts} {
			s, there := found[mode+" "+role]
			if !there && role == RoleManagers { // others may have had too little to do for a sample
				t.Errorf("there is no summary of %s in %s", role, mode)
			}
			parts += s.CPUSeconds
		}
		all := found[mode+" "+RoleAll]
		if len(all.Files) != 4 || all.CPUSeconds <= 0 || all.NanosPerTuple <= 0 || all.CPUSeconds-parts > 1e-6 || parts-all.CPUSeconds > 1e-6 {
			t.Errorf("%s: %d files, %v s, the parts %v s, %v ns", mode, len(all.Files), all.CPUSeconds, parts, all.NanosPerTuple)
		}
	}
}

// TestCPUTimeOfProfilesIsAccounted has processes that used more than was sampled.
func TestCPUTimeOfProfilesIsAccounted(t *testing.T) {
	at := func(user float64, tuples float64) *reading {
		usage := func(share float64) local.Usage { return local.Usage{UserSeconds: share * user} }
		spout := local.ProcessSample{Process: local.Process{Role: local.RoleInstance}, Usage: usage(2), Instances: []local.TaskSample{{Spout: true}}}
		bolt := local.ProcessSample{Process: local.Process{Role: local.RoleInstance}, Usage: usage(3), Instances: []local.TaskSample{{}}}
		manager := local.ProcessSample{Process: local.Process{Role: local.RoleManager}, Usage: usage(1)}
		return &reading{
			parts:  []part{{tuples: tuples}},
			sample: &local.Sample{Processes: []local.ProcessSample{manager, spout, bolt, bolt}, Launcher: usage(10)},
		}
	}
	s := spentBetween(at(1, 1000), at(3, 2000))
	for role, want := range map[string]float64{RoleManagers: 2e6, RoleSpouts: 4e6, RoleBolts: 12e6, RoleAll: 18e6, RoleMixed: 0} {
		if got := s.nanos(role); got != want {
			t.Errorf("%s: %v ns, want %v", role, got, want)
		}
	}
	alone := &reading{parts: []part{{}}, sample: &local.Sample{}}
	later := &reading{parts: []part{{tuples: 10}}, sample: &local.Sample{Launcher: local.Usage{UserSeconds: 1}}}
	if got := spentBetween(alone, later).nanos(RoleAll); got != 1e8 {
		t.Errorf("in one process %v ns, want 1e8", got)
	}
}

func TestProfileModesInOneProcess(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Modes, c.Duration = []string{"optimized"}, 200*time.Millisecond
	summaries, err := ProfileModes(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(summaries) != 1 || summaries[0].Role != RoleAll || len(summaries[0].Files) != 0 {
		t.Errorf("%+v", summaries)
	}
}

func TestProfileModesEndsWithItsContext(t *testing.T) {
	leaktest.Check(t)
	c := short()
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	c.Progress = func(string) { cancel(enough) }
	if _, err := ProfileModes(ctx, c); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	c.Modes = []string{"quick"}
	if _, err := ProfileModes(t.Context(), c); err == nil {
		t.Error("a mode that is not there is profiled")
	}
}
