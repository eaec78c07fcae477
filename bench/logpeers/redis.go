package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	redisProgram  = "redis-server"
	redisPatience = 30 * time.Second
	redisSocket   = "redis.sock"
	redisLongest  = 107 // bytes of a socket's path
	redisPage     = 4096
)

var redisEngine = engine{
	name: "redis",
	setting: "redis-server as a process, one stream (XADD), a connection to its Unix socket for each writer, an append's " +
		"records in one pipeline; no snapshots, no rewriting of its log",
	durability: "appendfsync always: the log is synced once for all commands of a turn of its loop, before they are answered",
	version:    redisVersion,
	open:       openRedis,
}

// redisVersion asks the program, which need not be there.
func redisVersion() (string, error) {
	said, err := exec.Command(redisProgram, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for field := range strings.FieldsSeq(string(said)) {
		if version, ok := strings.CutPrefix(field, "v="); ok {
			return "v" + version, nil
		}
	}
	return "", fmt.Errorf("%w: %s --version says %q", ErrUnavailable, redisProgram, said)
}

type redisStore struct {
	socket  string
	process *exec.Cmd
	ended   chan error
	control *respConn
	conns   []*respConn
}

func openRedis(s setting) (store, error) {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return nil, err
	}
	r := &redisStore{socket: filepath.Join(dir, redisSocket), ended: make(chan error, 1)}
	if len(r.socket) > redisLongest {
		return nil, &SettingError{"--dir", s.dir, fmt.Sprintf("a socket's path takes at most %d bytes: choose a shorter one", redisLongest)}
	}
	r.process = exec.Command(redisProgram, "--port", "0", "--unixsocket", redisSocket, "--dir", dir, "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", "always", "--no-appendfsync-on-rewrite", "no", "--save", "",
		"--auto-aof-rewrite-percentage", "0", "--maxclients", strconv.Itoa(s.writers+64), "--logfile", "redis.log")
	r.process.Dir = dir
	r.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the terminal is ours to handle
	if err := r.process.Start(); err != nil {
		return nil, err
	}
	go func() { r.ended <- r.process.Wait() }()
	if r.control, err = r.ready(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// ready waits until the server answers; it loads its log first.
func (r *redisStore) ready() (*respConn, error) {
	for end := time.Now().Add(redisPatience); ; {
		conn, err := dialRESP(r.socket)
		if err == nil {
			if _, err = conn.do("PING"); err == nil {
				return conn, nil
			}
			_ = conn.close()
		}
		select {
		case died := <-r.ended:
			r.ended <- died
			return nil, errors.Join(fmt.Errorf("%s ended; redis.log says why", redisProgram), died)
		case <-time.After(2 * time.Millisecond):
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s is not ready after %v: %w", redisProgram, redisPatience, err)
		}
	}
}

func (r *redisStore) writer() (func([][]byte) error, error) {
	conn, err := dialRESP(r.socket)
	if err != nil {
		return nil, err
	}
	r.conns = append(r.conns, conn)
	return func(records [][]byte) error {
		for _, record := range records {
			conn.command("XADD", "log", "*", "r", record)
		}
		if err := conn.flush(); err != nil {
			return err
		}
		for range records {
			if _, err := conn.reply(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (r *redisStore) read(visit func([]byte) error) error {
	for from := "-"; ; {
		answer, err := r.control.do("XRANGE", "log", from, "+", "COUNT", strconv.Itoa(redisPage))
		if err != nil {
			return err
		}
		entries, ok := answer.([]any)
		if !ok {
			return fmt.Errorf("XRANGE answers %T", answer)
		}
		for _, e := range entries {
			id, record, err := redisEntry(e)
			if err != nil {
				return err
			}
			from = "(" + id
			if err := visit(record); err != nil {
				return err
			}
		}
		if len(entries) < redisPage {
			return nil
		}
	}
}

// redisEntry takes apart an entry of a stream: its id, and the name and value of its only field.
func redisEntry(answer any) (id string, record []byte, err error) {
	if entry, ok := answer.([]any); ok && len(entry) == 2 {
		name, isName := entry[0].([]byte)
		fields, isFields := entry[1].([]any)
		if isName && isFields && len(fields) == 2 {
			if value, ok := fields[1].([]byte); ok {
				return string(name), value, nil
			}
		}
	}
	return "", nil, fmt.Errorf("XRANGE answers an entry %v", answer)
}

func (r *redisStore) syncs() int64 { return -1 }

func (r *redisStore) cpu() (float64, error) {
	answer, err := r.control.do("INFO", "cpu")
	if err != nil {
		return 0, err
	}
	text, _ := answer.([]byte)
	sum, found := 0.0, 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name != "used_cpu_sys" && name != "used_cpu_user" {
			continue
		}
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum += seconds
		found++
	}
	if found != 2 {
		return 0, fmt.Errorf("INFO cpu answers %q", text)
	}
	return sum, nil
}

// close ends the process by its id: it is asked to end, and killed when it does not.
func (r *redisStore) close() error {
	for _, conn := range r.conns {
		_ = conn.close()
	}
	if r.control != nil {
		_ = r.control.close()
	}
	if err := r.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-r.ended:
		return err
	case <-time.After(closePatience / 2):
		killed := fmt.Errorf("%s was killed: it did not end", redisProgram)
		return errors.Join(killed, r.process.Process.Kill(), <-r.ended)
	}
}

// dialRESP connects to a Unix socket.
func dialRESP(socket string) (*respConn, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	return newRESP(conn), nil
}
