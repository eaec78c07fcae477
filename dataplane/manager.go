package dataplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/panjf2000/gnet/v2"
	gneterrors "github.com/panjf2000/gnet/v2/pkg/errors"
)

// readBuffer is the most that one read of a socket takes, in bytes.
const readBuffer = 256 << 10

// socketBuffer is the size asked of the kernel for every socket, in bytes. The kernel may give less.
const socketBuffer = 1 << 20

// Manager is the stream manager of one container. Its methods may be called
// from any goroutine. Run starts one event loop, one goroutine that accepts
// links, one for the clock, one for every peer that is being dialled, in modes
// without flush on drain one for the age of batches, and one that appends to
// logs if there are durable streams; all have ended when it returns.
type Manager struct {
	cfg     Config
	loop    *loop
	ready   chan struct{}
	done    chan struct{}           // closed when Run returns
	control gnet.EventLoop          // set before ready is closed
	fail    context.CancelCauseFunc // ends Run; set by it
	workers sync.WaitGroup          // goroutines that dial peers or look after old batches
	last    atomic.Pointer[Metrics] // the loop's final figures
}

// New returns a manager. The error joins everything that is wrong with cfg.
func New(cfg Config) (*Manager, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Manager{cfg: cfg.withDefaults(), ready: make(chan struct{}), done: make(chan struct{})}
	m.loop = newLoop(m)
	return m, nil
}

// Ready is closed once the manager accepts links.
func (m *Manager) Ready() <-chan struct{} { return m.ready }

// Run serves until ctx ends and returns nil then. What durable streams have got
// is on disk when it returns. It returns an error when the container's addresses
// cannot be bound, and a *LogError when a log cannot be opened or, where tuples
// are tracked, takes nothing any more. It is called once.
func (m *Manager) Run(ctx context.Context) error {
	defer close(m.done)
	here := m.cfg.Plan.Container(m.cfg.Container)
	if err := removeStaleSocket(ctx, here.Socket); err != nil {
		return err
	}
	if err := m.openLogs(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m.loop.ctx = ctx
	m.fail = cancel
	if m.loop.logs != nil {
		m.loop.logs.app.ctx = ctx
	}

	ended := make(chan error, 1)
	h := &handler{m: m, started: make(chan struct{})}
	go func() {
		m.label(ctx, stageAccept) // inherited by gnet's goroutines, which say more in their first callback
		// gnet does not close the first listener when the second fails, so the one that is likelier to fail comes first.
		err := gnet.Rotate(h, []string{"tcp://" + here.Address, "unix://" + here.Socket},
			gnet.WithNumEventLoop(1), gnet.WithReadBufferCap(readBuffer), gnet.WithWriteBufferCap(socketBuffer),
			gnet.WithLoadBalancing(gnet.LeastConnections), gnet.WithTicker(true),
			gnet.WithTCPNoDelay(gnet.TCPNoDelay), gnet.WithReuseAddr(true), gnet.WithLogger(gnetLogger{m.cfg.Logger}))
		h.m = nil // gnet keeps every engine that it has run, with its handler, for good
		ended <- err
	}()
	select {
	case err := <-ended:
		return m.bindError(err)
	case <-h.started:
	}
	if m.loop.logs != nil {
		go m.appendToLogs(ctx)
	}
	err := m.serve(ctx, h, ended)
	cancel(nil)
	m.workers.Wait()
	m.stopLogs()
	m.loop.release()
	_ = os.Remove(here.Socket)
	if failed, ok := errors.AsType[*LogError](context.Cause(ctx)); ok && err == nil {
		return failed
	}
	return err
}

// stopLogs waits until the logs have everything. The event loop has ended.
func (m *Manager) stopLogs() {
	if m.loop.logs == nil {
		return
	}
	m.loop.logs.stop()
	if last := m.last.Load(); last != nil {
		s := *last
		m.loop.logs.fill(&s)
		m.last.Store(&s)
	}
}

func (m *Manager) bindError(err error) error {
	here := m.cfg.Plan.Container(m.cfg.Container)
	if err == nil {
		err = errors.New("event loop ended")
	}
	return fmt.Errorf("dataplane: listen on %s and %s: %w", here.Socket, here.Address, err)
}

// serve gives the loop its control link, dials the peers and waits for the end.
func (m *Manager) serve(ctx context.Context, h *handler, ended <-chan error) error {
	release, err := m.openControl(ctx, h.engine)
	if err != nil {
		stopErr := h.engine.Stop(context.WithoutCancel(ctx))
		return errors.Join(err, stopErr, <-ended)
	}
	defer release()
	m.loop.dialPeers(ctx)
	if m.loop.begun != nil {
		m.workers.Go(func() { m.age(ctx) })
	}
	close(m.ready)
	select {
	case err = <-ended:
		return m.bindError(err)
	case <-ctx.Done():
	}
	m.workers.Wait() // while the loop runs: a link that is being enrolled waits for it
	_ = m.control.Execute(ctx, gnet.RunnableFunc(func(context.Context) error {
		h.m.last.Store(h.m.loop.snapshot()) // by way of the handler: gnet keeps this function, too
		return gneterrors.ErrEngineShutdown
	}))
	return <-ended
}

// openControl enrolls one end of a socket pair, which yields the event loop
// that everything else is posted to.
func (m *Manager) openControl(ctx context.Context, engine gnet.Engine) (release func(), err error) {
	near, far, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("dataplane: control link: %w", err)
	}
	results, err := engine.Register(gnet.NewNetConnContext(gnet.NewContext(ctx, &link{role: roleControl}), near))
	if err == nil {
		res := <-results
		if err = res.Err; err == nil {
			m.control = res.Conn.EventLoop()
			return func() { _ = far.Close() }, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("dataplane: control link: %w", err), near.Close(), far.Close())
}

// post runs f on the event loop. It reports false when the loop has ended.
func (m *Manager) post(f func()) bool {
	done := make(chan struct{})
	err := m.control.Execute(m.loop.ctx, gnet.RunnableFunc(func(context.Context) error {
		f()
		close(done)
		return nil
	}))
	if err != nil {
		return false
	}
	select {
	case <-done:
		return true
	case <-m.done:
		return false
	}
}

// Metrics returns the figures of this moment, or the last ones once Run has returned.
func (m *Manager) Metrics() Metrics {
	select {
	case <-m.ready:
	default:
		return Metrics{}
	}
	var s *Metrics
	if !m.post(func() { s = m.loop.snapshot() }) {
		s = m.last.Load()
	}
	if s == nil {
		return Metrics{}
	}
	return *s
}

// removeStaleSocket removes a socket file that nobody listens on any more.
func removeStaleSocket(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
		return fmt.Errorf("dataplane: another process listens on %s", path)
	}
	return os.Remove(path)
}
