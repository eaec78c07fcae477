package bench

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/plan"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := (Config{InProcess: true}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (Config{ChildArgs: childArgs}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"mode":       {func(c *Config) { c.Modes = []string{"naive", "quick"} }, `"quick"`},
		"limit":      {func(c *Config) { c.Limits = []string{"light"} }, `"light"`},
		"repeat":     {func(c *Config) { c.Repeat = -1 }, "Repeat is -1"},
		"containers": {func(c *Config) { c.Containers = -2 }, "Containers is -2"},
		"spouts":     {func(c *Config) { c.Spouts = -3 }, "-3 spouts"},
		"bolts":      {func(c *Config) { c.Bolts = 5000 }, "5000 bolts"},
		"words":      {func(c *Config) { c.Words = MaxWords + 1 }, "dictionary"},
		"rate":       {func(c *Config) { c.Rate = 0.5 }, "rate of 0.5"},
		"duration":   {func(c *Config) { c.Duration = time.Microsecond }, "Duration is 1µs"},
		"warm-up":    {func(c *Config) { c.WarmUp = -time.Second }, "WarmUp -1s"},
		"children":   {func(c *Config) { c.InProcess = false }, "ChildArgs"},
	} {
		c := Config{InProcess: true}
		tc.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	both := Config{InProcess: true, Repeat: -1, Spouts: -1}
	if err := both.Validate(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults give %v", err)
	}
}

func TestUnknownWorkload(t *testing.T) {
	if _, err := (Spec{Workload: "knitting"}).Topology(); err == nil || !strings.Contains(err.Error(), `"knitting"`) {
		t.Error(err)
	}
	if err := (Spec{Workload: Latency, Rate: 10, Tuples: 5, WarmUp: 5}).Validate(); err == nil {
		t.Error("a run in which nothing is measured is valid")
	}
}

// TestSpecTravels checks that a child builds the topology of its parent.
func TestSpecTravels(t *testing.T) {
	c := Config{InProcess: true, Spouts: 3, Bolts: 5}.withDefaults(nil, nil)
	for _, spec := range []Spec{c.Workload, c.latency(1000, AtMostOnce), c.saturated(AtLeastOnce), c.latency(1000, AtLeastOnce)} {
		text, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		var arrived Spec
		if err := json.Unmarshal(text, &arrived); err != nil {
			t.Fatal(err)
		}
		here, err := spec.Topology()
		if err != nil {
			t.Fatal(err)
		}
		there, err := arrived.Topology()
		if err != nil {
			t.Fatal(err)
		}
		if a, b := plan.NewLogical(here).Fingerprint, plan.NewLogical(there).Fingerprint; a != b || spec != arrived {
			t.Errorf("%+v became %+v, fingerprint %#x became %#x", spec, arrived, a, b)
		}
	}
}
