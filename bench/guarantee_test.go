package bench

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

func TestGuaranteesInTurn(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := acked()
	c.Modes, c.Guarantees, c.Repeat, c.Pending = []string{naive, optimized}, Guarantees(), 2, 5000
	s, err := MeasureThroughput(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for i := range s.Runs {
		r := &s.Runs[i]
		order = append(order, r.Variant())
		checkAcked(t, r)
		if r.Guarantee.Tracked() && r.Acked != r.Emitted {
			t.Errorf("%s: %d of %d tuples were acked", r.Variant(), r.Acked, r.Emitted)
		}
	}
	once := []string{"naive", "naive acks", "optimized", "optimized acks"}
	if want := append(slices.Clone(once), once...); !slices.Equal(order, want) {
		t.Errorf("runs in the order %q", order)
	}
	for i := range s.Summaries {
		if m := &s.Summaries[i]; m.Name != once[i] || m.Runs != 2 || (m.OfAtMostOnce != nil) != m.Guarantee.Tracked() || m.RatioToNaive == 0 {
			t.Errorf("%+v", m)
		}
	}
	if s.Spec.Guarantee != "" || s.Spec.Pending != 5000 || len(s.Tests) != 6 {
		t.Errorf("%+v, %d tests", s.Spec, len(s.Tests))
	}
}

func TestLatencyOfBothGuarantees(t *testing.T) {
	leaktest.Check(t)
	c := acked()
	c.Guarantees, c.Rates, c.Loads = Guarantees(), []float64{5000}, []float64{0.01}
	s, err := MeasureFixed(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for i := range s.Latency {
		l := &s.Latency[i]
		order = append(order, l.Variant())
		if (l.Complete != nil) != l.Guarantee.Tracked() || l.Load == 0 {
			t.Errorf("%+v", l)
		}
	}
	if got, want := strings.Join(order, ", "), "optimized, optimized acks, optimized, optimized acks"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestCurveWithAcks(t *testing.T) {
	leaktest.Check(t)
	c := acked()
	c.Loads, c.Bounds = []float64{0.01}, []time.Duration{time.Minute}
	s, err := MeasureCurve(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if v := &s.Curves[0]; v.Variant() != "optimized acks" || v.Points[0].Complete == nil {
		t.Errorf("%+v", v)
	}
}

func TestAblationHasOneGuarantee(t *testing.T) {
	c := acked()
	c.Guarantees = Guarantees()
	if s, err := MeasureAblation(t.Context(), c); s != nil || !errors.Is(err, errGuarantees) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestGuaranteesAreThoseOfTopology holds the names of both packages against each other.
func TestGuaranteesAreThoseOfTopology(t *testing.T) {
	for i, g := range Guarantees() {
		if have, err := topology.ParseGuarantee(string(g)); err != nil || int(have) != i {
			t.Errorf("%s is %v, %v", g, have, err)
		}
		top, err := Spec{Workload: Chain, Guarantee: g}.Topology()
		if err != nil || string(g) != top.Delivery.Guarantee.String() || top.Delivery.Tracked() != g.Tracked() {
			t.Errorf("%s: %+v, %v", g, top, err)
		}
	}
	top, err := Spec{Workload: RandomWords, Guarantee: AtLeastOnce, Pending: 77}.Topology()
	if err != nil || top.Delivery.MaxPending != 77 {
		t.Errorf("%+v, %v", top, err)
	}
}

func TestGuaranteesAreChecked(t *testing.T) {
	for _, tc := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Workload.Guarantee = "sometimes" }, `no guarantee "sometimes": use at-most-once or at-least-once`},
		{func(c *Config) { c.Guarantees = []Guarantee{AtMostOnce, "often"} }, `no guarantee "often"`},
		{func(c *Config) { c.Guarantees = []Guarantee{AtLeastOnce, AtLeastOnce} }, "at-least-once is named twice"},
		{func(c *Config) { c.Pending = 5 }, "5 pending tuples, of which there are none with at-most-once"},
		{func(c *Config) { c.Guarantees, c.Pending = Guarantees(), -5 }, "-5 pending tuples, allowed are 1 to"},
		{func(c *Config) { c.Workload.Guarantee, c.Pending = AtLeastOnce, topology.MaxMaxPending+1 }, "pending tuples, allowed are 1 to"},
	} {
		c := Config{InProcess: true}
		tc.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v, want %q", err, tc.want)
		}
	}
	for _, c := range []Config{
		{InProcess: true, Guarantees: Guarantees(), Pending: 10},
		{InProcess: true, Workload: Spec{Guarantee: AtMostOnce}},
		{InProcess: true, Workload: Spec{Workload: Sized, Guarantee: AtLeastOnce, Pending: 1}},
	} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c.Guarantees, err)
		}
	}
}
