package serve

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ardea-stream/ardea/dlog"
)

const (
	// maxConnections is how many connections a server has at a time.
	maxConnections = 4096
	// maxOpen is how many streams, and how many writers, a connection has at a time.
	maxOpen = 4096
	// patience is how long the server waits for the hello of a client, and for one that it has no more to do with to read
	// why.
	patience = 10 * time.Second
	// maxBody is how large a batch may be that a stream brings, unless the store takes larger ones.
	maxBody = 64 << 20
)

// Server serves a store on a Unix socket. All methods may be called by any goroutine.
type Server struct {
	store    *dlog.Store
	path     string
	listener *net.UnixListener
	patience atomic.Int64    // ns
	ctx      context.Context // ends with the server
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu struct {
		sync.Mutex

		sessions map[*session]struct{}
		refused  map[*session]struct{} // that are told why
		closed   bool
	}
}

// Listen serves a store on a Unix socket at a path, SocketPath(dir) if that is empty, which is where Dial looks. Only
// this user can connect. A socket that is there already is replaced. Close the server before the store.
func Listen(s *dlog.Store, path string) (*Server, error) {
	if path == "" {
		path = SocketPath(s.Dir())
	}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // the server's own, ended by Close
	l, err := listen(ctx, path)
	if err != nil {
		cancel()
		return nil, err
	}
	v := &Server{store: s, path: path, listener: l, ctx: ctx, cancel: cancel}
	v.patience.Store(int64(patience))
	v.mu.sessions, v.mu.refused = map[*session]struct{}{}, map[*session]struct{}{}
	v.running.Go(v.accept)
	return v, nil
}

// Path returns where the socket is.
func (v *Server) Path() string { return v.path }

func (v *Server) accept() {
	for {
		conn, err := v.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			if !v.pause() {
				return
			}
		default:
			v.take(conn)
		}
	}
}

// deadline is when the server's patience with a client is over.
func (v *Server) deadline() time.Time { return time.Now().Add(time.Duration(v.patience.Load())) }

// pause waits for better times, such as a free file descriptor.
func (v *Server) pause() bool {
	t := time.NewTimer(100 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-v.ctx.Done():
		return false
	}
}

// take serves a connection.
func (v *Server) take(conn net.Conn) {
	s := newSession(v, conn)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.mu.closed {
		_ = conn.Close()
		return
	}
	among, serve := v.mu.sessions, s.run
	if len(v.mu.sessions) >= maxConnections {
		if len(v.mu.refused) >= maxConnections {
			s.cancel()
			_ = conn.Close()
			return
		}
		among, serve = v.mu.refused, s.refuse
	}
	among[s] = struct{}{}
	v.running.Go(s.write)
	v.running.Go(func() {
		serve()
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(among, s)
	})
}

// Connections returns how many there are.
func (v *Server) Connections() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.mu.sessions)
}

// Close removes the socket, ends all connections and waits until nobody is served any more. Clients get ErrGone.
func (v *Server) Close() error {
	v.mu.Lock()
	if v.mu.closed {
		v.mu.Unlock()
		return dlog.ErrClosed
	}
	v.mu.closed = true
	for _, among := range []map[*session]struct{}{v.mu.sessions, v.mu.refused} {
		for s := range among {
			s.end(ErrGone)
		}
	}
	v.mu.Unlock()
	v.cancel()
	err := v.listener.Close()
	if gone := os.Remove(v.path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	v.running.Wait()
	return err
}
