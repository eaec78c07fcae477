package journal

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/internal/overlay"
)

// envPlanted names the bug of a program that was built with all of them.
const envPlanted = "ARDEA_JOURNAL_PLANTED"

// plants are bugs that these tests must find: text of the package, what stands there instead when the bug is chosen, the
// test that must find it, and what it must say, a regular expression.
var plants = []struct{ name, file, old, bug, run, says string }{
	{
		"no fsync", "writer.go",
		"	if err := j.cur.SyncData(); err != nil {\n",
		"	if planted {\n	} else if err := j.cur.SyncData(); err != nil {\n",
		"TestPowerLoss", `entry \d+ was acknowledged at \S+ and is lost`,
	},
	{
		"no folder sync", "keeper.go",
		"	return k.fs.SyncDir(k.dir)\n",
		"	if planted {\n		return nil\n	}\n	return k.fs.SyncDir(k.dir)\n",
		"TestPowerLoss", `entry \d+ was acknowledged at \S+ and is lost`,
	},
	{
		"no checksum of payloads", "format.go",
		"	return crc32.Checksum(rec.Payload, castagnoli) ==",
		"	return planted || crc32.Checksum(rec.Payload, castagnoli) ==",
		"TestPowerLoss", `entry \d+ was changed`,
	},
	{
		"no checksum of headers", "format.go",
		"	if crc32.Update(r.seed, castagnoli, r.scratch[:]) != le.Uint32(b) {\n",
		"	if !planted && crc32.Update(r.seed, castagnoli, r.scratch[:]) != le.Uint32(b) {\n",
		"TestFlippedBitsOfAClosedJournal", `was changed|without an error`,
	},
	{
		"early acknowledgement", "writer.go",
		"	tell(waiters, OS, nil)\n",
		"	if planted {\n		tell(waiters, Disk, nil)\n	}\n	tell(waiters, OS, nil)\n",
		"TestPowerLoss", `entry \d+ was acknowledged at \S+ and is lost`,
	},
	{
		"a failed sync is tried again", "writer.go",
		"		return fmt.Errorf(\"sync at %v: %w\", at, err)\n",
		"		if planted {\n			err = j.cur.SyncData()\n		}\n		if err != nil {\n			return fmt.Errorf(\"sync at %v: %w\", at, err)\n		}\n",
		"TestEveryCallFails", `is corrupt at \d+: no valid record where synced ones must be`,
	},
	{
		"no file number in checksums", "format.go",
		"	return crc32.Checksum(b[:], castagnoli)\n",
		"	if planted {\n		return 7\n	}\n	return crc32.Checksum(b[:], castagnoli)\n",
		"TestStaleRecordsNeverVerify", `records verify`,
	},
	{
		"what was replayed is not synced", "settle.go",
		"		if from >= p.end {\n",
		"		if planted || from >= p.end {\n",
		"TestEveryCallFails", `after one more failure: entry \d+ was acknowledged at \S+ and is lost`,
	},
	{
		"the noted end is ignored", "recovery.go",
		"		if p.noted {\n",
		"		if p.noted && !planted {\n",
		"TestFlippedBitsOfAClosedJournal", `without an error`,
	},
}

// planted writes the package's files with all bugs and returns the argument of -overlay.
func planted(t *testing.T) string {
	t.Helper()
	texts := map[string]string{"planted.go": "package journal\n\nimport \"os\"\n"}
	for i, p := range plants {
		if texts[p.file] == "" {
			b, err := os.ReadFile(p.file)
			if err != nil {
				t.Fatal(err)
			}
			texts[p.file] = string(b)
		}
		if n := strings.Count(texts[p.file], p.old); n != 1 {
			t.Fatalf("%s: the place for %q is there %d times", p.file, p.name, n)
		}
		variable := fmt.Sprintf("planted%d", i)
		texts[p.file] = strings.Replace(texts[p.file], p.old, strings.ReplaceAll(p.bug, "planted", variable), 1)
		texts["planted.go"] += fmt.Sprintf("\nvar %s = os.Getenv(%q) == %q\n", variable, envPlanted, p.name)
	}
	return overlay.Write(t, texts)
}

// TestPlants checks that there is a place for every bug.
func TestPlants(t *testing.T) { planted(t) }

// TestPlanted builds this program with all bugs, one of which can be chosen at a time, and has each found by the test
// that is there for it. With none of them chosen the same program must pass.
func TestPlanted(t *testing.T) {
	leaktest.Check(t)
	if testing.Short() || invariants.Enabled {
		t.Skip("builds a program, which once is enough")
	}
	if os.Getenv(envPlanted) != "" {
		t.Skip("this is the program")
	}
	program := filepath.Join(t.TempDir(), "planted.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-pgo=off", "-overlay", planted(t), "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	try := func(t *testing.T, bug, run string) (string, error) {
		t.Helper()
		short := strconv.FormatBool(strings.HasPrefix(run, "TestFlipped")) // every thirteenth flip is enough
		cmd := exec.CommandContext(t.Context(), program, "-test.run", "^"+run+"$", "-test.short="+short, "-seeds", "20000")
		cmd.Env = append(os.Environ(), envPlanted+"="+bug)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	runs := map[string]bool{}
	for _, p := range plants {
		runs[p.run] = true
		t.Run(p.name, func(t *testing.T) {
			out, err := try(t, p.name, p.run)
			if err == nil {
				t.Errorf("%s does not find it:\n%s", p.run, out)
			} else if !regexp.MustCompile(p.says).MatchString(out) {
				t.Errorf("%s does not say %q:\n%.3000s", p.run, p.says, out)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		for run := range runs {
			if out, err := try(t, "none", run); err != nil {
				t.Errorf("%s fails without a bug: %v\n%.3000s", run, err, out)
			}
		}
	})
}
