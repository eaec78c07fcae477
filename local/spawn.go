package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ardea-stream/ardea/dataplane"
)

const (
	envChild     = "ARDEA_CHILD"
	envProcs     = "GOMAXPROCS"
	envGC        = "GOGC"
	fdCommands   = 3
	fdReports    = 4
	managerProcs = 2
	// childGC is the children's GOGC unless the environment has another. Their
	// heaps are a few MiB of buffers that come and go; at Go's 100 the collector
	// ran for every 4 MiB and emptied the pools: 13 % of the CPU time with 16
	// spouts and 16 bolts.
	childGC       = "400"
	afterlife     = 2 * time.Second // how long pipes of a dead process are read, in case a grandchild holds them
	maxOrdersSize = 100 << 10       // Linux allows 128 KiB for one environment variable
)

// launcher starts members.
type launcher interface {
	// launch starts m. emit gets its events, the last being its death. It
	// may be called from several goroutines and must not block for long.
	launch(m *member, emit func(event)) (body, error)
	// close is called when all members are gone.
	close()
}

// spawner launches processes: this program, re-executed. A thread of its own
// starts them, because on Linux a child is killed when the thread that started
// it ends. The zero spawner is not usable, see newSpawner.
type spawner struct {
	o      Options
	mode   dataplane.Mode
	exe    string
	ctx    context.Context // of the children's exec.Cmd; never ends
	starts chan func()
	thread sync.WaitGroup
}

func newSpawner(ctx context.Context, o Options) (*spawner, error) {
	mode, err := dataplane.ParseMode(o.Mode)
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	exe := o.Program
	if exe == "" {
		if exe, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("path of this program: %w", err)
		}
	}
	s := &spawner{o: o, mode: mode, exe: exe, ctx: context.WithoutCancel(ctx), starts: make(chan func())}
	s.thread.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for start := range s.starts {
			start()
		}
	})
	return s, nil
}

func (s *spawner) close() {
	close(s.starts)
	s.thread.Wait()
}

// process is the body of a member that is a process.
type process struct {
	cmd      *exec.Cmd
	commands *os.File
	reports  *os.File
	stderr   *os.File
	relay    relay
}

func (p *process) PID() int                 { return p.cmd.Process.Pid }
func (p *process) Commands() io.WriteCloser { return p.commands }
func (p *process) Kill()                    { _ = p.cmd.Process.Kill() }

func (s *spawner) launch(m *member, emit func(event)) (body, error) {
	env, err := s.environment(m)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(s.ctx, s.exe, s.o.Args...)
	cmd.Env = env
	cmd.Stdout = os.Stdout
	cmd.SysProcAttr = sysProcAttr()
	p := &process{cmd: cmd, relay: relay{prefix: m.Name() + ": ", dst: s.o.Stderr}}
	theirs, err := p.connect()
	if err == nil {
		started := make(chan error)
		s.starts <- func() { started <- cmd.Start() }
		err = <-started
	}
	closeAll(theirs)
	if err != nil {
		closeAll([]*os.File{p.commands, p.reports, p.stderr})
		return nil, fmt.Errorf("start process %s: %w", m.Name(), err)
	}
	go p.attend(m, emit)
	return p, nil
}

// connect makes the pipes and returns the child's ends.
func (p *process) connect() (theirs []*os.File, err error) {
	pipe := func(ours **os.File, weWrite bool) (*os.File, error) {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		if weWrite {
			r, w = w, r
		}
		*ours = r
		theirs = append(theirs, w)
		return w, nil
	}
	commands, err1 := pipe(&p.commands, true)
	reports, err2 := pipe(&p.reports, false)
	stderr, err3 := pipe(&p.stderr, false)
	if err := errors.Join(err1, err2, err3); err != nil {
		return theirs, err
	}
	p.cmd.ExtraFiles = []*os.File{commands, reports} // fdCommands, fdReports
	p.cmd.Stderr = stderr
	return theirs, nil
}

// attend reads what the process says until it has ended, and reports its death last.
func (p *process) attend(m *member, emit func(event)) {
	var readers sync.WaitGroup
	readers.Go(func() { listen(m, p.reports, emit) })
	readers.Go(func() { p.relay.copy(p.stderr) })
	_ = p.cmd.Wait() // its ProcessState says more
	end := time.Now().Add(afterlife)
	_ = p.reports.SetReadDeadline(end)
	_ = p.stderr.SetReadDeadline(end)
	readers.Wait()
	closeAll([]*os.File{p.commands, p.reports, p.stderr})
	emit(event{m: m, death: p.death()})
}

func (p *process) death() *death {
	d := &death{exitCode: -1, line: p.relay.line()}
	d.text, d.crashed = p.relay.text()
	st := p.cmd.ProcessState
	if st == nil {
		return d // waiting failed: nothing is known
	}
	d.exitCode = st.ExitCode()
	if ws, ok := st.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		d.signal = ws.Signal()
	}
	if r, ok := st.SysUsage().(*syscall.Rusage); ok {
		d.user, d.system = cpuSeconds(r)
	}
	return d
}

// environment is that of this process with the member's orders and processors.
func (s *spawner) environment(m *member) ([]string, error) {
	b, err := json.Marshal(m.orders)
	if err != nil {
		return nil, err
	}
	if len(b) > maxOrdersSize {
		return nil, fmt.Errorf("process %s has %d tasks, more than fit into its environment: lower TasksPerProcess", m.Name(), len(m.Tasks))
	}
	procs, fallback := s.o.InstanceProcs, len(m.Tasks)
	if m.Role == RoleManager {
		procs, fallback = s.o.ManagerProcs, managerProcs
	}
	if s.mode.AllProcs {
		fallback = runtime.NumCPU()
	}
	if _, given := os.LookupEnv(envProcs); procs == 0 && !given {
		procs = fallback
	}
	env := []string{envChild + "=" + string(b)}
	if _, given := os.LookupEnv(envGC); !given {
		env = append(env, envGC+"="+childGC)
	}
	if procs > 0 {
		env = append(env, envProcs+"="+strconv.Itoa(procs))
	}
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if name != envChild && (name != envProcs || procs == 0) {
			env = append(env, e)
		}
	}
	return env, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// isEnd tells the ways in which a pipe ends from other errors.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.ErrClosedPipe)
}
