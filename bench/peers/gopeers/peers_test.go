package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// TestMain lets the test program be the server of NATS, as the adapter is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == natsServerName {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := serveNATS(ctx, os.Args[2:], os.Stdin, os.Stdout); err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
		}
		return
	}
	os.Exit(m.Run())
}

// TestCounts has every peer count all words of a bounded run, with one task and with two.
func TestCounts(t *testing.T) {
	const draws = 20_000
	for _, p := range peers() {
		for _, workload := range p.Workloads {
			for _, tasks := range []int{1, 2} {
				name := p.Name() + " " + workload + " " + strconv.Itoa(tasks)
				t.Run(name, func(t *testing.T) {
					if p.Peer == "ro" && tasks > 1 {
						t.Skip("there is one source")
					}
					stdin, hold := io.Pipe() // its end would end the run
					defer func() { _ = hold.Close() }()
					var out bytes.Buffer
					status := adapter.Main(t.Context(), []string{
						"run", "--peer", p.Peer, "--variant", p.Variant, "--workload", workload, "--parallelism", strconv.Itoa(tasks),
						"--draws", strconv.Itoa(draws), "--dir", t.TempDir(),
					}, stdin, &out, peers())
					lines := strings.Split(strings.TrimSpace(out.String()), "\n")
					var got contract.Result
					if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); status != 0 || err != nil || got.Type != contract.Finished {
						t.Fatalf("status %d, %v: %s", status, err, out.String())
					}
					l, err := words.NewList(workload, 1)
					if err != nil {
						t.Fatal(err)
					}
					want := l.Expect(1, []uint64{draws, draws}[:tasks])
					if uint64(got.Table) != want.Table || got.Counted != want.Counted || got.Foreign != 0 || !got.Drained {
						t.Errorf("%+v, want %+v", got, want)
					}
				})
			}
		}
	}
}
