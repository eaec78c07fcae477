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
					got := runPeer(t, p, workload, []string{"--parallelism", strconv.Itoa(tasks), "--draws", strconv.Itoa(draws)})
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

// TestPlants has every peer count short runs without a wrong count and with each: the check is to see the difference.
func TestPlants(t *testing.T) {
	const draws = 2000
	for _, p := range peers() {
		for _, workload := range p.Workloads {
			l, err := words.NewList(workload, 1)
			if err != nil {
				t.Fatal(err)
			}
			want := l.Expect(1, []uint64{draws})
			for _, plant := range append([]string{""}, contract.Plants()...) {
				t.Run(p.Name()+" "+workload+" "+plant, func(t *testing.T) {
					args := []string{"--parallelism", "1", "--draws", strconv.Itoa(draws)}
					if plant != "" {
						args = append(args, "--plant-wrong-count", plant)
					}
					got := runPeer(t, p, workload, args)
					if same := uint64(got.Table) == want.Table; same != (plant == "") {
						t.Errorf("the table is as expected: %v; %+v, want %+v", same, got, want)
					}
				})
			}
		}
	}
}

// runPeer runs a peer with further flags and returns its result.
func runPeer(t *testing.T, p adapter.Peer, workload string, flags []string) contract.Result {
	t.Helper()
	stdin, hold := io.Pipe() // its end would end the run
	defer func() { _ = hold.Close() }()
	var out bytes.Buffer
	args := append([]string{"run", "--peer", p.Peer, "--variant", p.Variant, "--workload", workload, "--dir", t.TempDir()}, flags...)
	status := adapter.Main(t.Context(), args, stdin, &out, peers())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var got contract.Result
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); status != 0 || err != nil || got.Type != contract.Finished {
		t.Fatalf("status %d, %v: %s", status, err, out.String())
	}
	return got
}
