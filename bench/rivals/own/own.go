package own

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// Name is that of the peer.
const Name = "ardea"

// errRestarted says that a run is worthless because a process of it has died.
var errRestarted = errors.New("own: a process of Ardea has died and was started again, so the run cannot be judged")

// Peers returns Ardea's rows. childArgs returns the arguments with which this program, re-executed, comes to Child.
func Peers(childArgs func(spec string) []string) []adapter.Peer {
	peer := func(variant, guarantee, title, settings string, g topology.Guarantee, inProcess bool) adapter.Peer {
		processes := 4
		if inProcess {
			processes = 1
		}
		return adapter.Peer{
			Row: contract.Row{
				Peer: Name, Variant: variant, Title: title, Language: "go", Version: version(), Processes: processes, Guarantee: guarantee,
				Exact: true, Workloads: []string{words.Words175k, words.Words20, words.Sentences}, Latency: true,
				Smoke: variant == "at-most-once", Settings: settings, Documents: []string{"docs/guide.md", "docs/guarantees.md"},
				Code: contract.Code{File: "bench/rivals/own/topology.go", Region: "ardea"},
			},
			Job: func(ctx context.Context, run *adapter.Run) (*contract.Result, error) {
				return job(ctx, run, g, inProcess, childArgs)
			},
		}
	}
	pipeline := peer("pipeline", contract.AtLeastOnce, "Ardea, durable streams, acks",
		"both streams durable: the stream manager appends them to logs, and a word is acked when it is on disk (fdatasync of the journal)",
		topology.AtLeastOnce, false)
	pipeline.Workloads, pipeline.Latency = []string{words.Pipeline}, true
	pipeline.Code.Region = "ardea-pipeline"
	pipeline.Documents = []string{"docs/durable.md", "docs/log-topologies.md"}
	pipeline.Unfair = "in its favour: the log is in the stream manager, words are counted as they are appended and not read from a log by a consumer (the counts are read back from their log at the end); against it: each word waits for the disk, " +
		"where Kafka and JetStream answer from memory or the page cache"
	const defaults = "defaults: optimized mode; launcher, stream manager and each task are processes"
	return []adapter.Peer{
		peer("at-most-once", contract.None, "Ardea, processes", defaults, topology.AtMostOnce, false),
		peer("at-least-once", contract.AtLeastOnce, "Ardea, processes, acks", defaults+"; every draw tracked", topology.AtLeastOnce, false),
		peer("in-process", contract.None, "Ardea, one process", "all in one process, with the same sockets between tasks", topology.AtMostOnce, true),
		pipeline,
	}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "of this checkout"
}

// Child plays the part of a child process; text is the spec that childArgs was given.
func Child(ctx context.Context, text string) error {
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("own: specification of a run: %w: this command is for ardea itself", err)
	}
	t, err := s.build()
	if err != nil {
		return err
	}
	return local.RunChild(ctx, t)
}

// build returns the topology of the run's workload.
func (s spec) build() (*topology.Topology, error) {
	if s.Workload == words.Pipeline {
		return s.pipeline()
	}
	return s.topology()
}

// job runs the topology until the driver says stop, or its sources have drawn all.
func job(
	ctx context.Context, run *adapter.Run, g topology.Guarantee, inProcess bool, childArgs func(string) []string,
) (*contract.Result, error) {
	s := spec{Spec: run.Spec(), Guarantee: g}
	t, err := s.build()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	logs := ""
	if run.Workload == words.Pipeline {
		logs = filepath.Join(run.Dir, "logs")
	}
	cluster, err := local.Start(ctx, t, local.Options{
		InProcess: inProcess, Args: childArgs(string(text)), Stderr: os.Stderr, LogDir: logs,
		MaxRestarts: -1, HangTimeout: -1, // a run in which something died is no measurement
	})
	if err != nil {
		return nil, err
	}
	pids := map[string]int{}
	for i, p := range cluster.Processes() {
		pids[fmt.Sprintf("child %d", i)] = p.PID
	}
	run.Processes(pids)
	run.SetFigures(func() adapter.Figures { return figures(ctx, run, cluster) })
	go func() { // until the run has ended
		select {
		case <-run.Stopping():
			cluster.Drain()
		case <-ctx.Done():
			cluster.Kill()
		}
	}()
	result, err := cluster.Wait()
	if err != nil {
		return nil, err
	}
	var parts [][]byte
	for _, text := range result.Published[summaryName] {
		parts = append(parts, text)
	}
	if want := 2 * run.Parallelism; len(parts) != want {
		return nil, fmt.Errorf("own: %d of %d tasks have said what they have done", len(parts), want)
	}
	var notes []string
	if logs != "" {
		note, err := readBack(ctx, run, logs)
		if err != nil {
			return nil, err
		}
		notes = append(notes, note)
	}
	res, err := run.Merge(parts)
	if err == nil {
		res.Notes = notes
		for _, task := range result.Sample.Tasks() {
			res.Replayed += uint64(task.Metrics.Replayed)
		}
		res.GCCPUSeconds = result.Sample.Total().GCSeconds
	}
	return res, err
}

// sampleTimeout bounds the wait for a process's figures.
const sampleTimeout = 2 * time.Second

// figures asks all tasks how far they are.
func figures(ctx context.Context, run *adapter.Run, cluster *local.Cluster) adapter.Figures {
	ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
	defer cancel()
	f := adapter.Figures{T: run.Now()}
	s, err := cluster.Sample(ctx)
	if err != nil {
		return f // it has ended, or is about to
	}
	for _, task := range s.Tasks() {
		switch task.Component {
		case "source":
			f.Emitted += uint64(task.Metrics.Emitted)
		case "count":
			f.Counted += uint64(task.Metrics.Received)
		}
	}
	return f
}

// publish publishes what a task has done; one whose Open has failed has nothing to say.
func publish(task *topology.Task, run *adapter.Run) error {
	if run == nil {
		return nil
	}
	text, err := run.Summary()
	if err == nil {
		task.Publish(summaryName, text)
	}
	return err
}
