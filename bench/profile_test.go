package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/profiles"
)

func TestProfileModes(t *testing.T) {
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
