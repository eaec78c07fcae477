package bench

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

// small returns the workload of that name with little data.
func small(name string) Spec {
	s := Spec{Workload: name}.withDefaults()
	s.Words, s.Keys = min(s.Words, 2000), min(s.Keys, 500)
	return s
}

// saturating are the names of the workloads that run as fast as possible.
func saturating() []string {
	var names []string
	for _, w := range Workloads() {
		if w.Name != Latency {
			names = append(names, w.Name)
		}
	}
	return names
}

func TestEveryWorkloadChecksItself(t *testing.T) {
	long(t)
	for _, name := range saturating() {
		for _, containers := range []int{1, 2} {
			leaktest.Check(t)
			c := short()
			c.Words, c.Workload, c.Containers, c.Modes, c.Limits = 0, small(name), containers, []string{"optimized"}, []string{}
			c.Workload.Spouts, c.Workload.Bolts = 2, 3
			s, err := MeasureThroughput(t.Context(), c)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			checkRun(t, s.Runs[0])
			if s.Spec != c.Workload.withDefaults() && s.Spec.Seed != 1 || s.Kind != KindThroughput || s.Runs[0].Workload != name {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
}

func TestWorkloadWithProcesses(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Words, c.InProcess, c.Workload, c.Containers = 0, false, small(Sized), 2
	c.Modes = []string{"naive"}
	s, err := MeasureThroughput(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	checkRun(t, s.Runs[0])
}

func TestCountingWithAMap(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Workload.Map, c.Modes, c.Limits = true, []string{"optimized"}, []string{FusedLoop, FusedLoopMap}
	s, err := MeasureThroughput(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if s.Limits.FusedLoop <= 0 || s.Limits.FusedLoopMap <= 0 || len(s.Tests) != 3 {
		t.Errorf("%+v, %+v", s.Limits, s.Tests)
	}
}

// forwarder is a bolt that passes every tuple on, or does what a fault asks it to.
type forwarder struct {
	passBolt
	fault func(f *forwarder, n int, values []topology.Value) error
	n     int
	held  []topology.Value
}

func (f *forwarder) Execute(t *topology.Tuple) error {
	values := make([]topology.Value, t.Len())
	for i := range values {
		values[i] = valueOf(t, i)
	}
	f.n++
	return f.fault(f, f.n, values)
}

func (f *forwarder) Finish() error {
	if f.held != nil {
		return f.out.Emit(f.held...)
	}
	return nil
}

// valueOf copies a field.
func valueOf(t *topology.Tuple, i int) topology.Value {
	if n, err := t.Int(i); err == nil {
		return topology.Int(n)
	}
	if typ, _ := t.Type(i); typ == topology.TypeString {
		s, _ := t.String(i)
		return topology.String(s)
	}
	b, _ := t.Bytes(i)
	return topology.Bytes([]byte(string(b)))
}

// interpose puts a forwarder behind the spout of a topology.
func interpose(fault func(f *forwarder, n int, values []topology.Value) error) func(*topology.Topology) {
	return func(top *topology.Topology) {
		spout, next := &top.Components[0], &top.Components[1]
		in := next.Inputs[0]
		next.Inputs = []topology.Input{in}
		next.Inputs[0].Component = "faulty"
		top.Components = append(top.Components, topology.Component{
			Name: "faulty", Kind: topology.KindBolt, Parallelism: 1, Streams: spout.Streams,
			Inputs:  []topology.Input{{Component: spout.Name, Stream: in.Stream, Grouping: in.Grouping, Fields: in.Fields}},
			NewBolt: func() topology.Bolt { return &forwarder{fault: fault} },
		})
	}
}

// oneFault does f to tuple 1,000, and passes on all others.
func oneFault(f func(f *forwarder, values []topology.Value) error) func(*forwarder, int, []topology.Value) error {
	return func(fw *forwarder, n int, values []topology.Value) error {
		if n == 1000 {
			return f(fw, values)
		}
		return fw.out.Emit(values...)
	}
}

// reorder passes tuples on, but swaps two that follow each other.
func reorder(f *forwarder, n int, values []topology.Value) error {
	if n == 1000 {
		f.held = values
		return nil
	}
	err := f.out.Emit(values...)
	if f.held != nil {
		err = errors.Join(err, f.out.Emit(f.held...))
		f.held = nil
	}
	return err
}

// TestNegativeControls plants faults of the engine into every workload, which has to find them.
func TestNegativeControls(t *testing.T) {
	long(t)
	drop := oneFault(func(*forwarder, []topology.Value) error { return nil })
	double := oneFault(func(f *forwarder, v []topology.Value) error {
		return errors.Join(f.out.Emit(v...), f.out.Emit(v...))
	})
	for _, tc := range []struct {
		name      string
		fault     func(*forwarder, int, []topology.Value) error
		workloads []string
		want      string
	}{
		{"nothing", oneFault(func(f *forwarder, v []topology.Value) error { return f.out.Emit(v...) }), []string{RandomWords, Ordered}, ""},
		{"drop", drop, saturating(), "emitted and"},
		{"double", double, []string{RandomWords, FanOut, Sized}, "emitted and"},
		{"reorder", reorder, []string{Ordered, Sized}, "came out of order"},
	} {
		for _, name := range tc.workloads {
			leaktest.Check(t)
			c := short()
			c.Words, c.Workload, c.Modes, c.Limits = 0, small(name), []string{"optimized"}, []string{}
			if tc.name == "reorder" {
				c.Workload.Keys = 1 // neighbours have the same key
			}
			c.alter = interpose(tc.fault)
			_, err := MeasureThroughput(t.Context(), c)
			_, mismatch := errors.AsType[*MismatchError](err)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("%s, %s: %v", name, tc.name, err)
			case tc.want != "" && (!mismatch || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("%s, %s: %v, want %q", name, tc.name, err, tc.want)
			}
		}
	}
}

// TestGarbledPayloadIsFound changes one byte of a payload.
func TestGarbledPayloadIsFound(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Words, c.Workload, c.Modes = 0, small(Sized), []string{"optimized"}
	c.alter = interpose(oneFault(func(f *forwarder, v []topology.Value) error {
		return f.out.Emit(v[0], v[1], topology.Bytes(make([]byte, c.Workload.Size)))
	}))
	if _, err := MeasureThroughput(t.Context(), c); err == nil || !strings.Contains(err.Error(), "hold what nobody sent") {
		t.Errorf("a run with a garbled payload gives %v", err)
	}
}

func TestSpecNamesEveryFault(t *testing.T) {
	for _, tc := range []struct {
		spec Spec
		want string
	}{
		{Spec{Workload: "knitting"}, "use one of randomwords, "},
		{Spec{Workload: RandomWords, Keys: 5}, "keys cannot be set for the workload randomwords"},
		{Spec{Workload: LongWords, Size: 300}, "words of 300 letters, allowed are 8 to 255"},
		{Spec{Workload: LongWords, Size: 3}, "a size of 3 bytes"},
		{Spec{Workload: KeyWords, Keys: MaxKeys + 1}, "allowed are 1 to"},
		{Spec{Workload: ZipfWords, Skew: -1}, "a skew of -1"},
		{Spec{Workload: ZipfWords, Skew: math.NaN()}, "a skew of NaN"},
		{Spec{Workload: Sized, Map: true}, "does not count words"},
		{Spec{Workload: Latency, Spouts: 2}, "spouts cannot be set for the workload latency"},
		{Spec{Workload: RandomWords, Rate: 5}, "rate cannot be set"},
	} {
		if err := tc.spec.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.spec, err, tc.want)
		}
		if _, err := tc.spec.Topology(); err == nil {
			t.Errorf("%+v gives a topology", tc.spec)
		}
	}
}

func TestWorkloadsAreDescribed(t *testing.T) {
	for _, w := range Workloads() {
		if w.Name == "" || w.Text == "" || strings.HasSuffix(w.Text, ".") || strings.Contains(w.Text, "\n") {
			t.Errorf("%+v", w)
		}
		if err := (Spec{Workload: w.Name}).Validate(); err != nil {
			t.Errorf("%s with its defaults: %v", w.Name, err)
		}
	}
}

func TestNumberWords(t *testing.T) {
	var word [numberWidth]byte
	for _, i := range []uint64{0, 1, 15, 16, MaxKeys - 1, 1<<32 - 1} {
		writeNumber(&word, i)
		if got, ok := readNumber(word[:]); !ok || got != i {
			t.Errorf("%d is %q and back %d, %v", i, word, got, ok)
		}
	}
	for _, bad := range []string{"", "aaaaaaa", "aaaaaaaaa", "aaaaaaaq", "aaaaaaa`"} {
		if _, ok := readNumber([]byte(bad)); ok {
			t.Errorf("%q is a number", bad)
		}
	}
}

// TestZipf compares frequencies with the law. The draws are always the same ones.
func TestZipf(t *testing.T) {
	const n, skew, draws = 100, 1.07, 1_000_000
	z := newZipf(n, skew)
	var have [n]float64
	for i := range uint64(draws) {
		have[z.draw(mix(i))]++
	}
	var sum float64
	for i := range n {
		sum += math.Pow(float64(i+1), -skew)
	}
	for i, h := range have {
		want := draws * math.Pow(float64(i+1), -skew) / sum
		if deviation := math.Abs(h-want) / math.Sqrt(want); deviation > 5 {
			t.Errorf("rank %d was drawn %v times, want about %.0f", i, h, want)
		}
	}
}

// TestManyKeysFit counts every one of ten million keys.
func TestManyKeysFit(t *testing.T) {
	long(t)
	const keys = 10_000_000
	s := Spec{Workload: KeyWords, Keys: keys}
	c := s.counter()
	var word [numberWidth]byte
	for i := range uint64(keys) {
		writeNumber(&word, i)
		c.Add(word[:])
	}
	if got := s.tally(c); got.Tuples != keys || got.Distinct != keys || got.Foreign != 0 {
		t.Errorf("%+v", got)
	}
	if size := len(c.cells) * 16; size > 1<<29 {
		t.Errorf("the counter takes %d bytes", size)
	}
}

func TestThroughputIsKeptWithAnError(t *testing.T) {
	leaktest.Check(t)
	c := short()
	c.Modes, c.Limits = []string{"optimized"}, []string{FusedLoop}
	c.alter = func(top *topology.Topology) {
		top.Components[0].NewSpout = func() topology.Spout { return brokenSpout{errors.New("broken on purpose")} }
	}
	s, err := MeasureThroughput(t.Context(), c)
	if err == nil || s == nil || len(s.Limits.Runs) != 1 || s.Error != err.Error() {
		t.Errorf("%+v with %v", s, err)
	}
	c.Duration = time.Nanosecond
	if s, err := MeasureThroughput(t.Context(), c); err == nil || s != nil {
		t.Errorf("%+v with %v for a bad configuration", s, err)
	}
}
