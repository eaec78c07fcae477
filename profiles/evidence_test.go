package profiles_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ardea-stream/ardea/profiles"
)

const maxEvidenceBytes = 1 << 20

var (
	evidenceFolder = regexp.MustCompile(`^20\d\d-[01]\d-[0-3]\d-[a-z0-9]+(-[a-z0-9]+)*$`)
	evidenceLine   = regexp.MustCompile("(?m)^- `([^`]+)`: .")
	evidenceParts  = []string{"## Command", "## Machine", "## Answer"}
)

func TestEvidenceIsWhole(t *testing.T) {
	for _, fault := range evidenceFaults(t, os.DirFS("evidence")) {
		t.Error(fault)
	}
}

// evidenceFaults says what is missing in a folder of evidence, or too much.
func evidenceFaults(t *testing.T, evidence fs.FS) (faults []string) {
	t.Helper()
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	index, err := fs.ReadFile(evidence, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	_, lines, _ := strings.Cut(string(index), "\n## Index\n")
	for _, line := range evidenceLine.FindAllStringSubmatch(lines, -1) {
		if slices.Contains(listed, line[1]) {
			fault("the index lists %s twice", line[1])
		}
		listed = append(listed, line[1])
	}
	entries, err := fs.ReadDir(evidence, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch i := slices.Index(listed, e.Name()); {
		case e.Name() == "README.md":
		case !e.IsDir() || !evidenceFolder.MatchString(e.Name()):
			fault("%s is no folder <date>-<what>", e.Name())
		case i < 0:
			fault("the index does not list %s", e.Name())
		default:
			listed = slices.Delete(listed, i, i+1)
			for _, f := range folderFaults(t, evidence, e.Name()) {
				fault("%s: %s", e.Name(), f)
			}
		}
	}
	for _, name := range listed {
		fault("the index lists %s, which does not exist", name)
	}
	return faults
}

// folderFaults says what one folder of evidence lacks.
func folderFaults(t *testing.T, evidence fs.FS, folder string) (faults []string) {
	t.Helper()
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	found := map[string]int{".json": 0, ".pb.gz": 0}
	err := fs.WalkDir(evidence, folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(evidence, name)
		if err != nil {
			return err
		}
		if len(data) > maxEvidenceBytes {
			fault("%s has %d bytes, want no more than 1 MiB", name, len(data))
		}
		kind := path.Ext(name)
		if strings.HasSuffix(name, ".pb.gz") {
			kind = ".pb.gz"
		}
		found[kind]++
		switch kind {
		case ".json":
			if !json.Valid(data) {
				fault("%s is no JSON", name)
			}
		case ".pb.gz":
			if _, err := profiles.Read(strings.NewReader(string(data))); err != nil && !errors.Is(err, profiles.ErrNotCPU) {
				fault("%s: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	readme, _ := fs.ReadFile(evidence, path.Join(folder, "README.md"))
	for _, part := range evidenceParts {
		if !strings.Contains("\n"+string(readme), "\n"+part+"\n") {
			fault("README.md has no heading %q", part)
		}
	}
	for ext, n := range found {
		if n == 0 {
			fault("there is no %s file", ext)
		}
	}
	return faults
}

// TestEvidenceFaultsAreFound is the negative control: what is wrong has to be told.
func TestEvidenceFaultsAreFound(t *testing.T) {
	profile, err := os.ReadFile("testdata/naive-bolts.pb.gz")
	if err != nil {
		t.Fatal(err)
	}
	const folder = "2026-03-31-random-words"
	whole := func() fstest.MapFS {
		return fstest.MapFS{
			"README.md":                 {Data: []byte("# Evidence\n## Index\n- `" + folder + "`: which mode is cheapest\n")},
			folder + "/README.md":       {Data: []byte("## Command\nardea\n## Machine\nmine\n## Answer\nyes\n")},
			folder + "/report.json":     {Data: []byte("{}")},
			folder + "/p/naive-1.pb.gz": {Data: profile},
		}
	}
	if faults := evidenceFaults(t, whole()); len(faults) > 0 {
		t.Errorf("a whole folder has faults: %v", faults)
	}
	for name, spoil := range map[string]func(fstest.MapFS){
		"does not list":           func(m fstest.MapFS) { m["README.md"].Data = []byte("nothing") },
		"which does not exist":    func(m fstest.MapFS) { m["README.md"].Data = append(m["README.md"].Data, "- `gone`: x\n"...) },
		"no folder <date>-<what>": func(m fstest.MapFS) { m["notes.txt"] = &fstest.MapFile{} },
		"no heading":              func(m fstest.MapFS) { delete(m, folder+"/README.md") },
		"no .json file":           func(m fstest.MapFS) { delete(m, folder+"/report.json") },
		"no .pb.gz file":          func(m fstest.MapFS) { delete(m, folder+"/p/naive-1.pb.gz") },
		"is no JSON":              func(m fstest.MapFS) { m[folder+"/report.json"].Data = []byte("{") },
		"cut off or damaged":      func(m fstest.MapFS) { m[folder+"/p/naive-1.pb.gz"].Data = profile[:100] },
		"no more than 1 MiB":      func(m fstest.MapFS) { m[folder+"/big.txt"] = &fstest.MapFile{Data: make([]byte, maxEvidenceBytes+1)} },
		"twice": func(m fstest.MapFS) {
			m["README.md"].Data = append(m["README.md"].Data, "- `"+folder+"`: again\n"...)
		},
	} {
		m := whole()
		spoil(m)
		if faults := evidenceFaults(t, m); !strings.Contains(strings.Join(faults, "\n"), name) {
			t.Errorf("want a fault %q, got %q", name, faults)
		}
	}
}
