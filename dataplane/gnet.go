package dataplane

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// handler turns gnet's callbacks into calls of the loop. All but OnTick run on
// the event loop's goroutine.
type handler struct {
	gnet.BuiltinEventEngine

	m       *Manager
	engine  gnet.Engine
	started chan struct{} // closed when the event loop runs
	looping sync.Once     // the event loop has its labels
	once    sync.Once
	ticking atomic.Bool // a tick is posted and has not run
}

// OnBoot keeps the engine; the event loop does not run yet.
func (h *handler) OnBoot(e gnet.Engine) gnet.Action {
	h.engine = e
	return gnet.None
}

// OnTick runs on a goroutine of its own, first when the event loop has started.
func (h *handler) OnTick() (time.Duration, gnet.Action) {
	h.once.Do(func() {
		h.m.label(h.m.loop.ctx, stageClock)
		close(h.started)
	})
	select {
	case <-h.m.ready:
		if !h.ticking.CompareAndSwap(false, true) {
			break // the loop is busy: ticks must not pile up, or its peers would seem silent
		}
		// Not post: waiting here would keep the engine from stopping.
		_ = h.m.control.Execute(h.m.loop.ctx, gnet.RunnableFunc(func(context.Context) error {
			h.ticking.Store(false)
			h.m.loop.tick()
			return nil
		}))
	default:
	}
	return tickPeriod, gnet.None
}

// OnOpen makes a link of an accepted connection, or opens one that was dialled.
func (h *handler) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	h.looping.Do(func() { h.m.label(h.m.loop.ctx, stageRoute) })
	if l, ok := c.Context().(*link); ok {
		l.conn = c
		h.m.loop.opened(l)
		return nil, gnet.None
	}
	l := &link{conn: c, role: roleNew, tcp: c.LocalAddr().Network() != "unix"}
	c.SetContext(l)
	h.m.loop.opened(l)
	return nil, gnet.None
}

// OnTraffic hands over everything that was read.
func (h *handler) OnTraffic(c gnet.Conn) gnet.Action {
	l, ok := c.Context().(*link)
	if !ok || l.closing {
		_, _ = c.Discard(-1)
		return gnet.Close
	}
	b, err := c.Next(-1)
	if err != nil {
		return gnet.Close
	}
	lp := h.m.loop
	lp.busy.Enter("stream manager loop")
	lp.read(l, b)
	lp.busy.Leave("stream manager loop")
	if l.closing {
		return gnet.Close
	}
	return gnet.None
}

// OnClose tells the loop that a link is gone.
func (h *handler) OnClose(c gnet.Conn, err error) gnet.Action {
	if l, ok := c.Context().(*link); ok {
		h.m.loop.closed(l, err)
	}
	return gnet.None
}

// gnetLogger passes gnet's messages on. gnet has one logger for the whole process; the last manager's wins.
type gnetLogger struct{ l *slog.Logger }

func (g gnetLogger) Debugf(string, ...any) {}
func (g gnetLogger) Infof(string, ...any)  {}

func (g gnetLogger) Warnf(format string, args ...any) {
	g.l.Debug("gnet warns", slog.String("text", fmt.Sprintf(format, args...)))
}

func (g gnetLogger) Errorf(format string, args ...any) {
	g.l.Error("gnet reports", slog.String("text", fmt.Sprintf(format, args...)))
}

func (g gnetLogger) Fatalf(format string, args ...any) { g.Errorf(format, args...) }

// socketPair returns two connected Unix sockets.
func socketPair() (near, far net.Conn, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	files := [2]*os.File{os.NewFile(uintptr(fds[0]), "near"), os.NewFile(uintptr(fds[1]), "far")}
	defer func() {
		_ = files[0].Close()
		_ = files[1].Close()
	}()
	if near, err = net.FileConn(files[0]); err != nil {
		return nil, nil, err
	}
	if far, err = net.FileConn(files[1]); err != nil {
		_ = near.Close()
		return nil, nil, err
	}
	return near, far, nil
}

// enroll puts a dialled connection on the event loop as link l and waits for that.
func (m *Manager) enroll(ctx context.Context, c net.Conn, l *link) error {
	results, err := m.control.Enroll(gnet.NewContext(ctx, l), c)
	if err != nil {
		return err
	}
	return (<-results).Err
}
