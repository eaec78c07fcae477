package bench

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ardea-stream/ardea/profiles"
)

// The lines of a guide between which RefreshProfiles writes.
const (
	ProfilesBegin = "<!-- profiles:begin -->"
	ProfilesEnd   = "<!-- profiles:end -->"
)

// ErrNoProfiles says that a suite has no profiles.
var ErrNoProfiles = errors.New("bench: the suite has no profiles: set profiles in a section of kind throughput of the matrix")

// functionsShown is how many functions of a mode a guide shows.
const functionsShown = 5

// RefreshProfiles returns a Markdown text in which the tables of a suite's first
// profiles stand between the lines ProfilesBegin and ProfilesEnd: the categories
// of every mode, in the stream managers and in all processes, the published
// shares beside ours, and the costliest functions. Nothing else is changed. The
// error is ErrNoMarks, ErrPartial or ErrNoProfiles. The caller keeps text and
// owns the result.
func RefreshProfiles(text []byte, s *Suite) ([]byte, error) {
	return refresh(text, s, ProfilesBegin, ProfilesEnd, s.profileTables)
}

// profileTables is what stands between the marks.
func (s *Suite) profileTables() (string, error) {
	at := slices.IndexFunc(s.Sections, func(t Section) bool { return t.Kind == KindThroughput && len(t.Profiles) > 0 })
	if at < 0 {
		return "", ErrNoProfiles
	}
	all := s.Sections[at].Profiles
	var b strings.Builder
	fmt.Fprintf(&b, "    %s\n", harmless(s.Command))
	for _, role := range []string{RoleManagers, RoleAll} {
		ofRole := slices.DeleteFunc(slices.Clone(all), func(p profiles.Summary) bool { return p.Role != role })
		if len(ofRole) > 0 {
			writeCategories(&b, role, ofRole)
		}
	}
	for i := range s.Sections {
		if a := s.Sections[i].Ablation; a != nil && len(a.Published) > 0 {
			writePublished(&b, a.Published)
			break
		}
	}
	for i := range all {
		if all[i].Role == RoleManagers {
			writeFunctions(&b, &all[i])
		}
	}
	fmt.Fprintf(&b, "\nOne run of each mode, sampled. %s\n", s.Machine)
	return b.String(), nil
}

// writeCategories writes a row for every category that any of the modes has.
func writeCategories(b *strings.Builder, role string, modes []profiles.Summary) {
	b.WriteString("\n")
	head := []string{"CPU time, " + role}
	total := []string{"ns a tuple"}
	for i := range modes {
		head = append(head, modes[i].Variant)
		total = append(total, optional("%.0f", modes[i].NanosPerTuple))
	}
	writeHeading(b, head)
	for _, category := range profiles.Categories() {
		row, some := []string{string(category)}, false
		for i := range modes {
			share := 0.0
			if at := slices.IndexFunc(modes[i].Shares, func(s profiles.Share) bool { return s.Category == category }); at >= 0 {
				share = modes[i].Shares[at].Share
			}
			some = some || share > 0
			row = append(row, shareText(share))
		}
		if some {
			writeMarkdown(b, row)
		}
	}
	writeMarkdown(b, total)
}

// shareText writes a share in percent, nothing as a dash.
func shareText(share float64) string { return optional("%.1f %%", 100*share) }

func writePublished(b *strings.Builder, shares []PublishedShare) {
	b.WriteString("\n")
	writeHeading(b, []string{"share of the naive mode", "published for Heron", "here"})
	for _, p := range shares {
		writeMarkdown(b, []string{p.Name, shareText(p.Published), shareText(p.Ours)})
	}
}

// writeFunctions writes the costliest functions of a mode.
func writeFunctions(b *strings.Builder, s *profiles.Summary) {
	top := slices.DeleteFunc(slices.Clone(s.Top), func(f profiles.Function) bool { return f.Share == 0 })
	slices.SortStableFunc(top, func(x, y profiles.Function) int { return cmp.Compare(y.Share, x.Share) })
	if len(top) == 0 {
		return
	}
	b.WriteString("\n")
	writeHeading(b, []string{s.Variant + ", " + s.Role, "category", "own time"})
	for _, f := range top[:min(functionsShown, len(top))] {
		writeMarkdown(b, []string{"`" + f.Name + "`", string(f.Category), shareText(f.Share)})
	}
}
