package crash

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/internal/overlay"
)

// envPlanted names the bug of a program that was built with all of them.
const envPlanted = "ARDEA_PLANTED"

// plant is a bug: a place in the engine, what stands there instead when the bug
// is chosen, and the test that must find it.
type plant struct {
	name     string
	file     string
	old, bug string
	run      string   // test
	says     string   // what it must say, a regular expression
	args     []string // of the test, beyond those that make it give up soon
}

// plants are the bugs that the suite must find. planted is the name of the
// chosen one, a variable that is added to the package.
var plants = []plant{
	{
		name: "ack before processing", file: "topology/anchors.go",
		old:  "		if err != nil && c.entry(a.taken) != nil {\n",
		bug:  "		if e := c.entry(a.taken); planted && e != nil && e.tracked() {\n\t\t\tk.ack(e)\n\t\t\te.roots, e.only.seq = e.roots[:0], 0\n\t\t}\n",
		run:  "TestKilledCollector",
		says: `was acked and is not on record`,
	},
	{
		name: "exclusive or of the wrong edge", file: "topology/anchors.go",
		old:  "func (k *tracking) ack(e *received) {\n",
		bug:  "	if planted {\n\t\te.word ^= e.edge >> 1\n\t}\n",
		run:  "TestUndisturbed/chain",
		says: `\d+ tuples were given up|the run hangs`, // whichever comes first
	},
	{
		name: "the timeout never fires", file: "instance/tracked.go",
		old:  "func (k *tracked) expire(now int64) {\n",
		bug:  "	if planted {\n\t\treturn\n\t}\n",
		run:  "TestForgetfulBolt",
		says: `the run hangs`,
	},
	{
		name: "replay is skipped", file: "instance/tracked.go",
		old:  "func (k *tracked) drop(e tracker.Entry, f *topology.Failure) {\n",
		bug:  "	if planted && f.Reason == topology.ReasonLost {\n\t\treturn\n\t}\n",
		run:  "TestKilledCollector",
		says: `was neither acked nor failed`,
	},
	{
		name: "the incarnation is ignored", file: "dataplane/handshake.go",
		old:  "	if h.Incarnation < d.out.newest {",
		bug:  "	if planted {\n\t\th.Incarnation = d.out.newest\n\t}\n",
		run:  "TestFrozen/1",
		says: `the zombie of .* does not end`,
	},
	{
		name: "lost frames are not sent", file: "dataplane/lost.go",
		old:  "func (lp *loop) sendLost(l *link, task uint32) {\n",
		bug:  "	if planted {\n\t\treturn\n\t}\n",
		run:  "TestNetwork/resets_inside_frames",
		says: `by the message timeout only`,
		args: []string{"-messages", "2s", "-stall", "20s", "-patience", "20s"},
	},
}

const root = "../.."

// place returns the file with the bug in it. The old text must be there exactly once.
func (p *plant) place(t *testing.T, text string) string {
	t.Helper()
	if n := strings.Count(text, p.old); n != 1 {
		t.Fatalf("%s: the place for %q is there %d times", p.file, p.name, n)
	}
	bug := strings.ReplaceAll(p.bug, "planted", variable(p.name))
	if strings.HasSuffix(p.old, "{\n") && !strings.HasPrefix(strings.TrimSpace(p.old), "if err") {
		return strings.Replace(text, p.old, p.old+bug, 1)
	}
	return strings.Replace(text, p.old, bug+p.old, 1)
}

// variable is the name of the variable that says whether a bug is chosen.
func variable(name string) string {
	return "planted" + strings.ReplaceAll(name, " ", "")
}

// planted writes the files with all bugs and returns the argument of -overlay.
func planted(t *testing.T) string {
	t.Helper()
	texts, variables := map[string]string{}, map[string]string{}
	for i := range plants {
		p := &plants[i]
		path, err := filepath.Abs(filepath.Join(root, p.file))
		if err != nil {
			t.Fatal(err)
		}
		if texts[path] == "" {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[path] = string(b)
		}
		texts[path] = p.place(t, texts[path])
		pkg := filepath.Dir(path)
		if variables[pkg] == "" {
			variables[pkg] = "package " + filepath.Base(pkg) + "\n\nimport \"os\"\n"
		}
		variables[pkg] += "\nvar " + variable(p.name) + " = os.Getenv(\"" + envPlanted + "\") == \"" + p.name + "\"\n"
	}
	for pkg, text := range variables {
		texts[filepath.Join(pkg, "planted.go")] = text
	}
	return overlay.Write(t, texts)
}

// TestPlants checks that there is a place for every bug.
func TestPlants(t *testing.T) { planted(t) }

// TestPlanted builds this program with all bugs, one of which can be chosen at a
// time, and has each found by the test that is there for it. With none of them
// chosen the same program must pass.
func TestPlanted(t *testing.T) {
	leaktest.Check(t)
	if testing.Short() || !invariants.Enabled && !*thorough {
		t.Skip("builds a program, which once is enough")
	}
	if os.Getenv(envPlanted) != "" {
		t.Skip("this is the program")
	}
	program := filepath.Join(t.TempDir(), "planted.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-pgo=off", "-overlay", planted(t), "-o", program, "./tests/crash")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i := range plants {
		p := &plants[i]
		t.Run(p.name, func(t *testing.T) {
			out, err := p.try(t, program, p.name)
			if err == nil {
				t.Errorf("%s does not find it:\n%s", p.run, out)
			} else if !regexp.MustCompile(p.says).MatchString(out) {
				t.Errorf("%s does not say %q:\n%s", p.run, p.says, out)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		for i := range plants {
			if out, err := plants[i].try(t, program, "none"); err != nil {
				t.Errorf("%s fails without a bug: %v\n%s", plants[i].run, err, out)
			}
		}
	})
}

// try runs the test for a bug in the program, with a bug chosen.
func (p *plant) try(t *testing.T, program, bug string) (string, error) {
	t.Helper()
	args := []string{"-test.run", "^" + strings.ReplaceAll(p.run, "/", "$/^") + "$"}
	if bug == p.name {
		args = append(args, "-stall", "6s", "-patience", "4s") // it is to fail
		args = append(args, p.args...)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), envPlanted+"="+bug)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
