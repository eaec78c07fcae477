package trending

import (
	"bytes"
	"context"
	"unicode"
	"unicode/utf8"

	"github.com/ardea-stream/ardea/topology"
)

// hashtags sends every hashtag of a tweet: the letters, digits and underscores
// behind a '#', in lower case. It allocates nothing per tag.
type hashtags struct {
	out *topology.Collector
	tag []byte
}

// Open keeps the collector.
func (h *hashtags) Open(_ context.Context, _ *topology.Task, out *topology.Collector) error {
	h.out = out
	return nil
}

// Execute sends the hashtags of the text in field 0.
func (h *hashtags) Execute(t *topology.Tuple) error {
	rest, err := t.Bytes(0)
	if err != nil {
		return err
	}
	for {
		at := bytes.IndexByte(rest, '#')
		if at < 0 {
			return nil
		}
		if rest = h.read(rest[at+1:]); len(h.tag) == 0 {
			continue
		}
		if err := h.out.Emit(topology.StringBytes(h.tag)); err != nil {
			return err
		}
	}
}

// read leaves the tag at the start of b in h.tag and returns what follows it.
func (h *hashtags) read(b []byte) (rest []byte) {
	h.tag = h.tag[:0]
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' {
			break
		}
		h.tag = utf8.AppendRune(h.tag, unicode.ToLower(r))
		b = b[size:]
	}
	return b
}

// Close does nothing.
func (h *hashtags) Close() error { return nil }
