package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
)

// natsServerName is the command under which this program is the server, in a process of its own.
const natsServerName = "nats-server"

// natsPatience bounds the wait for the server.
const natsPatience = 30 * time.Second

// settings of the server.
const (
	syncInterval = "sync_interval"
	maxPending   = "max_pending"
)

// startNATS starts a server and returns its address; stop ends it. It ends by itself with this process, whose end of the
// pipe to its standard input is closed then.
func startNATS(run *adapter.Run, store bool) (url string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	args := []string{natsServerName, "--sync-interval", run.Settings[syncInterval], "--max-pending", run.Settings[maxPending]}
	if store {
		args = append(args, "--store", run.Dir)
	}
	cmd := exec.Command(self, args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = stdin.Close() // it may have ended
		_ = cmd.Wait()    // which says no more than that it was told to
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("nats-server has not said its address: %w", err)
	}
	run.Processes(map[string]int{natsServerName: cmd.Process.Pid})
	return strings.TrimSpace(line), stop, nil
}

// serveNATS is the server's process. It prints its address and serves until standard input or ctx ends.
func serveNATS(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	f := flag.NewFlagSet(natsServerName, flag.ContinueOnError)
	store := f.String("store", "", "folder of JetStream; empty: there is none")
	interval := f.String("sync-interval", "", "duration, or always")
	pending := f.String("max-pending", "", "bytes")
	if err := f.Parse(args); err != nil {
		return err
	}
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true}
	var err error
	if o.MaxPending, err = strconv.ParseInt(*pending, 10, 64); err != nil {
		return fmt.Errorf("%s: %w", maxPending, err)
	}
	if *store != "" {
		o.JetStream, o.StoreDir = true, *store
		o.JetStreamMaxStore, o.JetStreamMaxMemory = 1<<40, 1<<30
		o.SyncAlways = *interval == "always"
		if !o.SyncAlways {
			if o.SyncInterval, err = time.ParseDuration(*interval); err != nil {
				return fmt.Errorf("%s: %w", syncInterval, err)
			}
		}
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	go s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(natsPatience) {
		return errors.New("the server is not ready")
	}
	if _, err := fmt.Fprintln(stdout, s.ClientURL()); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { // ends with standard input, or with the process
		_, _ = io.Copy(io.Discard, stdin)
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return nil
}
