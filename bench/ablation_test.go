package bench

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/profiles"
)

func TestVariants(t *testing.T) {
	c := Config{NoPGO: "other"}.ablationDefaults()
	all := c.variants()
	kinds := map[CellKind]int{}
	known := map[string]bool{}
	for _, f := range c.allFactors() {
		known[f.Name] = true
		if !strings.HasSuffix(f.Text, ".") {
			t.Errorf("factor %s: %q is no sentence", f.Name, f.Text)
		}
	}
	for _, v := range all {
		kinds[v.kind]++
		if _, err := dataplane.ParseMode(v.mode); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if (v.program != "") != strings.HasSuffix(v.name, "-pgo") || (v.program != "") == slices.Contains(v.on, "pgo") {
			t.Errorf("%s runs %q with %v on", v.name, v.program, v.on)
		}
		for _, name := range v.on {
			if !known[name] {
				t.Errorf("%s has %s on, which is no factor", v.name, name)
			}
		}
	}
	off := len(dataplane.Switches) + 1
	if kinds[CellBest] != 1 || kinds[CellNaive] != 1 || kinds[CellOff] != off || kinds[CellOn] != 5 || kinds[CellFactorial] != 16 {
		t.Errorf("cells: %v", kinds)
	}
	// The best, what lacks one, and "optimized-passthrough" stand there under two kinds.
	if n, want := len(distinctVariants(all)), 2+off+5+16-1-4-1; n != want {
		t.Errorf("%d combinations are measured, want %d", n, want)
	}
	if n := AblationRuns(Config{Repeat: 3}); n != 3*24+1 {
		t.Errorf("%d runs, want %d", n, 3*24+1)
	}
}

// TestEffectsAreFound makes up throughputs of known effects and noise that is common to a repeat.
func TestEffectsAreFound(t *testing.T) {
	c := Config{}.ablationDefaults()
	all := c.variants()
	random := rand.New(rand.NewPCG(1, 2))
	var runs []Run
	for repeat := 1; repeat <= 7; repeat++ {
		drift := math.Exp(random.NormFloat64())
		for _, v := range all {
			if v.kind != CellFactorial {
				continue
			}
			rate := 1e6 * drift * math.Exp(0.001*random.NormFloat64())
			hash, batch := slices.Contains(v.on, "hash"), slices.Contains(v.on, "batch")
			if hash {
				rate *= 2
			}
			if batch {
				rate *= 3
			}
			if hash == batch {
				rate *= 1.21
			}
			runs = append(runs, Run{Mode: v.name, Repeat: repeat, Cost: Cost{TuplesPerSecond: rate, Tuples: 1}})
		}
	}
	runs = append(runs, Run{Mode: all[0].name, Repeat: 8, Cost: Cost{TuplesPerSecond: 1}}) // a repeat that was broken off
	effects := effectsOf(c.Factors, all, runs)
	if len(effects) != 15 || len(effects[14].Factors) != 4 {
		t.Fatalf("effects: %+v", effects)
	}
	want := map[string]float64{"hash": 2, "batch": 3, "hash batch": 1.21}
	for _, e := range effects {
		name := strings.Join(e.Factors, " ")
		expect := want[name]
		if expect == 0 {
			expect = 1
		}
		if math.Abs(e.Factor-expect) > 0.01*expect || e.Low > e.Factor || e.High < e.Factor || e.High-e.Low > 0.02*expect {
			t.Errorf("%s: %+v, want %v", name, e, expect)
		}
	}
}

// TestIntervalsOfEffectsHold draws repeats without any effect: of the intervals, about 95 % must hold none, however few
// repeats there are.
func TestIntervalsOfEffectsHold(t *testing.T) {
	const tries = 4000
	random := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{2, 3, 4, 8, 11, 12, 30} {
		held := 0
		for range tries {
			values := make([]float64, n)
			for i := range values {
				values[i] = random.NormFloat64()
			}
			if middle, half := studentInterval(values); math.Abs(middle) <= half {
				held++
			}
		}
		if share := float64(held) / tries; share < 0.935 || share > 0.965 {
			t.Errorf("of %d repeats %.1f %% of the intervals hold the truth, want 95", n, 100*share)
		}
	}
}

func TestEffectsOfLittle(t *testing.T) {
	c := Config{}.ablationDefaults()
	if e := effectsOf(c.Factors, c.variants(), nil); len(e) != 0 {
		t.Errorf("effects of no runs: %v", e)
	}
	c.Factors = []string{}
	if e := effectsOf(c.Factors, c.variants(), []Run{{Mode: "optimized", Repeat: 1, Cost: Cost{TuplesPerSecond: 2}}}); len(e) != 0 {
		t.Errorf("effects of no factors: %v", e)
	}
	c.Factors = []string{"drain"}
	runs := []Run{{Mode: "optimized", Repeat: 1, Cost: Cost{TuplesPerSecond: 2}}, {Mode: "optimized-drain", Repeat: 1, Cost: Cost{TuplesPerSecond: 1}}}
	if e := effectsOf(c.Factors, c.variants(), runs); len(e) != 1 || math.Abs(e[0].Factor-2) > 1e-9 || e[0].Low != e[0].High {
		t.Errorf("effects of one repeat: %v", e)
	}
}

func TestMeasureAblation(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := short()
	c.Factors = []string{"hash"}
	s, err := MeasureAblation(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if s.Kind != KindAblation || s.Containers != 2 || s.Spec.Spouts != 2 || s.Spec.Bolts != 2 || s.Error != "" {
		t.Errorf("section: %+v", s)
	}
	for _, run := range s.Runs {
		checkRun(t, run)
	}
	if n := AblationRuns(c); len(s.Runs) != n {
		t.Errorf("%d runs, want %d", len(s.Runs), n)
	}
	for _, cell := range s.Ablation.Cells {
		if cell.TuplesPerSecond.N != 1 || cell.Nanos.Total <= 0 || len(cell.On) == 0 {
			t.Errorf("cell: %+v", cell)
		}
	}
	if e := s.Ablation.Effects; len(e) != 1 || e[0].Factor <= 0 || e[0].Low > e[0].High {
		t.Errorf("effects: %+v", e)
	}
	var b strings.Builder
	if err := s.Ablation.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"optimized-passthrough ", "heron2017 ", "naive+lazy ", "hash  ", "95 % interval"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if n := strings.Count(b.String(), "optimized-hash "); n != 1 {
		t.Errorf("optimized-hash stands there %d times", n)
	}
}

func TestAblationThatIsBrokenOff(t *testing.T) {
	leaktest.Check(t)
	c := short()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	n := 0
	c.Progress = func(string) {
		if n++; n == 3 { // the second run begins
			cancel(why)
		}
	}
	s, err := MeasureAblation(ctx, c)
	if !errors.Is(err, why) || s == nil || len(s.Runs) != 1 || len(s.Ablation.Cells) != 2 || len(s.Ablation.Effects) != 0 || s.Error == "" {
		t.Errorf("section %+v, error %v", s, err)
	}
}

func TestAblationFaults(t *testing.T) {
	for want, change := range map[string]func(*Config){
		`no factor "speed": use some of hash, writev`: func(c *Config) { c.Factors = []string{"speed"} },
		"named twice":            func(c *Config) { c.Factors = []string{"hash", "hash"} },
		"pgo needs NoPGO":        func(c *Config) { c.Factors = []string{"pgo"} },
		"nothing with InProcess": func(c *Config) { c.NoPGO = "x" },
		"6 factors, allowed are 5": func(c *Config) {
			c.Factors = []string{"hash", "writev", "passthrough", "reuse", "drain", "batch"}
		},
	} {
		c := short()
		change(&c)
		if s, err := MeasureAblation(t.Context(), c); s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want an error with %q", s, err, want)
		}
	}
}

func TestAnotherProgramPlaysTheChildren(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.InProcess, c.NoPGO, c.Factors, c.Stderr = false, "/nowhere/ardea", []string{"pgo"}, io.Discard
	c = c.ablationDefaults().withDefaults(nil, nil)
	s := c.section(KindAblation, c.Workload)
	err := c.runVariants(t.Context(), s, &steps{progress: c.Progress}, []variant{c.without(CellOff, []string{"pgo"})}, 1)
	if err == nil || !strings.Contains(err.Error(), "/nowhere/ardea") {
		t.Errorf("error is %v", err)
	}
}

func TestNaiveIsProfiled(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := short()
	c.InProcess, c.Duration = false, 300*time.Millisecond
	c = c.ablationDefaults().withDefaults(nil, nil)
	s := c.section(KindAblation, c.Workload)
	shares, err := c.profileNaive(t.Context(), s, &steps{progress: c.Progress})
	if err != nil || len(shares) != 3 || len(s.Profiles) < 2 {
		t.Fatalf("%v, %v, %d profiles", shares, err, len(s.Profiles))
	}
	for _, p := range shares {
		if p.Ours < 0 || p.Ours > 1 {
			t.Errorf("%+v", p)
		}
	}
}

func TestPublishedShares(t *testing.T) {
	got := publishedShares(profiles.Summary{Shares: []profiles.Share{
		{Category: profiles.Allocate, Share: 0.1},
		{Category: profiles.GC, Share: 0.05},
		{Category: profiles.Copy, Share: 0.2},
		{Category: profiles.Decode, Share: 0.3},
		{Category: profiles.Encode, Share: 0.35},
	}})
	want := []PublishedShare{
		{"allocating and freeing messages", 0.17, 0.15}, {"copying messages", 0.15, 0.2}, {"eager decoding", 0.18, 0.3},
	}
	for i := range want {
		if got[i].Name != want[i].Name || got[i].Published != want[i].Published || math.Abs(got[i].Ours-want[i].Ours) > 1e-9 {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}
