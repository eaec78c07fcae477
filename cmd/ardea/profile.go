package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/local/capture"
)

// profilePatience is how much longer than its duration a capture may take.
const profilePatience = time.Minute

// profileOptions are the flags of ardea profile.
type profileOptions struct {
	run                string // name of a topology, or pid
	dir                string
	component, process string
	kind               string
	duration           time.Duration
	output             string
	top                bool
}

func (a *app) profileCommand() *cobra.Command {
	var o profileOptions
	cmd := &cobra.Command{
		Use:   "profile TOPOLOGY|PID",
		Short: "Take a profile of a running topology",
		Long: `Take a profile of a topology that runs on this machine under your name, whatever
program runs it. The profiles of the processes that are chosen, all by default,
are merged into one file for go tool pprof. The run goes on meanwhile.

The kinds are cpu, heap (what lives), allocs (what is allocated meanwhile), mutex
(who holds locks), block (who waits), goroutine, and trace (for go tool trace, of
one process).`,
		Example: `  ardea profile ls
  ardea profile wordcount --duration 10s --top
  ardea profile wordcount --component count --kind allocs --output allocs.pprof
  ardea profile 4711 --process stream-manager-1 --kind trace --duration 1s --output route.trace`,
		Args: a.oneRun(&o),
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error { return a.profile(cmd.Context(), a.stdout, o) }),
	}
	o.addFlags(cmd.Flags())
	cmd.AddCommand(a.profileListCommand())
	return cmd
}

func (a *app) profileListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the topologies that run on this machine",
		Long:    "List the topologies that run on this machine under your name, the oldest first.",
		Example: "  ardea profile ls",
		Args:    cobra.NoArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			return listRuns(a.stdout, local.Runs(cmd.Context()))
		}),
	}
}

func (o *profileOptions) addFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.component, "component", "", "of the tasks of component `NAME` only; stream-manager for the stream managers")
	f.StringVar(&o.process, "process", "", "of process `NAME` only, such as count-3")
	f.StringVar(&o.kind, "kind", string(local.ProfileCPU), "take a profile of `KIND`: cpu, heap, allocs, mutex, block, goroutine or trace")
	f.DurationVar(&o.duration, "duration", 10*time.Second, "record for `TIME`")
	f.StringVar(&o.output, "output", "", "write the profile to `FILE` (default: named after what it is of)")
	f.BoolVar(&o.top, "top", false, "print where the CPU time went as well")
	f.StringVar(&o.dir, "dir", "", "look for the run in run directory `DIR`, for those that were given one")
}

// oneRun checks that one run is named, by argument or by --dir.
func (a *app) oneRun(o *profileOptions) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) > 1, len(args) == 1 && o.dir != "":
			return usagef("several runs are named: name one, by its topology, its pid or --dir")
		case len(args) == 0 && o.dir == "":
			return usagef("name a run, by its topology or its pid: ardea profile ls lists what runs")
		case len(args) == 1:
			o.run = args[0]
		}
		return nil
	}
}

// listRuns prints a table.
func listRuns(out io.Writer, runs []local.Running) error {
	if len(runs) == 0 {
		_, err := fmt.Fprintln(out, "nothing runs")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "PID\tTOPOLOGY\tMODE\tSTARTED\tPROCESSES\tPPROF\tDIRECTORY")
	for i := range runs {
		r := &runs[i]
		processes := strconv.Itoa(len(r.Processes) + 1) // with the one that started them
		if r.InProcess {
			processes = "1"
		}
		pprof := r.Pprof
		if pprof == "" {
			pprof = "-"
		}
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.PID, r.Topology, r.Mode, r.Started.Format(time.TimeOnly), processes, pprof, r.Dir)
	}
	return w.Flush()
}

// check returns what is wrong with flags whatever run is meant.
func (o *profileOptions) check() error {
	if o.duration <= 0 || o.duration > local.MaxProfileDuration {
		return usagef("--duration is %v: use more than 0 and no more than %v", o.duration, local.MaxProfileDuration)
	}
	if _, err := capture.Check([]local.ProfileKind{local.ProfileKind(o.kind)}); err != nil {
		return usagef("--kind: %w", err)
	}
	if o.top && o.kind != string(local.ProfileCPU) {
		return usagef("--top is for CPU time: leave it out, or use --kind cpu")
	}
	return nil
}

// profile takes a profile and says where it is.
func (a *app) profile(ctx context.Context, out io.Writer, o profileOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	run, err := findRun(ctx, o.run, o.dir)
	if err != nil {
		return err
	}
	chosen, component, err := o.choose(run)
	if err != nil {
		return err
	}
	if o.output == "" {
		o.output = o.fileName(run)
	}
	if info, err := os.Stat(filepath.Dir(o.output)); err != nil || !info.IsDir() {
		return usagef("--output: there is no directory %s: make it, or name another file", filepath.Dir(o.output))
	}
	file, err := openNamed("--output", o.output)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ardea-profile-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	a.say(fmt.Sprintf("recording %s of %s, pid %d, for %v ...", o.kind, run.Topology, run.PID, o.duration))
	processes, merged, err := o.capture(ctx, run, dir, chosen, component)
	if err != nil {
		return err
	}
	if err := file.write(copyOf(merged)); err != nil {
		return err
	}
	if err := o.tell(out, processes); err != nil || !o.top {
		return err
	}
	return printTop(out, run.Mode, merged)
}

// copyOf returns what writes the content of a file.
func copyOf(path string) func(io.Writer) error {
	return func(w io.Writer) error {
		text, err := os.ReadFile(path)
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	}
}

// capture has the profiles taken into dir, merges them, and returns the
// processes that they are of and the file.
func (o *profileOptions) capture(
	ctx context.Context, run *local.Running, dir string, chosen []string, component string,
) (processes []string, merged string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.duration+profilePatience,
		fmt.Errorf("no answer for %v: is the run stopped, or the machine out of memory?", o.duration+profilePatience))
	defer cancel()
	kind := local.ProfileKind(o.kind)
	profiles, err := run.Profile(ctx, local.ProfileRequest{Kinds: []local.ProfileKind{kind}, Duration: o.duration, Dir: dir, Processes: chosen})
	if request, bad := errors.AsType[*local.RequestError](err); bad {
		return nil, "", &usageError{err: request.Err}
	}
	if err != nil {
		return nil, "", err
	}
	var files []string
	for _, p := range profiles {
		files = append(files, p.Path)
		processes = append(processes, p.Process)
	}
	merged = filepath.Join(dir, "merged")
	return processes, merged, capture.Merge(merged, kind, files, component)
}

// tell says what was written and how to read it.
func (o *profileOptions) tell(out io.Writer, processes []string) error {
	how := "go tool pprof -http=localhost:0 " + o.output
	if o.kind == string(local.ProfileTrace) {
		how = "go tool trace " + o.output
	}
	_, err := fmt.Fprintf(out, "%s: %s profile of %s\nopen it with: %s\n", o.output, o.kind, strings.Join(processes, ", "), how)
	return err
}

// managerComponent is what the stream managers are as a component, as in the labels of profiles.
const managerComponent = "stream-manager"

// choose returns the processes that are meant, none meaning all, and the
// component whose samples to keep, empty if they need not be told apart.
func (o *profileOptions) choose(run *local.Running) (chosen []string, component string, err error) {
	if o.component != "" && o.process != "" {
		return nil, "", usagef("both --component and --process are given: use one")
	}
	mixed := false
	for i := range run.Processes {
		p := &run.Processes[i]
		components := p.Components
		if p.Role == local.RoleManager {
			components = []string{managerComponent}
		}
		if o.component == "" && o.process == "" || p.Name() == o.process || slices.Contains(components, o.component) {
			chosen = append(chosen, p.Name())
			mixed = mixed || run.InProcess || slices.ContainsFunc(components, func(c string) bool { return c != o.component })
		}
	}
	kind := local.ProfileKind(o.kind)
	switch {
	case len(chosen) == 0:
		return nil, "", usagef("%s has no such component or process: use one of %s", run.Topology, strings.Join(choices(run), ", "))
	case kind == local.ProfileTrace && len(chosen) > 1 && !run.InProcess:
		return nil, "", usagef("a trace is of one process: name one with --process: %s", strings.Join(chosen, ", "))
	case o.process != "" && run.InProcess:
		return nil, "", usagef("%s runs in one process: leave --process out, or use --component with --kind cpu", run.Topology)
	case o.component == "" || !mixed:
		return chosen, "", nil
	case !capture.HasLabels(kind):
		return nil, "", usagef("a %s profile does not tell the tasks of one process apart: leave --component out, or run every task in a process of its own", kind)
	}
	return chosen, o.component, nil
}

// choices lists the components and processes of a run.
func choices(run *local.Running) []string {
	all := []string{managerComponent}
	for i := range run.Processes {
		all = append(all, run.Processes[i].Components...)
	}
	for i := range run.Processes {
		if !run.InProcess {
			all = append(all, run.Processes[i].Name())
		}
	}
	var once []string
	for _, c := range all {
		if !slices.Contains(once, c) {
			once = append(once, c)
		}
	}
	return once
}

// fileName names the profile after what it is of.
func (o *profileOptions) fileName(run *local.Running) string {
	name := run.Topology
	if part := cmp.Or(o.component, o.process); part != "" {
		name += "." + part
	}
	return capture.FileName(name, local.ProfileKind(o.kind))
}
