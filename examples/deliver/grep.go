package deliver

import (
	"bytes"
	"context"

	"github.com/ardea-stream/ardea/topology"
)

// grep passes lines on that contain a text.
type grep struct {
	text []byte
	out  *topology.Collector
}

// Open keeps the collector.
func (b *grep) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	b.out = out
	return nil
}

// Execute looks at a line.
func (b *grep) Execute(t *topology.Tuple) error {
	line, err := t.Bytes(1)
	if err != nil || !bytes.Contains(line, b.text) {
		return err
	}
	offset, err := t.Int(0)
	if err != nil {
		return err
	}
	return b.out.Emit(topology.Int(offset), topology.Bytes(line))
}

// Close does nothing.
func (b *grep) Close() error { return nil }
