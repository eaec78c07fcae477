package journal

import (
	"testing"
	"time"
)

// TestRhythm gives the writer's rhythm syncs and appenders of all kinds and checks when the appenders take turns.
func TestRhythm(t *testing.T) {
	for _, tc := range []struct {
		sync, cost time.Duration
		appenders  int
		halves     bool
	}{
		{300 * time.Microsecond, time.Microsecond, 1024, true},
		{300 * time.Microsecond, time.Microsecond, 200, false},
		{300 * time.Microsecond, 20 * time.Microsecond, 256, true},
		{5 * time.Millisecond, time.Microsecond, 1024, false},
		{time.Microsecond, time.Microsecond, 255, false}, // too few to divide
	} {
		var r rhythm
		if r.decide(tc.appenders); r.halves {
			t.Error("divides appenders that it has never seen")
		}
		for range 10 {
			r.synced(tc.sync)
			r.returned(fewest-1, time.Hour) // too few to be believed
			r.returned(100, 100*tc.cost)
		}
		if r.decide(tc.appenders); r.halves != tc.halves {
			t.Errorf("a sync of %v, %d appenders of %v: halves is %v", tc.sync, tc.appenders, tc.cost, r.halves)
		}
	}
}
