package bench

import (
	"errors"
	"strings"
	"testing"
)

func TestCompareTallies(t *testing.T) {
	good := Tally{Tuples: 10, Checksum: 77, Distinct: 3}
	for _, tc := range []struct {
		name             string
		emitted, counted Tally
		want             string // part of the error, empty for none
	}{
		{"equal", good, good, ""},
		{"one lost", good, Tally{Tuples: 9, Checksum: 70}, "10 tuples were emitted and 9 counted"},
		{"one twice", good, Tally{Tuples: 11, Checksum: 80}, "10 tuples were emitted and 11 counted"},
		{"one taken for another", good, Tally{Tuples: 10, Checksum: 78}, "checksums"},
		{"one garbled", good, Tally{Tuples: 10, Checksum: 70, Foreign: 1}, "hold what nobody sent"},
	} {
		err := compareTallies(tc.name, tc.emitted, tc.counted)
		var mismatch *MismatchError
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case tc.want != "" && (!errors.As(err, &mismatch) || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestTallySeesEveryFault(t *testing.T) {
	d := NewDictionary(100, 1)
	tally := func(words ...[]byte) Tally {
		c := NewCounter()
		for _, w := range words {
			c.Add(w)
		}
		return TallyOf(c, d)
	}
	good := tally(d.Word(1), d.Word(2), d.Word(2))
	if good.Tuples != 3 || good.Distinct != 2 || good.Foreign != 0 {
		t.Errorf("%+v", good)
	}
	for name, bad := range map[string]Tally{
		"another word":       tally(d.Word(1), d.Word(2), d.Word(3)),
		"other multiplicity": tally(d.Word(1), d.Word(1), d.Word(2)),
		"unknown word":       tally(d.Word(1), d.Word(2), []byte("Unknown")),
		"lost":               tally(d.Word(1), d.Word(2)),
	} {
		if compareTallies(name, good, bad) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestSumTallies(t *testing.T) {
	p := published{"counted": {
		3: []byte(`{"tuples":5,"checksum":18446744073709551615,"distinct":2}`),
		4: []byte(`{"tuples":6,"checksum":3,"distinct":1}`),
	}}
	sum, err := sumTallies(p, "counted", 2)
	if want := (Tally{Tuples: 11, Checksum: 2, Distinct: 3}); err != nil || sum != want {
		t.Errorf("%+v, %v, want %+v", sum, err, want)
	}
	if _, err := sumTallies(p, "counted", 3); err == nil || !strings.Contains(err.Error(), "2 of 3 tasks") {
		t.Errorf("a missing tally gives %v", err)
	}
	if _, err := sumTallies(published{}, "counted", 1); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("no tally gives %v", err)
	}
	p["counted"][4] = []byte("nonsense")
	if _, err := sumTallies(p, "counted", 2); err == nil || !strings.Contains(err.Error(), "task 4") {
		t.Errorf("a malformed tally gives %v", err)
	}
}
