package topology

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/router"
)

type idleSpout struct{}

func (idleSpout) Open(context.Context, *Task, *Collector) error { return nil }
func (idleSpout) Next() error                                   { return ErrIdle }
func (idleSpout) Close() error                                  { return nil }

type blindBolt struct{}

func (blindBolt) Open(context.Context, *Task, *Collector) error { return nil }
func (blindBolt) Execute(*Tuple) error                          { return nil }
func (blindBolt) Close() error                                  { return nil }

type tickingBolt struct{ blindBolt }

func (tickingBolt) Tick(time.Time) error { return nil }

func newSpout() Spout  { return idleSpout{} }
func newBolt() Bolt    { return blindBolt{} }
func newTicking() Bolt { return tickingBolt{} }

func chooseNone(_ *Tuple, _, dst []uint32) []uint32 { return dst }

// valid is a topology that uses everything.
func valid() *Builder {
	return NewBuilder("every-thing_1.0").
		Spout("lines", newSpout, Parallelism(2), Output("line", "number"), OutputStream("late", "line"), Config("path", "x")).
		Bolt("a", newBolt, Shuffle("lines"), LocalShuffle("lines/late"), Output("word", "n"), Parallelism(MaxParallelism)).
		Bolt("b", newBolt, Fields("a", "word", "n"), Fields("lines", "number"), Output()).
		Bolt("c", newTicking, All("a"), Global("b"), Direct("lines"), None("lines/late"), TickEvery(time.Millisecond)).
		Bolt("d", newBolt, Custom("a", chooseNone))
}

func TestValidTopology(t *testing.T) {
	top, err := valid().Build()
	if err != nil {
		t.Fatal(err)
	}
	if top.Name != "every-thing_1.0" || len(top.Components) != 5 {
		t.Errorf("got %+v", top)
	}
	c := top.Components[1]
	want := []Input{{Component: "lines", Stream: "default", Grouping: router.Shuffle}, {Component: "lines", Stream: "late", Grouping: router.LocalShuffle}}
	if c.Name != "a" || c.Kind != KindBolt || !slices.EqualFunc(c.Inputs, want, func(x, y Input) bool {
		return x.Component == y.Component && x.Stream == y.Stream && x.Grouping == y.Grouping
	}) {
		t.Errorf("component a is %+v", c)
	}
	if top.Components[0].Config["path"] != "x" || top.Components[0].Kind.String() != "spout" || c.Kind.String() != "bolt" {
		t.Errorf("component lines is %+v", top.Components[0])
	}
	if top.Components[2].Streams[0].Name != DefaultStream || len(top.Components[2].Streams[0].Fields) != 0 {
		t.Errorf("component b declares %+v", top.Components[2].Streams)
	}
	if got := FieldIndex([]string{"a", "b"}, "b"); got != 1 || FieldIndex(nil, "b") != -1 {
		t.Errorf("FieldIndex says %d", got)
	}
}

// TestFaults changes the valid topology in one way each and looks for the fault that names it.
func TestFaults(t *testing.T) {
	many := make([]string, MaxFields+1)
	for i := range many {
		many[i] = fmt.Sprint("f", i)
	}
	for _, tc := range []struct {
		name   string
		change func(b *Builder)
		want   string
	}{
		{"spout of the same name", func(b *Builder) { b.Spout("lines", newSpout) }, `component "lines" is added twice`},
		{"bolt of the name of a spout", func(b *Builder) { b.Bolt("lines", newBolt, Shuffle("a")) }, `component "lines" is added twice`},
		{"empty name", func(b *Builder) { b.Spout("", newSpout) }, `spout name "" must be 1 to 64 letters`},
		{"name with a slash", func(b *Builder) { b.Spout("a/b", newSpout) }, `spout name "a/b" must be`},
		{"name that begins with a digit", func(b *Builder) { b.Spout("1a", newSpout) }, `spout name "1a" must be`},
		{"name with an umlaut", func(b *Builder) { b.Bolt("grün", newBolt, Shuffle("a")) }, `bolt name "grün" must be`},
		{"name with a space", func(b *Builder) { b.Bolt("a b", newBolt, Shuffle("a")) }, `bolt name "a b" must be`},
		{"long name", func(b *Builder) { b.Spout(strings.Repeat("x", 65), newSpout) }, `x" must be 1 to 64 letters`},
		{"no task", func(b *Builder) { b.Spout("s", newSpout, Parallelism(0)) }, `spout "s" has parallelism 0, allowed are 1 to 4096`},
		{"negative tasks", func(b *Builder) { b.Spout("s", newSpout, Parallelism(-3)) }, `spout "s" has parallelism -3`},
		{"too many tasks", func(b *Builder) { b.Spout("s", newSpout, Parallelism(4097)) }, `spout "s" has parallelism 4097`},
		{"spout without a constructor", func(b *Builder) { b.Spout("s", nil) }, `spout "s" has no constructor function`},
		{"bolt without a constructor", func(b *Builder) { b.Bolt("s", nil, Shuffle("a")) }, `bolt "s" has no constructor function`},
		{"nil option", func(b *Builder) { b.Spout("s", newSpout, nil) }, `spout "s" has an option that is nil`},
		{"spout with an input", func(b *Builder) { b.Spout("s", newSpout, Shuffle("lines")) }, `spout "s" cannot have inputs`},
		{"bolt without an input", func(b *Builder) { b.Bolt("s", newBolt) }, `bolt "s" has no input`},
		{"unknown component", func(b *Builder) { b.Bolt("s", newBolt, Shuffle("line")) }, `bolt "s" subscribes to line/default, but there is no component "line"`},
		{"unknown stream", func(b *Builder) { b.Bolt("s", newBolt, Shuffle("lines/early")) }, `bolt "s" subscribes to lines/early, but "lines" declares no stream "early"`},
		{"no default stream", func(b *Builder) { b.Bolt("s", newBolt, Shuffle("c")) }, `bolt "s" subscribes to c/default, but "c" declares no stream "default"`},
		{"empty component", func(b *Builder) { b.Bolt("s", newBolt, Shuffle("/late")) }, `there is no component ""`},
		{"unknown field", func(b *Builder) { b.Bolt("s", newBolt, Fields("a", "words")) }, `bolt "s" groups a/default by field "words", the stream has ["word" "n"]`},
		{"no field", func(b *Builder) { b.Bolt("s", newBolt, Fields("a")) }, `bolt "s" groups a/default by no field`},
		{"field twice in a key", func(b *Builder) { b.Bolt("s", newBolt, Fields("a", "n", "n")) }, `bolt "s" groups a/default by field "n" twice`},
		{"stream subscribed to twice", func(b *Builder) { b.Bolt("s", newBolt, Shuffle("a"), All("a/default")) }, `bolt "s" subscribes to a/default twice`},
		{"custom grouping without a function", func(b *Builder) { b.Bolt("s", newBolt, Custom("a", nil)) }, `bolt "s" has a custom grouping of a/default without a function`},
		{"stream declared twice", func(b *Builder) { b.Spout("s", newSpout, Output("a"), OutputStream("default", "b")) }, `component "s" declares stream "default" twice`},
		{"stream of no name", func(b *Builder) { b.Spout("s", newSpout, OutputStream("", "b")) }, `stream of s "" must be`},
		{"field of no name", func(b *Builder) { b.Spout("s", newSpout, Output("a", "")) }, `field of s/default "" must be`},
		{"field twice", func(b *Builder) { b.Spout("s", newSpout, Output("a", "a")) }, `stream s/default has field "a" twice`},
		{"too many fields", func(b *Builder) { b.Spout("s", newSpout, Output(many...)) }, `stream s/default has 1025 fields, allowed are 1024`},
		{"ticks too often", func(b *Builder) { b.Bolt("s", newTicking, Shuffle("a"), TickEvery(time.Microsecond)) }, `bolt "s" ticks every 1µs, the least is 1ms`},
		{"ticks backwards", func(b *Builder) { b.Bolt("s", newTicking, Shuffle("a"), TickEvery(-time.Second)) }, `bolt "s" ticks every -1s`},
		{"ticks nobody takes", func(b *Builder) { b.Bolt("s", newBolt, Shuffle("a"), TickEvery(time.Second)) }, `bolt "s" has TickEvery but no Tick method`},
		{"spout that ticks", func(b *Builder) { b.Spout("s", newSpout, TickEvery(time.Second)) }, `spout "s" cannot tick: only bolts get ticks`},
		{"bolt that feeds itself", func(b *Builder) { b.Bolt("s", newBolt, Shuffle("s"), Output("x")) }, `components form a cycle: s -> s`},
		{"cycle of three", func(b *Builder) {
			b.Bolt("x", newBolt, Shuffle("z"), Output("x")).Bolt("y", newBolt, Shuffle("x"), Output("x")).Bolt("z", newBolt, Shuffle("y"), Shuffle("a"), Output("x"))
		}, `components form a cycle: x -> y -> z -> x`},
		{"too many tasks in all", func(b *Builder) {
			for i := range 16 {
				b.Spout(fmt.Sprint("s", i), newSpout, Parallelism(MaxParallelism))
			}
		}, `tasks, allowed are 65536`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := valid()
			tc.change(b)
			top, err := b.Build()
			var ie *InvalidError
			if top != nil || !errors.As(err, &ie) || ie.Topology != "every-thing_1.0" {
				t.Fatalf("got %v, %v", top, err)
			}
			if len(ie.Faults) != 1 || !strings.Contains(ie.Faults[0], tc.want) {
				t.Errorf("faults are %q, want one with %q", ie.Faults, tc.want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := NewBuilder("9lives").
		Bolt("a", newBolt, Shuffle("b"), Output("x")).
		Bolt("b", nil, Fields("a", "y"), Parallelism(0), Output("x")).
		Build()
	want := `topology: "9lives" is not valid:
  - topology name "9lives" must be 1 to 64 letters, digits, '-', '_' or '.' and begin with a letter
  - bolt "b" has parallelism 0, allowed are 1 to 4096
  - bolt "b" has no constructor function
  - bolt "b" groups a/default by field "y", the stream has ["x"]
  - it has no spout, so nothing would ever flow
  - components form a cycle: a -> b -> a`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = NewBuilder("empty").Build()
	if err == nil || err.Error() != "topology: \"empty\" is not valid:\n  - it has no components: add a spout with Spout" {
		t.Errorf("got %v", err)
	}
}

func TestTooManyStreams(t *testing.T) {
	b := NewBuilder("wide").Bolt("b", newBolt, Shuffle("s0/x0"))
	for i := range 64 {
		opts := make([]Option, 1024)
		for j := range opts {
			opts[j] = OutputStream(fmt.Sprint("x", j), "f")
		}
		b.Spout(fmt.Sprint("s", i), newSpout, opts...)
	}
	_, err := b.Build()
	if err == nil || !strings.Contains(err.Error(), "it has 65536 streams, allowed are 65535") {
		t.Errorf("got %v", err)
	}
}

// TestBuildKeepsNothingOfTheCaller changes what was passed to the builder.
func TestBuildKeepsNothingOfTheCaller(t *testing.T) {
	fields, key := []string{"a", "b"}, []string{"b"}
	b := NewBuilder("t").Spout("s", newSpout, Output(fields...)).Bolt("c", newBolt, Fields("s", key...))
	fields[0], key[0] = "changed", "changed"
	top, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	b.Bolt("d", newBolt, Shuffle("s"))
	if top.Components[0].Streams[0].Fields[0] != "a" || top.Components[1].Inputs[0].Fields[0] != "b" || len(top.Components) != 2 {
		t.Errorf("got %+v", top.Components)
	}
	if again, err := b.Build(); err != nil || len(again.Components) != 3 {
		t.Errorf("a second Build: %v", err)
	}
}

// TestDeliveryIsChecked builds topologies whose delivery makes no sense, and a few that do.
func TestDeliveryIsChecked(t *testing.T) {
	letters := OutputStream(DeadLetterStream, "id")
	for _, tc := range []struct {
		d     Delivery
		opt   Option
		fault string
	}{
		{Delivery{Guarantee: AtLeastOnce}, DeadLetters(), ""},
		{Delivery{Guarantee: AtLeastOnce, MaxRetries: -1}, Output("x"), ""},
		{Delivery{}, letters, ""}, // a stream like any other
		{Delivery{Guarantee: AtLeastOnce}, letters, "declare it by DeadLetters"},
		{Delivery{Guarantee: guarantees}, Output("x"), "guarantee(2) is unknown"},
		{Delivery{MessageTimeout: 1}, Output("x"), "MessageTimeout is 1ns"},
		{Delivery{MaxPending: -1}, Output("x"), "MaxPending is -1"},
		{Delivery{MaxRetries: MaxMaxRetries + 1}, Output("x"), "MaxRetries is 101"},
	} {
		_, err := NewBuilder("test").Deliver(tc.d).Spout("s", func() Spout { return nil }, tc.opt).Build()
		switch {
		case tc.fault == "" && err != nil:
			t.Errorf("%+v: %v", tc.d, err)
		case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)):
			t.Errorf("%+v: %v, want %q", tc.d, err, tc.fault)
		}
	}
}

// TestDurableStreams makes streams durable, and says what is wrong with those that cannot be.
func TestDurableStreams(t *testing.T) {
	spout, bolt := func() Spout { return nil }, func() Bolt { return nil }
	top, err := NewBuilder("t").
		Spout("s", spout, Durable("words"), Output("w"), OutputStream("plain", "w")). // in any order
		Bolt("b", bolt, Shuffle("s"), OutputStream("out", "x"), DurableStream("out", "results")).
		Bolt("all", bolt, All("s"), Global("b/out"), Direct("s/plain")).Build()
	if err != nil {
		t.Fatal(err)
	}
	var logs []string
	for _, c := range top.Components {
		for _, s := range c.Streams {
			logs = append(logs, c.Name+"/"+s.Name+"="+s.Log)
		}
	}
	if got := strings.Join(logs, " "); got != "s/default=words s/plain= b/out=results" {
		t.Errorf("the streams are %s", got)
	}
	_, err = NewBuilder("t").
		Spout("s", spout, Output("w"), Durable("a"), Durable("b"), DurableStream("none", "c")).
		Spout("r", spout, Output("w"), Durable("a"), OutputStream("other", "w"), DurableStream("other", "no good")).
		Spout("q", spout, Output("w"), Durable("")).
		Bolt("direct", bolt, Direct("s")).
		Bolt("custom", bolt, Custom("s", func(*Tuple, []uint32, []uint32) []uint32 { return nil })).Build()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`stream s/default is made durable twice`, `component "s" makes stream "none" durable, but declares no such stream`,
		`streams s/default and r/default are durable in the same log "a"`, `log of r/other "no good" must be`,
		`stream q/default is durable in a log without a name`, `bolt "direct" has a direct grouping of s/default, which is durable`,
		`bolt "custom" has a custom grouping of s/default, which is durable`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among the faults: %v", want, err)
		}
	}
}
