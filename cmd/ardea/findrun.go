package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/local"
)

// findRun returns the run of a run directory, or else the one that is named by
// its topology, its pid or the path of its directory, or else the only one.
func findRun(ctx context.Context, name, dir string) (*local.Running, error) {
	if dir == "" && strings.ContainsRune(name, os.PathSeparator) {
		dir = name
	}
	if dir != "" {
		run, err := local.RunIn(ctx, dir)
		if err != nil {
			return nil, &usageError{err: err}
		}
		return run, nil
	}
	var found []local.Running
	for _, r := range local.Runs(ctx) {
		if name == "" || r.Topology == name || strconv.Itoa(r.PID) == name {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 1:
		return &found[0], nil
	case len(found) > 1:
		return nil, severalRuns(name, found)
	case name == "":
		return nil, usagef("nothing runs on this machine under your name; a run that was given a directory is found by that: --dir DIR")
	default:
		return nil, usagef("no topology %q runs: ardea profile ls lists what does", name)
	}
}

// severalRuns says how to tell runs apart.
func severalRuns(name string, found []local.Running) error {
	var which []string
	for i := range found {
		r := &found[i]
		if name == "" {
			which = append(which, fmt.Sprintf("%s, pid %d", r.Topology, r.PID))
		} else {
			which = append(which, fmt.Sprintf("pid %d in %s", r.PID, r.Dir))
		}
	}
	if name == "" {
		return usagef("%d topologies run: name one, by its topology or its pid: %s", len(found), strings.Join(which, "; "))
	}
	return usagef("%d runs are %q: name one by its pid or by --dir: %s", len(found), name, strings.Join(which, ", "))
}
