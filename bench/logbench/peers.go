package logbench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/dlog"
)

// engine is what logpeers says of an engine.
type engine struct {
	Engine     string `json:"engine"`
	Version    string `json:"version"`
	Runs       bool   `json:"runs"`
	WhyNot     string `json:"why_not"`
	Durability string `json:"durability"`
}

// peerRun is what logpeers says of a run. It has read back all that was acknowledged, or it fails.
type peerRun struct {
	PerSecond float64 `json:"records_per_second"`
	Append    struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"append_us"`
	Checked struct {
		Records uint64 `json:"records"`
	} `json:"checked"`
}

// peers measures other engines with the same work, in turn with Ardea.
func (r *runner) peers(ctx context.Context) error {
	f := r.figure(Peers, "Ardea beside other engines: records of 100 bytes, each acknowledged when it is durable",
		"more than each of them, at equal durability; the ratio is Ardea's factor")
	engines, err := r.engines(ctx, f)
	if err != nil {
		return err
	}
	for _, w := range []work{
		{"1 writer", 1, 1, 1, 100},
		{"64 writers", 1, 64, 1, 100},
		{"64 writers, batches of 100", 1, 64, 100, 100},
	} {
		able := slices.Clone(engines)
		for range r.c.Repeat {
			for _, e := range slices.Clone(able) {
				err := r.peer(ctx, f, e, w)
				if refusal, is := errors.AsType[*refusedError](err); is {
					f.Notes = append(f.Notes, fmt.Sprintf("%s was not measured with %s: %s", e.Engine, w.name, refusal))
					able = slices.DeleteFunc(able, func(other engine) bool { return other == e })
				} else if err != nil {
					return fmt.Errorf("%s, %s: %w", e.Engine, w.name, err)
				}
			}
		}
	}
	return nil
}

// engines asks which engines there are, and notes what they promise.
func (r *runner) engines(ctx context.Context, f *Figure) (runs []engine, err error) {
	out, err := r.callPeer(ctx, "list", "--json")
	if err != nil {
		return nil, err
	}
	f.Notes = append(f.Notes, "ardea: one fdatasync of the journal for all who wait, then they are told")
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var e engine
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("%s list: %w", r.c.PeerProgram, err)
		}
		if !e.Runs {
			f.Notes = append(f.Notes, e.Engine+" was not measured: "+e.WhyNot)
			continue
		}
		f.Notes = append(f.Notes, strings.TrimSpace(e.Engine+" "+e.Version)+": "+e.Durability)
		runs = append(runs, e)
	}
	return runs, nil
}

// refusedError says that an engine cannot do some work by its nature.
type refusedError struct{ complaint string }

func (e *refusedError) Error() string { return strings.TrimSpace(e.complaint) }

// Exit statuses of logpeers.
const (
	peerRefused = 2 // the engine cannot do that
	peerLost    = 3 // what was read back is not what was acknowledged
)

func (r *runner) callPeer(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, r.c.PeerProgram, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return out, nil
	case ended && exit.ExitCode() == peerLost:
		return nil, &CheckError{strings.Join(args, " "), complaint.String()}
	case ended && exit.ExitCode() == peerRefused:
		return nil, &refusedError{complaint.String()}
	default:
		return nil, fmt.Errorf("%s %s: %w: %s", r.c.PeerProgram, strings.Join(args, " "), err, complaint.String())
	}
}

// peer measures one engine and Ardea right after it.
func (r *runner) peer(ctx context.Context, f *Figure, e engine, w work) error {
	dir, remove, err := r.folder("peer")
	if err != nil {
		return err
	}
	defer remove()
	out, err := r.callPeer(ctx, "run", "--engine", e.Engine, "--dir", filepath.Join(dir, "peer"), "--writers", strconv.Itoa(w.writers),
		"--batch", strconv.Itoa(w.batch), "--bytes", strconv.Itoa(w.bytes), "--duration", r.c.Duration.String())
	if err != nil {
		return err
	}
	var p peerRun
	if err := json.Unmarshal(out, &p); err != nil {
		return fmt.Errorf("it says %q: %w", out, err)
	}
	remove()
	return r.inStore("ardea", func(s *dlog.Store) error {
		g, err := r.group(ctx, s, w)
		if err != nil {
			return err
		}
		o, err := r.drive(ctx, g)
		if err != nil {
			return err
		}
		name, is := w.name+", beside "+e.Engine, e.Engine
		r.add(f, name, PerSecond, is, o.rate()*float64(w.batch), p.PerSecond)
		r.add(f, name+", p50", Micros, is, quantile(o.nanos, 0.5), p.Append.P50)
		r.add(f, name+", p99", Micros, is, quantile(o.nanos, 0.99), p.Append.P99)
		return nil
	})
}
