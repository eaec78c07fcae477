package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ardea-stream/ardea/topology"
)

// note is a bolt that writes each number and word as a line to a file of its process, before it acks it.
type note struct {
	dir  string
	file *os.File
	line []byte
}

// Open makes the file.
func (b *note) Open(_ context.Context, task *topology.Task, _ *topology.Collector) (err error) {
	if err = os.MkdirAll(b.dir, 0o700); err == nil {
		b.file, err = os.Create(filepath.Join(b.dir, fmt.Sprintf("%d-%d", task.ID, os.Getpid())))
	}
	return err
}

// Execute writes a line.
func (b *note) Execute(t *topology.Tuple) error {
	number, err := t.Int(0)
	if err != nil {
		return err
	}
	word, err := t.Bytes(1)
	if err != nil {
		return err
	}
	b.line = fmt.Appendf(b.line[:0], "%d %s\n", number, word)
	_, err = b.file.Write(b.line)
	return err
}

// Close closes the file.
func (b *note) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
