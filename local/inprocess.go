package local

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/ardea-stream/ardea/topology"
)

// gang launches members as goroutines of this process, with a pipe in memory
// for reports. Everything else is as with processes.
type gang struct {
	ctx    context.Context // of all members; ends only by their own cancel functions
	t      *topology.Topology
	logger *slog.Logger
}

func newGang(ctx context.Context, t *topology.Topology, o Options) *gang {
	return &gang{ctx: context.WithoutCancel(ctx), t: t, logger: o.Logger}
}

func (*gang) close() {}

// squad is the body of a member that is goroutines.
type squad struct {
	commands *os.File
	cancel   context.CancelFunc
}

func (*squad) PID() int                   { return os.Getpid() }
func (s *squad) Commands() io.WriteCloser { return s.commands }
func (s *squad) Kill()                    { s.cancel() }

func (g *gang) launch(m *member, emit func(event)) (body, error) {
	h := &host{orders: m.orders, topology: g.t, logger: g.logger, usage: func() Usage { return Usage{} }, inProcess: true}
	// Commands go through a pipe of the kernel's: it takes them at once, while the
	// member may be waiting for the supervisor to take a report.
	commandReader, commandWriter, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe of %s: %w", m.Name(), err)
	}
	ctx, cancel := context.WithCancel(g.ctx)
	reportReader, reportWriter := io.Pipe()
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		listen(m, reportReader, emit)
	}()
	go func() {
		d := &death{}
		if err := h.serve(ctx, commandReader, reportWriter); err != nil {
			d.exitCode = 1
		}
		cancel()
		h.roles.Wait()
		_ = commandReader.Close()
		_ = reportWriter.Close()
		<-listened
		emit(event{m: m, death: d})
	}()
	return &squad{commands: commandWriter, cancel: cancel}, nil
}
