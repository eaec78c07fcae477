package matrices_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/bench/matrices"
	"github.com/ardea-stream/ardea/bench/matrix"
)

// TestMatrices checks that all are right and take no longer than is promised of them.
func TestMatrices(t *testing.T) {
	most := map[string]time.Duration{"smoke": 30 * time.Second, "quick": time.Minute, "full": 40 * time.Minute}
	names := matrices.Names()
	if !slices.Equal(names, []string{"full", "quick", "smoke"}) {
		t.Errorf("there are %q", names)
	}
	for _, name := range names {
		text, ok := matrices.Text(name)
		if !ok {
			t.Errorf("%s has no text", name)
		}
		m, err := matrix.Load(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
			continue
		}
		if d := m.Estimate(); m.Name != name || d <= 0 || d > most[name] {
			t.Errorf("%s is named %s and takes %v, want up to %v", name, m.Name, d, most[name])
		}
	}
	if text, ok := matrices.Text("none"); ok || text != "" {
		t.Errorf("there is a matrix none: %s", text)
	}
}
