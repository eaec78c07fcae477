package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/dataplane"
)

// ablationOptions are the flags of ardea bench ablation that others do not have.
type ablationOptions struct {
	benchOptions
	factors []string
	noPGO   string
}

func (a *app) benchAblationCommand() *cobra.Command {
	var o ablationOptions
	cmd := &cobra.Command{
		Use:   "ablation",
		Short: "Measure what each optimization is worth",
		Long: `Count random words as fast as possible with each optimization turned off from the
mode optimized, with each one of naive's turned on, and with all combinations of
a few, interleaved. What can be turned off, alone as in --modes optimized-hash or
together as in optimized-hash-batch:

` + switchTable() + `
A program built with a profile of itself is compared with --no-pgo.`,
		Example: `  ardea bench ablation --repeat 5 --json ablation.json
  ardea bench ablation --factors hash,batch,writev
  go build -pgo=off -o /tmp/ardea-nopgo ./cmd/ardea && ardea bench ablation --no-pgo /tmp/ardea-nopgo --factors pgo,hash`,
		Args: cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error { return a.ablate(cmd.Context(), o, withFlags(cmd)) }),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.factors, "factors", bench.DefaultFactors(), "measure all combinations of `NAMES`, up to 5 separated by commas")
	f.StringVar(&o.noPGO, "no-pgo", "", "let `PROGRAM`, this one built with -pgo=off, run what is measured without a profile")
	f.IntVar(&o.containers, "containers", 2, "run `N` stream managers, the tasks dealt to them in turn")
	f.IntVar(&o.spouts, "spouts", 2, "run `N` tasks that send words")
	f.IntVar(&o.bolts, "bolts", 2, "run `N` tasks that count words")
	f.IntVar(&o.tasksPerProcess, "tasks-per-process", 1, "let up to `N` tasks share a process")
	f.BoolVar(&o.inProcess, "in-process", false, "run everything in this process, for profiles")
	o.addWords(f)
	o.addWindow(f, 4*time.Second)
	return cmd
}

// switchTable lists what can be turned off.
func switchTable() string {
	var b strings.Builder
	for _, s := range dataplane.Switches {
		fmt.Fprintf(&b, "  %-12s %s\n", s.Name, s.Text)
	}
	return b.String()
}

// withFlags returns a command with the flags that were given.
func withFlags(cmd *cobra.Command) string {
	text := cmd.CommandPath()
	cmd.Flags().Visit(func(f *pflag.Flag) { text += " --" + f.Name + "=" + strings.Trim(f.Value.String(), "[]") })
	return text
}

// ablationConfig checks the flags and opens the file for the result.
func (a *app) ablationConfig(o ablationOptions) (bench.Config, resultFile, error) {
	if o.noPGO != "" {
		if err := checkNoPGO(o.noPGO); err != nil {
			return bench.Config{}, resultFile{}, err
		}
	}
	c, err := o.config()
	if err != nil {
		return c, resultFile{}, err
	}
	c.Factors, c.NoPGO, c.Progress, c.Stderr = o.factors, o.noPGO, a.say, a.stderr
	if err := c.Validate(); err != nil {
		return c, resultFile{}, &usageError{err: err}
	}
	file, err := openResult(o.json)
	return c, file, err
}

// ablate measures and prints; command is what was typed.
func (a *app) ablate(ctx context.Context, o ablationOptions, command string) error {
	c, file, err := a.ablationConfig(o)
	if err != nil {
		return err
	}
	a.say(fmt.Sprintf("%d runs of about %v", bench.AblationRuns(c), (c.Duration + c.WarmUp).Round(time.Second)))
	suite := &bench.Suite{
		Schema: bench.SuiteSchema, Name: "ablation", Command: command, Started: time.Now().UTC().Truncate(time.Millisecond),
		Machine: bench.ThisMachine(),
	}
	section, err := bench.MeasureAblation(ctx, c)
	if section == nil {
		return err
	}
	suite.Seconds, suite.Partial = time.Since(suite.Started).Seconds(), section.Error
	suite.Sections = []bench.Section{*section}
	return errors.Join(err, file.write(suite.WriteJSON), a.printAblation(suite))
}

func (a *app) printAblation(s *bench.Suite) error {
	_, _ = fmt.Fprintln(a.stdout)
	if err := s.Sections[0].Ablation.WriteTable(a.stdout); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.stdout, s.Machine.String())
	return err
}

// checkNoPGO refuses a comparison that would show nothing.
func checkNoPGO(program string) error {
	if !builtWithProfile() {
		return usagef("--no-pgo %s: this program was built without a profile too: build it with make build, which takes cmd/ardea/default.pgo", program)
	}
	return checkUnprofiled(program)
}

// checkUnprofiled refuses what is not this program, built without a profile.
func checkUnprofiled(program string) error {
	const advice = "name this program built with -pgo=off, see make plain"
	path, err := exec.LookPath(program)
	if err != nil {
		return usagef("--no-pgo: %w: %s", err, advice)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return usagef("--no-pgo: %w: %s", err, advice)
	}
	if own, ok := debug.ReadBuildInfo(); ok && info.Path != own.Path {
		return usagef("--no-pgo %s: this is %s, not %s: %s", program, info.Path, own.Path, advice)
	}
	if profiled(info) {
		return usagef("--no-pgo %s: it was built with a profile too: %s", program, advice)
	}
	return nil
}

// builtWithProfile reports whether the compiler was given a profile of this program.
func builtWithProfile() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && profiled(info)
}

func profiled(info *debug.BuildInfo) bool {
	return slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool {
		return s.Key == "-pgo" && s.Value != "" && s.Value != "off"
	})
}
