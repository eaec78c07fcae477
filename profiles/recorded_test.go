package profiles_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/profiles"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The profiles in testdata are of real processes: two stream managers, two
// spouts and two bolts that counted random words in each mode for 25 seconds,
// recorded by package local, without file names.
var (
	recordedModes = []string{"naive", "heron2017", "optimized"}
	recordedRoles = []string{"spouts", "stream-managers", "bolts"}
)

// recorded reads a profile of testdata.
func recorded(t *testing.T, mode, role string) *profiles.Profile {
	t.Helper()
	p, err := profiles.ReadFile(filepath.Join("testdata", mode+"-"+role+".pb.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// summarize sums up recorded profiles of a mode.
func summarize(t *testing.T, rules *profiles.Rules, mode string, roles ...string) profiles.Summary {
	t.Helper()
	var ps []*profiles.Profile
	for _, role := range roles {
		ps = append(ps, recorded(t, mode, role))
	}
	s, err := profiles.Summarize(mode, strings.Join(roles, "+"), rules, ps, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func shareOf(s profiles.Summary, c profiles.Category) float64 {
	for _, share := range s.Shares {
		if share.Category == c {
			return share.Share
		}
	}
	return math.NaN()
}

func TestRecordedProfilesAreExplained(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "%-34s", "")
	for _, mode := range recordedModes {
		fmt.Fprintf(&table, " %12s", mode)
	}
	table.WriteString("\n")
	for _, role := range recordedRoles {
		sums := map[string]profiles.Summary{}
		for _, mode := range recordedModes {
			s := summarize(t, nil, mode, role)
			if err := s.Check(); err != nil {
				t.Error(err)
			}
			sums[mode] = s
		}
		for _, c := range profiles.Categories() {
			fmt.Fprintf(&table, "%-15s %-18s", role, c)
			for _, mode := range recordedModes {
				fmt.Fprintf(&table, " %10.1f %%", 100*shareOf(sums[mode], c))
			}
			table.WriteString("\n")
		}
	}
	checkGolden(t, "categories.txt", table.String())
}

// TestDefaultRulesTellRolesApart checks what is known of the roles without looking at a profile.
func TestDefaultRulesTellRolesApart(t *testing.T) {
	for _, mode := range recordedModes {
		manager, spout, bolt := summarize(t, nil, mode, "stream-managers"), summarize(t, nil, mode, "spouts"), summarize(t, nil, mode, "bolts")
		if user := shareOf(manager, profiles.UserCode); user != 0 {
			t.Errorf("%s: stream managers spend %.1f %% in user code, which they do not run", mode, 100*user)
		}
		for _, s := range []profiles.Summary{spout, bolt} {
			if shareOf(s, profiles.UserCode) < 0.2 {
				t.Errorf("%s: %s: hardly any user code", mode, s.Role)
			}
		}
		if shareOf(spout, profiles.Encode) <= shareOf(spout, profiles.Decode) || shareOf(bolt, profiles.Decode) <= shareOf(bolt, profiles.Encode) {
			t.Errorf("%s: spouts have to encode and bolts to decode", mode)
		}
		objects := shareOf(manager, profiles.Encode)
		if frames := mode == "optimized"; frames && objects > 0.02 || !frames && objects < 0.1 {
			t.Errorf("%s: stream managers spend %.1f %% on encoding", mode, 100*objects)
		}
	}
}

func TestWithoutRulesAllIsOther(t *testing.T) {
	none, err := profiles.LoadRules(strings.NewReader("# no rules\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range recordedModes {
		for _, role := range recordedRoles {
			s := summarize(t, none, mode, role)
			if shareOf(s, profiles.Other) != 1 {
				t.Errorf("%s, %s: other is %v", mode, role, shareOf(s, profiles.Other))
			}
			var check *profiles.CheckError
			if err := s.Check(); !errors.As(err, &check) || check.Variant != mode || check.Role != role {
				t.Errorf("%s, %s: check says %v", mode, role, err)
			}
		}
	}
}

func TestCheckFindsWrongSums(t *testing.T) {
	for name, spoil := range map[string]func(*profiles.Summary){
		"sum too small":    func(s *profiles.Summary) { s.Shares[0].Share -= 0.002 },
		"sum too large":    func(s *profiles.Summary) { s.Shares[0].Share += 0.002 },
		"category missing": func(s *profiles.Summary) { s.Shares = s.Shares[1:] },
		"wrong order":      func(s *profiles.Summary) { s.Shares[1], s.Shares[0] = s.Shares[0], s.Shares[1] },
		"no shares":        func(s *profiles.Summary) { s.Shares = nil },
		"not a number":     func(s *profiles.Summary) { s.Shares[0].Share = math.NaN() },
	} {
		s := summarize(t, nil, "naive", "bolts")
		spoil(&s)
		if err := s.Check(); !errors.As(err, new(*profiles.CheckError)) {
			t.Errorf("%s: check says %v", name, err)
		}
	}
}

// checkGolden compares a text with a file of testdata; -update writes it.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew); got:\n%s", path, got)
	}
}
