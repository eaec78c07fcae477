package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

const (
	socketName = "SOCKET"
	newSuffix  = ".new"
	// maxPath is the longest path of a socket, in bytes. The smallest limit of the systems is 104, with a NUL.
	maxPath = 100
	selfFDs = "/proc/self/fd"
)

// SocketPath returns where the socket of the store in a folder is.
func SocketPath(dir string) string { return filepath.Join(dir, socketName) }

// within calls a function with a name for a path that is short enough for a socket. A longer one goes through the open
// folder, where the system has a path for that.
func within(path string, use func(path string) error) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if len(abs)+len(newSuffix) <= maxPath {
		return use(abs)
	}
	if _, err := os.Stat(selfFDs); err != nil {
		return fmt.Errorf("serve: the path of socket %s has %d bytes, allowed are %d: choose a shorter one", abs, len(abs), maxPath-len(newSuffix))
	}
	dir, err := os.Open(filepath.Dir(abs))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	return use(fmt.Sprintf("%s/%d/%s", selfFDs, dir.Fd(), filepath.Base(abs)))
}

// listen makes the socket at a path, which only the user may connect to from its first moment on. It takes the place of
// one that a process has left that was killed: who has the store open may do so.
func listen(ctx context.Context, path string) (*net.UnixListener, error) {
	var made *net.UnixListener
	err := within(path, func(short string) error {
		fresh := short + newSuffix
		if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		var config net.ListenConfig
		l, err := config.Listen(ctx, "unix", fresh)
		if err != nil {
			return err
		}
		made = l.(*net.UnixListener)
		made.SetUnlinkOnClose(false)
		if err = os.Chmod(fresh, 0o600); err == nil {
			err = os.Rename(fresh, short)
		}
		if err != nil {
			err = errors.Join(err, made.Close(), os.Remove(fresh))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("serve: socket %s: %w", path, err)
	}
	return made, nil
}

// connect connects to the socket at a path.
func connect(ctx context.Context, path string) (conn net.Conn, err error) {
	err = within(path, func(short string) error {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "unix", short)
		return err
	})
	return conn, err
}
