package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/profiles"
)

// Roles of processes, in summaries of profiles and in costs.
const (
	RoleSpouts   = "spouts"
	RoleManagers = "stream managers"
	RoleBolts    = "bolts"
	RoleMixed    = "mixed" // processes that hold spouts and bolts
	RoleAll      = "all"
)

// ProfileModes runs the workload once in every mode (nil means naive, heron2017
// and optimized) with every guarantee while all processes record CPU profiles over the measured
// window, and sums them up by role: spouts, stream managers, bolts and, last of
// each mode, all. In one process there is only the last. A role that had nothing
// to do is left out. Recording costs something: these are no runs to quote
// throughput of.
//
// The files go to c.ProfileDir, a folder a mode. What was summed up so far is
// returned with an error too. The error is that of Config.Validate, local.Start
// or Cluster.StopProfiles, a *MismatchError or an *AckError when a run has not
// counted or acked what it sent, profiles.ErrNoSamples, or the cause of ctx's end.
func ProfileModes(ctx context.Context, c Config) ([]profiles.Summary, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults([]string{naive, "heron2017", "optimized"}, nil)
	p := steps{progress: c.Progress, of: len(c.settings())}
	var all []profiles.Summary
	for _, of := range c.settings() {
		p.next("profiles of %s", of)
		summaries, err := c.profiled(ctx, of)
		if err != nil {
			return all, err
		}
		all = append(all, summaries...)
		whole := &summaries[len(summaries)-1]
		p.say("profiles of %s: %.1f CPU seconds sampled", of, whole.CPUSeconds)
		if err := whole.Check(); err != nil {
			p.say("%v", err)
		}
	}
	return all, nil
}

// profiled makes one run of a mode with a guarantee and returns the summaries of its profiles.
func (c Config) profiled(ctx context.Context, of setting) ([]profiles.Summary, error) {
	spec := c.Workload.promising(of.guarantee)
	dir, done, err := c.profileDir(of.String())
	if err != nil {
		return nil, err
	}
	defer done()
	name := fmt.Sprintf("%s %s, profiled", spec.Workload, of)
	var files []local.Profile
	var spent spending
	var placed *plan.Plan
	result, err := c.attend(ctx, spec, of.mode, name, func(ctx context.Context, s cluster) (err error) {
		placed = s.Plan()
		files, spent, err = profileWindow(ctx, s, c, dir)
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, err := check(name, spec, result); err != nil {
		return nil, err
	}
	return c.sumProfiles(of.String(), placed, files, spent)
}

// spending is what the processes that were profiled have used meanwhile, as the
// system accounts it: a profiler that takes a sample every 10 ms misses some of
// a thread that works in short bursts.
type spending struct {
	tuples float64
	cpu    map[string]float64 // seconds, by role, RoleAll too
}

// spentBetween compares two samples of a run.
func spentBetween(before, after *reading) spending {
	s := spending{tuples: after.tuples() - before.tuples(), cpu: map[string]float64{}}
	for i := range after.sample.Processes {
		p := &after.sample.Processes[i]
		used := usageBetween(before.sample.Processes[i].Usage, p.Usage).CPUSeconds()
		s.cpu[costRole(p)] += used
		s.cpu[RoleAll] += used
	}
	if s.cpu[RoleAll] == 0 { // all is in this process
		s.cpu[RoleAll] = usageBetween(before.sample.Launcher, after.sample.Launcher).CPUSeconds()
	}
	return s
}

// nanos returns the CPU time of a role for each tuple, zero if it is not known.
func (s spending) nanos(role string) float64 { return 1e9 * ratio(s.cpu[role], s.tuples) }

// profileWindow warms a run up and records it for the measured window.
func profileWindow(ctx context.Context, s cluster, c Config, dir string) (files []local.Profile, spent spending, err error) {
	if _, err := settle(ctx, s, c.WarmUp); err != nil {
		return nil, spent, err
	}
	if err := s.StartProfiles(ctx, []local.ProfileKind{local.ProfileCPU}); err != nil {
		return nil, spent, err
	}
	before, err := s.read(ctx)
	if err != nil {
		return nil, spent, err
	}
	if err := sleep(ctx, c.Duration); err != nil {
		return nil, spent, err
	}
	after, err := s.read(ctx)
	if err != nil {
		return nil, spent, err
	}
	files, err = s.StopProfiles(ctx, dir)
	return files, spentBetween(&before, &after), err
}

// sumProfiles reads the profiles of a run and sums them up by role, all last.
func (c Config) sumProfiles(variant string, placed *plan.Plan, files []local.Profile, spent spending) ([]profiles.Summary, error) {
	byRole := map[string][]*profiles.Profile{}
	for i := range files {
		path := files[i].Path
		if c.ProfileDir != "" {
			path = filepath.Join(c.ProfileDir, filepath.Base(filepath.Dir(path)), filepath.Base(path))
		}
		p, err := profiles.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("bench: profile of %s: %w", files[i].Process, err)
		}
		byRole[RoleAll] = append(byRole[RoleAll], p)
		if role := roleOf(&files[i], placed); role != RoleAll {
			byRole[role] = append(byRole[role], p)
		}
	}
	var summaries []profiles.Summary
	for _, role := range []string{RoleSpouts, RoleManagers, RoleBolts, RoleMixed, RoleAll} {
		s, err := profiles.Summarize(variant, role, nil, byRole[role], uint64(spent.tuples))
		switch {
		case errors.Is(err, profiles.ErrNoSamples) && role != RoleAll:
			continue
		case err != nil:
			return nil, fmt.Errorf("bench: %w", err)
		}
		if known := spent.nanos(role); known > 0 {
			s.NanosPerTuple = known
		}
		if c.ProfileDir == "" {
			s.Files = nil // they are gone
		}
		summaries = append(summaries, s)
	}
	return summaries, nil
}

// roleOf is what the process of a profile does.
func roleOf(p *local.Profile, placed *plan.Plan) string {
	switch p.Role {
	case local.RoleManager:
		return RoleManagers
	case local.RoleAll:
		return RoleAll
	case local.RoleInstance:
	}
	if p.Spout {
		return RoleSpouts
	}
	for _, name := range p.Components {
		for i := range placed.Components {
			if placed.Components[i].Name == name && placed.Components[i].Spout {
				return RoleMixed
			}
		}
	}
	return RoleBolts
}

// notInNames are the characters of modes that are better not in names of folders.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9.+_-]+`)

// profileDir makes the folder for the profiles of a variant. Done removes it if it is a temporary one.
func (c Config) profileDir(variant string) (dir string, done func(), err error) {
	if c.ProfileDir == "" {
		dir, err = os.MkdirTemp("", "ardea-profiles-")
		if err != nil {
			return "", nil, fmt.Errorf("bench: folder for profiles: %w", err)
		}
		return dir, func() { _ = os.RemoveAll(dir) }, nil
	}
	name := fmt.Sprintf("%s-%d-%s", c.Workload.Workload, c.Containers, variant)
	dir = filepath.Join(c.ProfileDir, notInNames.ReplaceAllString(name, "-"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("bench: folder for profiles: %w", err)
	}
	return dir, func() {}, nil
}
