package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
	"github.com/ardea-stream/ardea/local"
)

// conduct has n words go through a log, and kills meanwhile.
func conduct(ctx context.Context, dir string, n int) (counts, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first, err := start(ctx, roleWriter, dir, n)
	if err != nil {
		return counts{}, err
	}
	defer first.kill()
	if err := until(ctx, func() bool { _, err := os.Stat(serve.SocketPath(storeDir(dir))); return err == nil }, first); err != nil {
		return counts{}, err
	}
	second, err := start(ctx, roleReader, dir, n)
	if err != nil {
		return counts{}, err
	}
	defer func() { second.kill() }()
	if err := until(ctx, func() bool { return noted(dir) >= n/8 }, first, second); err != nil {
		return counts{}, err
	}
	if err := killManager(ctx, runDir(dir)); err != nil {
		return counts{}, err
	}
	if err := until(ctx, func() bool { return noted(dir) >= n/4 }, first, second); err != nil {
		return counts{}, err
	}
	second.kill()
	if second, err = start(ctx, roleReader, dir, n); err != nil {
		return counts{}, err
	}
	if err := os.WriteFile(gatePath(dir), nil, 0o600); err != nil { // the second half
		return counts{}, err
	}
	c := counts{Words: n}
	if c.Emitted, err = first.wait(); err != nil {
		return c, err
	}
	if c.InLog, err = finish(ctx, storeDir(dir), second); err != nil {
		return c, err
	}
	return c, c.read(notesGlob(dir))
}

// finish serves a store whose first user has ended, seals the log, and waits until another one has read it.
func finish(ctx context.Context, dir string, reader *group) (records uint64, err error) {
	store, _, err := dlog.Open(dir, dlog.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	server, err := serve.Listen(store, "")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	l, err := store.Log(logName)
	if err != nil {
		return 0, err
	}
	w, err := l.OpenWriter(0)
	if err == nil {
		err = w.Seal(ctx)
	}
	if err != nil {
		return 0, err
	}
	if _, err = reader.wait(); err != nil {
		return 0, err
	}
	info, err := l.Info()
	return info.End, err
}

// group is a topology: a process that runs it and those that it has started.
type group struct {
	role string
	cmd  *exec.Cmd
	out  bytes.Buffer
	over chan struct{}
	err  error // once it is over
}

// start starts this program again in a role, in a process group of its own.
func start(ctx context.Context, role, dir string, n int) (*group, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &group{role: role, cmd: exec.CommandContext(ctx, exe), over: make(chan struct{})}
	g.cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir, envN+"="+strconv.Itoa(n))
	g.cmd.Stdout, g.cmd.Stderr = &g.out, os.Stderr
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	g.cmd.Cancel = func() error { return syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL) }
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		g.err = g.cmd.Wait()
		close(g.over)
	}()
	return g, nil
}

// kill kills all processes of the group.
func (g *group) kill() {
	_ = syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL) // fails when it is over
	<-g.over
}

// wait waits for the end, and returns the number that the process has printed.
func (g *group) wait() (int, error) {
	<-g.over
	if g.err != nil {
		return 0, fmt.Errorf("%s: %w", g.role, g.err)
	}
	return strconv.Atoi(strings.TrimSpace(g.out.String()))
}

// until waits for something that happens while groups run.
func until(ctx context.Context, happened func() bool, groups ...*group) error {
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for !happened() {
		for _, g := range groups {
			select {
			case <-g.over:
				return fmt.Errorf("the %s has ended too soon: %w", g.role, errors.Join(g.err))
			default:
			}
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// killManager kills the stream manager of a run.
func killManager(ctx context.Context, dir string) error {
	r, err := local.RunIn(ctx, dir)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Processes, func(p local.Process) bool { return p.Role == local.RoleManager })
	return syscall.Kill(r.Processes[i].PID, syscall.SIGKILL)
}
