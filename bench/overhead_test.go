package bench

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestMeasureOverhead(t *testing.T) {
	long(t)
	leaktest.Check(t)
	c := short()
	c.Repeat = 2
	o, err := MeasureOverhead(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range o.Variants {
		names = append(names, v.Name)
		if v.TuplesPerSecond.N != 2 || v.TuplesPerSecond.Median <= 0 || v.Lost >= 1 || v.P <= 0 || v.Text == "" {
			t.Errorf("%+v", v)
		}
	}
	if got := strings.Join(names, " "); got != "unobserved observed stamped" || o.Variants[0].Lost != 0 {
		t.Errorf("%s, %+v", got, o.Variants[0])
	}
	var table bytes.Buffer
	if err := o.WriteTable(&table); err != nil || !strings.Contains(table.String(), "stamped: Left alone, but") {
		t.Errorf("%v\n%s", err, &table)
	}
}

func TestOverheadOfOtherWorkloads(t *testing.T) {
	c := short()
	c.Words, c.Workload.Workload = 0, Chain
	if o, err := MeasureOverhead(t.Context(), c); err == nil || o != nil || !strings.Contains(err.Error(), "stamps cannot be set for the workload chain") {
		t.Errorf("%v, %v", o, err)
	}
}

func TestOverheadIsCompared(t *testing.T) {
	var v OverheadVariant
	v.compare([]float64{90, 91, 92, 93, 94}, []float64{100, 101, 102, 103, 104})
	if v.Lost < 0.09 || v.Lost > 0.1 || v.Order != Less || v.P > 0.01 {
		t.Errorf("%+v", v)
	}
}
