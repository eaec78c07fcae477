package bench

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSectionsMeasuredLater(t *testing.T) {
	machine := Machine{CPU: "a", Cores: 2}
	section := func(name, title string) Section { return Section{Name: name, Title: title} }
	old := &Suite{Name: "full", Command: "run full", Machine: machine, Sections: []Section{section("a", "old"), section("b", "old"), section("c", "old")}}
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	later := &Suite{Command: "run full --sections c,a,d", Started: at, Machine: machine, Sections: []Section{section("c", "new"), section("a", "new"), section("d", "new")}}
	sum, err := old.With(later)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, s := range sum.Sections {
		have = append(have, s.Name+" "+s.Title)
		if (s.Later != nil) != (s.Title == "new") {
			t.Errorf("%s %s: later %v", s.Name, s.Title, s.Later)
		}
	}
	if want := []string{"a new", "b old", "c new", "d new"}; !slices.Equal(have, want) {
		t.Errorf("%q, want %q", have, want)
	}
	if old.Sections[0].Title != "old" || later.Sections[0].Later != nil {
		t.Error("the suites themselves have changed")
	}
	if text := sum.LaterText(); !strings.Contains(text, "2 January 2026") || !strings.HasSuffix(text, ": a, c, d.") {
		t.Error(text)
	}
	if text := old.LaterText(); text != "" {
		t.Error(text)
	}
	later.Partial = "interrupted"
	if sum, err := old.With(later); err != nil || sum.Partial != "interrupted" {
		t.Errorf("%v, %q", err, sum.Partial)
	}
	later.Machine.CPU = "b"
	if _, err := old.With(later); !errors.Is(err, ErrOtherMachine) {
		t.Error(err)
	}
}
