package matrix

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ardea-stream/ardea/bench"
)

const good = `
name: good
title: All that works
defaults: {duration: 2s, warm_up: 1500ms, repeat: 3, containers: 2, modes: [naive, optimized]}
sections:
  - name: words
    kind: throughput
    words: 1000
    limits: [fused loop, socket relay]
    profiles: true
  - name: pace
    title: Latency
    kind: latency
    repeat: 1
    modes: [optimized]
    rates: [1000, 20000.5]
    loads: [0.5, 0.9]
  - &curve
    name: curve
    kind: curve
  - name: switches
    kind: ablation
    duration: 1s
`

func TestLoad(t *testing.T) {
	m, err := Load(strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "good" || m.Title != "All that works" || len(m.Sections) != 4 {
		t.Fatalf("%+v", m)
	}
	words, pace, curve, switches := &m.Sections[0], &m.Sections[1], &m.Sections[2], &m.Sections[3]
	if words.Name != "words" || words.Kind != bench.KindThroughput || !words.Profiles || words.Line != 6 {
		t.Errorf("words: %+v", words)
	}
	c := words.Config
	if c.Workload.Words != 1000 || c.Duration != 2*time.Second || c.WarmUp != 1500*time.Millisecond || c.Repeat != 3 || c.Containers != 2 {
		t.Errorf("words: %+v", c)
	}
	if !reflect.DeepEqual(c.Modes, []string{"naive", "optimized"}) || !reflect.DeepEqual(c.Limits, []string{"fused loop", "socket relay"}) {
		t.Errorf("words: modes %q, limits %q", c.Modes, c.Limits)
	}
	if !reflect.DeepEqual(pace.Config.Rates, []float64{1000, 20000.5}) || !reflect.DeepEqual(pace.Config.Loads, []float64{0.5, 0.9}) || pace.Config.Repeat != 1 {
		t.Errorf("pace: %+v", pace)
	}
	if curve.Profiles || curve.Config.Workload.Words != 0 || curve.Config.Rates != nil || switches.Config.Duration != time.Second {
		t.Errorf("a section has what another said: %+v, %+v", curve, switches)
	}
}

func TestLoadGuarantees(t *testing.T) {
	m, err := Load(strings.NewReader(`
name: m
defaults: {guarantees: [at-most-once, at-least-once], pending: 500}
sections:
- {name: both, kind: throughput, limits: []}
- {name: one, kind: latency, rates: [1000], guarantee: at-least-once, pending: 9}
- {name: none, kind: curve, guarantee: at-most-once}
- {name: switches, kind: ablation}
- {name: acked, kind: ablation, guarantee: at-least-once}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		guarantees []bench.Guarantee
		pending    int
	}{
		{bench.Guarantees(), 500},
		{[]bench.Guarantee{bench.AtLeastOnce}, 9},
		{[]bench.Guarantee{bench.AtMostOnce}, 0},
		{nil, 0},
		{[]bench.Guarantee{bench.AtLeastOnce}, 500},
	} {
		if c := m.Sections[i].Config; !reflect.DeepEqual(c.Guarantees, want.guarantees) || c.Pending != want.pending {
			t.Errorf("%s: %q, %d pending", m.Sections[i].Name, c.Guarantees, c.Pending)
		}
	}
	both := m.Sections[0]
	both.Config.Guarantees = both.Config.Guarantees[:1]
	if one, two := both.Estimate(), m.Sections[0].Estimate(); two != 2*one {
		t.Errorf("one guarantee takes %v, two take %v", one, two)
	}
}

func TestLoadWithoutDefaults(t *testing.T) {
	m, err := Load(strings.NewReader("name: m\nsections:\n- {name: a, kind: throughput}\n- {name: b, kind: throughput, limits: []}\n"))
	if err != nil {
		t.Fatal(err)
	}
	c := m.Sections[0].Config
	if c.Limits != nil {
		t.Errorf("limits: %q", c.Limits)
	}
	if none := m.Sections[1].Config.Limits; none == nil || len(none) != 0 {
		t.Errorf("limits: %q", none)
	}
	if c.Duration != bench.DefaultDuration || c.Repeat != 1 || len(c.Modes) != 3 {
		t.Errorf("%+v", c)
	}
}

// TestBadMatrices checks that everything bad is told with its line and what to do.
func TestBadMatrices(t *testing.T) {
	in := func(section string) string {
		return "name: m\nsections:\n- {name: a, kind: throughput}\n- " + section + "\n"
	}
	for _, tc := range []struct{ text, want string }{
		{"", "the file is empty"},
		{"# nothing\n", "the file is empty"},
		{"name: [", "line 1: this is not YAML"},
		{"name: m\n\tsections: x", "this is not YAML"},
		{"name: m\nsections: a: b", "line 2: this is not YAML"},
		{in("{name: b, kind: curve}") + "---\nname: n\n", "a second document begins here"},
		{in("{name: b, kind: curve}") + "---\n[", "this is not YAML"},
		{"just text", `line 1: the matrix is "just text": write fields`},
		{"[1, 2]", "the matrix is a list"},
		{"sections: [{name: a, kind: curve}]", "the matrix has no name"},
		{"name: m", "the matrix has no sections"},
		{"name: m\nsections: []", "line 2: sections is empty"},
		{"name: m\nsections: many", `sections is "many": write a list`},
		{"name: m\nsections:\n- curve", `line 3: section 1 is "curve": write fields`},
		{"name: m\nsection: []", `line 2: the matrix has a field "section": use name, title, defaults or sections`},
		{"name: My Matrix\nsections: [{name: a, kind: curve}]", `name is "My Matrix": use up to 60 lower-case letters`},
		{"name: m\nname: n\nsections: [{name: a, kind: curve}]", "field name of the matrix is already on line 1"},
		{"name: m\n? [a]\n: b\nsections: [{name: a, kind: curve}]", "the name of a field of the matrix is a list"},
		{"name: m\ndefaults: {kind: curve}\nsections: [{name: a, kind: curve}]", "line 2: field kind cannot stand in defaults"},
		{"name: m\ndefaults: {durations: 2s}\nsections: [{name: a, kind: curve}]", `line 2: there is no field "durations": use`},
		{"name: m\ndefaults: 3\nsections: [{name: a, kind: curve}]", `defaults is "3": write fields`},
		{in("{kind: curve}"), "line 4: the section has no name"},
		{in("{name: b}"), "line 4: the section has no kind: add kind, one of ablation, curve, latency or throughput"},
		{in("{name: b, kind: speed}"), `kind is "speed": use ablation, curve, latency or throughput`},
		{in("{name: b, kind: [curve]}"), "kind is a list"},
		{in("{name: a, kind: curve}"), "section a has the name of the section on line 3"},
		{in("{name: b_1, kind: curve}"), `name is "b_1"`},
		{in("{name: b, kind: curve, <<: {repeat: 2}}"), `there is no field "<<"`},
		{in("{name: b, kind: curve, workloads: x}"), `there is no field "workloads"`},
		{in("{name: b, kind: curve, modes: [quick]}"), `modes: no mode "quick": use one of naive`},
		{in("{name: b, kind: curve, modes: naive}"), `modes is "naive": write a list, such as [naive, heron2017, optimized]`},
		{in("{name: b, kind: curve, modes: []}"), "modes is empty"},
		{in("{name: b, kind: curve, modes: [naive, naive]}"), "modes holds naive twice"},
		{in("{name: b, kind: curve, modes: [3]}"), `modes holds "3": write names`},
		{in("{name: b, kind: ablation, modes: [naive]}"), "field modes is of no use in a section of kind ablation: it belongs to kind throughput, latency or curve"},
		{in("{name: b, kind: throughput, limits: [speed of light]}"), `there is no limit "speed of light": use fused loop, "fused loop, map", batched channel or socket relay`},
		{in("{name: b, kind: throughput, rates: [1000]}"), "field rates is of no use in a section of kind throughput: it belongs to kind latency or curve"},
		{in("{name: b, kind: latency}"), "says neither rates nor loads"},
		{in("{name: b, kind: latency, rates: [0]}"), "rates holds 0: allowed are 1 to 10000000"},
		{in("{name: b, kind: latency, rates: [.nan]}"), "rates holds .nan: allowed are"},
		{in("{name: b, kind: latency, rates: [1e12]}"), "rates holds 1e12: allowed are"},
		{in("{name: b, kind: latency, rates: [10 K]}"), `rates holds "10 K": write numbers`},
		{in("{name: b, kind: latency, rates: [2000, 1000]}"), "rates holds 1000 after 2000: write them rising"},
		{in("{name: b, kind: latency, loads: [0]}"), "loads holds 0: allowed are 0.001 to 1"},
		{in("{name: b, kind: latency, loads: [0.5, 30]}"), "loads holds 30: allowed are"},
		{in("{name: b, kind: curve, duration: 2}"), `duration is "2": write a time with its unit`},
		{in("{name: b, kind: curve, duration: soon}"), `duration is "soon": write a time`},
		{in("{name: b, kind: curve, duration: -1s}"), "duration is -1s: allowed are 10ms to 1h0m0s"},
		{in("{name: b, kind: curve, warm_up: 1ns}"), "warm_up is 1ns: allowed are"},
		{in("{name: b, kind: throughput, repeat: 0}"), "repeat is 0: allowed are 1 to 1000"},
		{in("{name: b, kind: throughput, repeat: often}"), `repeat is "often": write a whole number`},
		{in("{name: b, kind: throughput, repeat: 1.5}"), `repeat is "1.5": write a whole number`},
		{in("{name: b, kind: throughput, repeat: }"), "repeat is nothing"},
		{in("{name: b, kind: throughput, repeat: {a: b}}"), "repeat is a mapping"},
		{in("{name: b, kind: throughput, repeat: 99999999999999999999}"), "repeat is"},
		{in("{name: b, kind: curve, containers: 5000}"), "containers is 5000: allowed are 1 to 1024"},
		{in("{name: b, kind: throughput, bolts: -3}"), "bolts is -3: allowed are 1 to 4096"},
		{in("{name: b, kind: throughput, words: 100000000}"), "words is 100000000: allowed are 1 to"},
		{in("{name: b, kind: curve, bolts: 3}"), "field bolts is of no use in a section of kind curve"},
		{in("{name: b, kind: throughput, workload: chess}"), `there is no workload "chess": use randomwords`},
		{in("{name: b, kind: throughput, workload: [x]}"), "workload is a list: write a text"},
		{in("{name: b, kind: throughput, workload: randomwords, keys: 5}"), "section b: keys cannot be set for the workload randomwords"},
		{in("{name: b, kind: throughput, workload: randomwords, skew: steep}"), `skew is "steep": write a number from 0.01 to 4`},
		{in("{name: b, kind: throughput, workload: randomwords, skew: -1}"), "skew is -1: allowed are 0.01 to 4"},
		{in("{name: b, kind: latency, duration: 10ms, rates: [1]}"), "section b: a rate of 1 tuples a second sends none in 10ms"},
		{in("{name: b, kind: curve, bounds: [1ms, 2]}"), `bounds is "2": write a time with its unit`},
		{in("{name: b, kind: curve, bounds: [2h]}"), "bounds is 2h0m0s: allowed are"},
		{in("{name: b, kind: curve, repeat: 3}"), "field repeat is of no use in a section of kind curve"},
		{in("{name: b, kind: ablation, factors: [magic]}"), `there is no factor "magic": use hash`},
		{in("{name: b, kind: ablation, factors: [hash, batch, passthrough, reuse, writev, drain]}"), "section b: 6 factors, allowed are 5"},
		{in("{name: b, kind: throughput, factors: [hash]}"), "field factors is of no use in a section of kind throughput"},
		{in("{name: b, kind: curve, seed: -1}"), "seed is -1"},
		{in("{name: b, kind: curve, guarantee: always}"), `there is no guarantee "always": use at-most-once or at-least-once`},
		{in("{name: b, kind: curve, guarantee: [at-most-once]}"), "guarantee is a list: write a text"},
		{in("{name: b, kind: curve, guarantees: at-most-once}"), `guarantees is "at-most-once": write a list, such as [at-most-once, at-least-once]`},
		{in("{name: b, kind: throughput, guarantees: [exactly-once]}"), `there is no guarantee "exactly-once"`},
		{in("{name: b, kind: throughput, guarantee: at-most-once, guarantees: [at-most-once]}"), "section b has guarantee and guarantees: leave one out"},
		{in("{name: b, kind: ablation, guarantees: [at-most-once]}"), "field guarantees is of no use in a section of kind ablation"},
		{in("{name: b, kind: curve, pending: 0}"), "pending is 0: allowed are 1 to"},
		{in("{name: b, kind: throughput, pending: 5}"), "section b: 5 pending tuples, of which there are none with at-most-once"},
		{in("{name: b, kind: curve, min_batch: 9000, max_batch: 8000}"), "min_batch is 9000, over max_batch, 8000: swap them"},
		{in("{name: b, kind: throughput, profiles: yes please}"), `profiles is "yes please": write true or false`},
		{in("{name: b, kind: curve, title: [x]}"), "title is a list: write a text"},
		{"name: m\nsections: [" + strings.Repeat("{name: a, kind: curve},", 101) + "]", "there are 101 sections, allowed are 100"},
		{strings.Repeat("#", 1<<20) + "#", "has more than 1048576 bytes"},
		{"name: m\nsections:\n- &a\n  name: a\n  kind: *a\n", "line 5: kind is a mapping"},
	} {
		m, err := Load(strings.NewReader(tc.text))
		var bad *LoadError
		if m != nil || !errors.As(err, &bad) {
			t.Errorf("%.200q: matrix %v, error %v", tc.text, m, err)
			continue
		}
		if !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "matrix: ") {
			t.Errorf("%.200q: want %q, have\n%v", tc.text, tc.want, err)
		}
	}
}

// TestAllFaultsAtOnce checks that a user is told of everything, in the order of the file.
func TestAllFaultsAtOnce(t *testing.T) {
	_, err := Load(strings.NewReader(`name: M
defaults:
  repeat: 0
sections:
  - name: a
    kind: speed
    words: few
  - name: a
    kind: latency
    rate: 5
`))
	var bad *LoadError
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	var lines []int
	for _, f := range bad.Faults {
		lines = append(lines, f.Line)
	}
	if !reflect.DeepEqual(lines, []int{1, 3, 6, 7, 8, 10}) {
		t.Errorf("faults on lines %v:\n%v", lines, err)
	}
}

func TestLoadPassesOnReadErrors(t *testing.T) {
	broken := errors.New("broken")
	if _, err := Load(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestSelect(t *testing.T) {
	m, err := Load(strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	few, err := m.Select([]string{"curve", "words"})
	if err != nil || !reflect.DeepEqual(few.names(), []string{"words", "curve"}) {
		t.Errorf("%v, %v", few, err)
	}
	if all, err := m.Select(nil); err != nil || all != m {
		t.Errorf("%v, %v", all, err)
	}
	var unknown *UnknownSectionError
	if _, err := m.Select([]string{"words", "fly"}); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "use words, pace, curve, switches") {
		t.Error(err)
	}
}

// TestFieldsAreDocumented keeps docs/bench.md whole.
func TestFieldsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/bench.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range fields {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/bench.md does not say what %s is", name)
		}
	}
	for kind := range kinds {
		if !strings.Contains(string(text), "| `"+string(kind)+"` |") {
			t.Errorf("docs/bench.md does not say what a section of kind %s is", kind)
		}
	}
}

// TestDocumentedMatrix checks that the example of docs/bench.md works.
func TestDocumentedMatrix(t *testing.T) {
	text, err := os.ReadFile("../../docs/bench.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ := strings.Cut(after, "```")
	if m, err := Load(strings.NewReader(example)); err != nil || len(m.Sections) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(good)
	f.Add("name: m\nsections: [{name: a, kind: latency, rates: [1, 2], loads: [.5]}]")
	f.Add("a: &a [*a]")
	f.Add("name: m\nsections: &s\n- &x {name: a, kind: throughput, modes: [naive], profiles: true}\n- *x\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Load(strings.NewReader(text))
		if err != nil {
			var bad *LoadError
			if m != nil || !errors.As(err, &bad) || len(bad.Faults) == 0 {
				t.Errorf("matrix %v, error %v", m, err)
			}
			return
		}
		if m.Name == "" || len(m.Sections) == 0 || m.Estimate() <= 0 {
			t.Errorf("%+v is no matrix", m)
		}
		if few, err := m.Select(m.names()); err != nil || len(few.Sections) != len(m.Sections) {
			t.Errorf("%v, %v", few, err)
		}
	})
}
