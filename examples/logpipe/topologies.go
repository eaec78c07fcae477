package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ardea-stream/ardea"
	"github.com/ardea-stream/ardea/dlog/pipe"
	"github.com/ardea-stream/ardea/topology"
)

const logName = "words"

// Folders and files within the folder of all.
func logDir(dir string) string    { return filepath.Join(dir, "logs") }
func storeDir(dir string) string  { return filepath.Join(dir, "logs", "1") } // of the only container
func runDir(dir string) string    { return filepath.Join(dir, "run") }       // of the writer
func notesDir(dir string) string  { return filepath.Join(dir, "notes") }
func gatePath(dir string) string  { return filepath.Join(dir, "gate") }
func notesGlob(dir string) string { return filepath.Join(dir, "notes", "*") }

// topologyOf returns what a process of a role runs, as the environment says.
func topologyOf(role string) (*topology.Topology, ardea.Options, error) {
	dir := os.Getenv(envDir)
	n, err := strconv.ParseUint(os.Getenv(envN), 10, 63)
	if err != nil {
		return nil, ardea.Options{}, fmt.Errorf("%s: %w", envN, err)
	}
	if role == roleWriter {
		t, err := writer(n, gatePath(dir))
		return t, ardea.Options{LogDir: logDir(dir), Dir: runDir(dir)}, err
	}
	t, err := reader(logDir(dir), notesDir(dir))
	return t, ardea.Options{}, err
}

// writer makes n words. Those of the second half wait until there is a file.
func writer(n uint64, gate string) (*topology.Topology, error) {
	b := topology.NewBuilder("logpipe-writer")
	b.Deliver(topology.Delivery{Guarantee: topology.AtLeastOnce})
	b.Spout("words", func() topology.Spout { return &words{end: n, gate: gate} },
		topology.Output("number", "word"),
		topology.Durable(logName))
	return b.Build()
}

// reader reads the words of a log.
func reader(logs, notes string) (*topology.Topology, error) {
	b := topology.NewBuilder("logpipe-reader")
	b.Deliver(topology.Delivery{Guarantee: topology.AtLeastOnce})
	b.Spout("log", func() topology.Spout {
		return pipe.NewSpout(pipe.Source{Dir: logs, Log: logName, Subscription: "notes", Follow: true})
	}, topology.Output("number", "word"))
	b.Bolt("note", func() topology.Bolt { return &note{dir: notes} },
		topology.Parallelism(2),
		topology.Fields("log", "word"))
	return b.Build()
}
