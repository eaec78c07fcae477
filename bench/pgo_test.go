package bench

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/profiles"
)

func TestRecordPGO(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := short()
	c.InProcess, c.Modes, c.Duration = false, []string{"optimized"}, 300*time.Millisecond
	var b bytes.Buffer
	if err := RecordPGO(t.Context(), c, &b); err != nil {
		t.Fatal(err)
	}
	p, err := profiles.Read(&b)
	if err != nil || p.CPUSeconds() <= 0 {
		t.Errorf("%v CPU seconds, %v", p.CPUSeconds(), err)
	}
}

func TestComparePGO(t *testing.T) {
	long(t)
	leaktest.Check(t)
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := short()
	c.InProcess, c.Modes, c.NoPGO, c.Repeat = false, []string{"optimized"}, own, 2
	r, err := ComparePGO(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 4 || r.Runs[1].Mode != "optimized-pgo" || len(r.Gains) != 1 || r.Gains[0].Gain.N != 2 || r.Gains[0].P <= 0 {
		t.Errorf("%d runs, gains %+v", len(r.Runs), r.Gains)
	}
	for _, run := range r.Runs {
		checkRun(t, run)
	}
}

func TestGainsArePaired(t *testing.T) {
	run := func(mode string, repeat int, rate float64) Run {
		return Run{Mode: mode, Repeat: repeat, Cost: Cost{TuplesPerSecond: rate, TuplesPerCPUSecond: rate / 2}}
	}
	g := gainOf("m", []Run{
		run("m", 1, 110), run("m-pgo", 1, 100), run("m", 2, 55), run("m-pgo", 2, 50), run("m", 3, 9000), run("x-pgo", 3, 1),
	})
	if g.Gain.N != 2 || g.Gain.Median < 1.0999 || g.Gain.High > 1.1001 || g.CPUGain.N != 2 || g.With.N != 2 {
		t.Errorf("%+v", g)
	}
	var b strings.Builder
	if err := (&PGOReport{Gains: []PGOGain{g}}).WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "+10.0 % to +10.0 %") {
		t.Error(b.String())
	}
}

func TestComparePGONeedsTwoPrograms(t *testing.T) {
	if r, err := ComparePGO(t.Context(), short()); r != nil || !errors.Is(err, errNoPGO) {
		t.Errorf("%v, %v", r, err)
	}
	c := short()
	c.InProcess, c.NoPGO = false, "/nowhere/ardea"
	r, err := ComparePGO(t.Context(), c)
	if r == nil || err == nil || !strings.Contains(err.Error(), "/nowhere/ardea") {
		t.Errorf("%v, %v", r, err)
	}
}
