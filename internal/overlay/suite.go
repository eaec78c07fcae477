package overlay

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// Suite is the bugs that the tests of a package must find. The test's folder is the package's.
type Suite struct {
	Package string // its name
	Env     string // variable of the program's environment that chooses a bug
	Plants  []Plant
	// Args returns what the program is given beside the name of a test, which is to find a bug or, without one, to pass.
	// nil stands for nothing.
	Args func(run string, bug bool) []string
	// Parallel lets the bugs be looked for at the same time.
	Parallel bool
}

// Places checks that there is a place for every bug.
func (s *Suite) Places(tb testing.TB) {
	tb.Helper()
	Planted(tb, s.Package, s.Env, s.Plants)
}

// Run builds the program of the tests with all bugs, one of which can be chosen at a time, and has each found by the test
// that is there for it. With none of them chosen the same program must pass.
func (s *Suite) Run(t *testing.T) {
	t.Helper()
	leaktest.Check(t)
	if testing.Short() || invariants.Enabled {
		t.Skip("builds a program, which once is enough")
	}
	if os.Getenv(s.Env) != "" {
		t.Skip("this is the program")
	}
	program := filepath.Join(t.TempDir(), "planted.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-pgo=off", "-overlay", Planted(t, s.Package, s.Env, s.Plants),
		"-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var runs []string
	for _, p := range s.Plants {
		if !slices.Contains(runs, p.Run) {
			runs = append(runs, p.Run)
		}
		t.Run(p.Name, func(t *testing.T) {
			s.parallel(t)
			out, err := s.try(t, program, p.Run, p.Name)
			if err == nil {
				t.Errorf("%s does not find it:\n%s", p.Run, out)
			} else if !regexp.MustCompile(p.Says).MatchString(out) {
				t.Errorf("%s does not say %q:\n%.3000s", p.Run, p.Says, out)
			}
		})
	}
	for _, run := range runs {
		t.Run("none/"+run, func(t *testing.T) {
			s.parallel(t)
			if out, err := s.try(t, program, run, ""); err != nil {
				t.Errorf("%s fails without a bug: %v\n%.3000s", run, err, out)
			}
		})
	}
}

func (s *Suite) parallel(t *testing.T) {
	t.Helper()
	if s.Parallel {
		t.Parallel()
	}
}

// try runs a test with a bug, none if its name is empty, and returns what it says.
func (s *Suite) try(t *testing.T, program, run, bug string) (string, error) {
	t.Helper()
	args := []string{"-test.run", "^(" + run + ")$"}
	if s.Args != nil {
		args = append(args, s.Args(run, bug != "")...)
	}
	if bug == "" {
		bug = "none"
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), s.Env+"="+bug)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
