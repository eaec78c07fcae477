package profiles_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/profiles"
)

func TestRulesDecide(t *testing.T) {
	const rules = `
# Comments and empty lines mean nothing.
[garbage collection]
anywhere ^runtime\.gc
[allocate]
anywhere ^runtime\.mallocgc$

[copy]
frame memmove
[ socket write ]
frame ^syscall\.write$
[pass]
frame ^(runtime|syscall|strings)\.
[user code]
frame .
`
	for _, tc := range []struct {
		name        string
		stack       string // leaf first
		want        profiles.Category
		responsible string
	}{
		{"the leaf decides", "user.f user.g", profiles.UserCode, "user.f"},
		{"a frame that passes asks its caller", "strings.Map user.f", profiles.UserCode, "user.f"},
		{"the first frame that knows decides", "runtime.memmove user.f", profiles.Copy, "user.f"},
		{"a caller counts where the leaf passes", "syscall.rawcall syscall.write engine.send", profiles.SocketWrite, "engine.send"},
		{"a rule for the whole stack goes first", "runtime.memmove runtime.mallocgc user.f", profiles.Allocate, "user.f"},
		{"of two such rules the upper one goes first", "runtime.gcAssist runtime.mallocgc user.f", profiles.GC, "user.f"},
		{"of two such rules the upper one goes first, wherever it matches", "runtime.mallocgc runtime.gcBgMarkWorker", profiles.GC, "runtime.gcBgMarkWorker"},
		{"what only passes has no category", "runtime.x runtime.y", profiles.Other, "runtime.x"},
		{"without a stack there is none", "", profiles.Other, "(no stack)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			loaded, err := profiles.LoadRules(strings.NewReader(rules))
			if err != nil {
				t.Fatal(err)
			}
			p, err := profiles.Read(cpuProfile(t, tc.stack))
			if err != nil {
				t.Fatal(err)
			}
			s, err := profiles.Summarize("made up", "all", loaded, []*profiles.Profile{p}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if shareOf(s, tc.want) != 1 || s.Top[0].Name != tc.responsible || s.Top[0].Category != tc.want {
				t.Errorf("got %+v, want %s by %s", s.Top, tc.want, tc.responsible)
			}
		})
	}
}

func TestBadRulesAreNamedByLine(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"unknown category", "[nonsense]", `line 1: "[nonsense]" is no category; write one of [user code], [encode]`},
		{"bracket not closed", "\n[encode", `line 2: "[encode" is no category`},
		{"no category", "frame x", "line 1: the rule has no category; write a line such as [user code] above it"},
		{"unknown keyword", "[encode]\nframes x", `line 2: "frames" is no rule; write a [category], frame or anywhere`},
		{"no expression", "[encode]\n# first\nframe", "line 3: frame has no regular expression"},
		{"bad expression", "[encode]\nframe a(b", "line 2: error parsing regexp: missing closing ): `a(b`; write a regular expression"},
		{"whole stack passed", "[pass]\nanywhere x", "line 2: only a frame can be passed; write frame"},
		{"too large", strings.Repeat("# a comment\n", 30000), "it has more than 256 KiB; make it shorter"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rules, err := profiles.LoadRules(strings.NewReader(tc.text))
			if rules != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestAllBadRulesAreNamed(t *testing.T) {
	_, err := profiles.LoadRules(strings.NewReader("[nonsense]\nframe ok\nframe (\nanywhere\n"))
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Fatalf("got %v, want three faults", err)
	}
	for i, line := range []int{1, 3, 4} {
		var fault *profiles.RuleError
		if !errors.As(joined.Unwrap()[i], &fault) || fault.Line != line {
			t.Errorf("fault %d: %v, want line %d", i, joined.Unwrap()[i], line)
		}
	}
}

func TestOwnRulesGoBeforeTheDefaults(t *testing.T) {
	own, err := profiles.LoadRules(strings.NewReader("[metrics]\nframe ^example.com/telemetry\\.\ndefaults\n[decode]\nframe ^main\\.\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := profiles.Read(cpuProfile(t, "example.com/telemetry.Count main.f", "main.f"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := profiles.Summarize("made up", "all", own, []*profiles.Profile{p}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if shareOf(s, profiles.Metrics) != 0.5 || shareOf(s, profiles.UserCode) != 0.5 {
		t.Errorf("got %+v", s.Shares)
	}
}

func TestDefaultRulesAreTheFile(t *testing.T) {
	f, err := os.Open("rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := profiles.LoadRules(f); err != nil {
		t.Fatal(err)
	}
	if profiles.DefaultRules() == nil {
		t.Error("no default rules")
	}
}

// TestDefaultRulesOfMadeUpStacks has cases that are rare in recorded profiles.
func TestDefaultRulesOfMadeUpStacks(t *testing.T) {
	const ardea = "github.com/ardea-stream/ardea/"
	for _, tc := range []struct {
		name, stack string
		want        profiles.Category
	}{
		{"labels are no work", "main.(*count).Execute " + ardea + "instance.(*bolt).records runtime/pprof.Do " + ardea + "instance.(*Instance).Run", profiles.UserCode},
		{"regions are no work", "main.f runtime/trace.WithRegion main.g", profiles.UserCode},
		{"writing a profile is", "compress/flate.(*compressor).deflate runtime/pprof.(*profileBuilder).flush runtime/pprof.profileWriter", profiles.Metrics},
		{"a module without a dot", "strings.Map words/split.Line " + ardea + "instance.(*bolt).records", profiles.UserCode},
		{"a module that is unknown", "example.com/words.Count[go.shape.int] " + ardea + "instance.(*bolt).records", profiles.UserCode},
		{"a map of user code", "aeshashbody runtime.mapaccess1_faststr main.f", profiles.UserCode},
		{"a log line", "internal/runtime/syscall/linux.Syscall6 syscall.write internal/poll.(*FD).Write os.(*File).Write log/slog.(*TextHandler).Handle main.f", profiles.Metrics},
		{"a file of user code", "internal/runtime/syscall/linux.Syscall6 syscall.write internal/poll.(*FD).Write os.(*File).Write main.f", profiles.UserCode},
		{"a socket of user code", "internal/runtime/syscall/linux.Syscall6 syscall.write internal/poll.(*FD).Write net.(*conn).Write main.f", profiles.SocketWrite},
		{"a sample for the supervisor", "syscall.read os.(*File).Read os.ReadFile " + ardea + "local.(*Usage).readSystem " + ardea + "local.ownUsage", profiles.Metrics},
		{"help for the collector", "runtime.scanobject runtime.gcDrainN runtime.gcAssistAlloc1 runtime.systemstack runtime.mallocgc main.f", profiles.GC},
		{"a slice that grows", "runtime.memclrNoHeapPointers runtime.mallocgcLarge runtime.mallocgc runtime.growslice main.f", profiles.Allocate},
		{"what a slice held", "runtime.memmove runtime.growslice main.f", profiles.Copy},
		{"a channel that waits", "runtime.futex runtime.futexsleep runtime.notesleep runtime.stopm runtime.findRunnable runtime.schedule runtime.park_m runtime.mcall", profiles.Scheduler},
		{"a channel of user code", "runtime.lock2 runtime.chansend runtime.chansend1 main.f", profiles.Scheduler},
		{"what was preempted", "runtime.asyncPreempt " + ardea + "wire.PutShort " + ardea + "topology.(*Out).addShort", profiles.Encode},
		{"the clock", "runtime.nanotime1 runtime.nanotime time.runtimeNano time.Since main.f", profiles.Timers},
		{"timers that are due", "runtime.(*timers).run runtime.(*timers).check runtime.findRunnable runtime.schedule", profiles.Timers},
		{"a deadline", "runtime.(*timer).modify runtime.poll_runtime_pollSetDeadline internal/poll.setDeadlineImpl net.(*netFD).SetReadDeadline " + ardea + "instance.(*link).arm", profiles.Timers},
		{"the account of acks", ardea + "tracker.(*Tracker).AckAll " + ardea + "instance.(*spout).loop", profiles.Ack},
		{"an unknown function of the library", "google.golang.org/protobuf/proto.unheardOf " + ardea + "wire.ParseBatch", profiles.Other},
		{"package initialization", "unicode.init runtime.doInit1 runtime.main", profiles.Other},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := profiles.Read(cpuProfile(t, tc.stack))
			if err != nil {
				t.Fatal(err)
			}
			s, err := profiles.Summarize("made up", "all", nil, []*profiles.Profile{p}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if shareOf(s, tc.want) != 1 {
				t.Errorf("got %+v, want %s", s.Top, tc.want)
			}
		})
	}
}
