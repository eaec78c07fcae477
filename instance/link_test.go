package instance

import (
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/wire"
)

// TestLateWriteIsMade writes when the deadline is past: what there is room for goes, and nothing waits for more room.
func TestLateWriteIsMade(t *testing.T) {
	leaktest.Check(t)
	ours, theirs := socketPair(t)
	l, err := newLink(ours)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{tb: t, conn: theirs, buf: make([]byte, 1<<20)}
	frame := wire.AppendError(nil, testEpoch, wire.CodeMalformed, "late")
	if err := l.writeUntil(frame, past); err != nil {
		t.Fatal(err)
	}
	if h, body := p.expect(wire.KindError); int(h.Length) != len(body) || len(frame) != wire.HeaderSize+len(body) {
		t.Errorf("frame is %+v, want %x", h, frame)
	}
	if err := l.writeUntil(make([]byte, 64<<20), past); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a write that finds no room ends with %v, want %v", err, os.ErrDeadlineExceeded)
	}
}

// TestWriteUntilWaitsForRoom writes more than the socket takes at once to a peer that reads.
func TestWriteUntilWaitsForRoom(t *testing.T) {
	leaktest.Check(t)
	ours, theirs := socketPair(t)
	l, err := newLink(ours)
	if err != nil {
		t.Fatal(err)
	}
	long := slices.Repeat([]byte("0123456789abcdef"), 1<<20)
	written := make(chan error, 1)
	go func() { written <- l.writeUntil(long, time.Now().Add(patience)) }()
	_ = theirs.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len(long))
	if _, err := io.ReadFull(theirs, got); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil || !slices.Equal(got, long) {
		t.Errorf("the write ends with %v; what came is the same: %v", err, slices.Equal(got, long))
	}
}
