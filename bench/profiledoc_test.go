package bench

import (
	"errors"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/profiles"
)

// madeUpProfiles are of a mode whose processes do two things.
func madeUpProfiles(mode string, decode float64) []profiles.Summary {
	var all []profiles.Summary
	for _, role := range []string{RoleSpouts, RoleManagers, RoleAll} {
		s := profiles.Summary{Variant: mode, Role: role, CPUSeconds: 2, NanosPerTuple: 500}
		shares := map[profiles.Category]float64{profiles.Decode: decode, profiles.SocketWrite: 1 - decode}
		for _, c := range profiles.Categories() {
			s.Shares = append(s.Shares, profiles.Share{Category: c, Share: shares[c]})
		}
		s.Top = []profiles.Function{
			{Name: "net.write", Category: profiles.SocketWrite, Share: 1 - decode}, {Name: "a|b.(*T).parse", Category: profiles.Decode, Share: decode},
		}
		all = append(all, s)
	}
	return all
}

func TestRefreshProfiles(t *testing.T) {
	s := madeUpSuite()
	s.Sections[1].Profiles = append(madeUpProfiles(naive, 0.75), madeUpProfiles("optimized", 0)...)
	s.Sections = append(s.Sections, Section{Kind: KindAblation, Ablation: &Ablation{Published: []PublishedShare{{Name: "copies", Published: 0.15, Ours: 0.125}}}})
	const before, after = "# Title\n" + ProfilesBegin + "\n", ProfilesEnd + "\nThe end\n"
	got, err := RefreshProfiles([]byte(before+"old\n"+after), s)
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "profiles.md", got)
	if again, err := RefreshProfiles(got, s); err != nil || string(again) != string(got) {
		t.Errorf("a second time it differs: %v\n%s", err, again)
	}
	if !strings.HasPrefix(string(got), before) || !strings.HasSuffix(string(got), after) {
		t.Errorf("what stands around the tables has changed:\n%s", got)
	}
}

func TestRefreshProfilesRefuses(t *testing.T) {
	text := []byte(ProfilesBegin + "\n" + ProfilesEnd + "\n")
	if _, err := RefreshProfiles(text, madeUpSuite()); !errors.Is(err, ErrNoProfiles) {
		t.Errorf("a suite without profiles: %v", err)
	}
	if _, err := RefreshProfiles([]byte(ProfilesBegin+"\n"), madeUpSuite()); !errors.Is(err, ErrNoMarks) || !strings.Contains(err.Error(), ProfilesEnd) {
		t.Errorf("a text without an end: %v", err)
	}
	partial := madeUpSuite()
	partial.Partial = "interrupted"
	if _, err := RefreshProfiles(text, partial); !errors.Is(err, ErrPartial) {
		t.Errorf("a partial suite: %v", err)
	}
}
