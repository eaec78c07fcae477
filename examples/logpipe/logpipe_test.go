package main

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(envRole) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestNothingIsMissing runs all of it.
func TestNothingIsMissing(t *testing.T) {
	const n = 20_000
	c, err := conduct(t.Context(), t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%v", c)
	if c.Missing != 0 || c.Distinct != n {
		t.Errorf("%d words are missing, %d different ones were read", c.Missing, c.Distinct)
	}
	if c.Emitted < n || c.InLog < n || uint64(c.Read) < uint64(n) {
		t.Error("there are fewer than words")
	}
	for i, w := range lexicon {
		if want := (n + len(lexicon) - 1 - i) / len(lexicon); c.ByWord[w] != want {
			t.Errorf("%q came %d times, want %d", w, c.ByWord[w], want)
		}
	}
}
