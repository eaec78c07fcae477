package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// Longest warm-up and window of the latency of a relay.
const (
	longestRelayWarmUp = 500 * time.Millisecond
	longestRelayWindow = 3 * time.Second
)

const (
	// relayTuple is the size of a tuple of the relay: the instant at which it
	// was due, negative in the warm-up, and as much again for what else a tuple holds.
	relayTuple = 16
	// relayThreads is how many threads of a relay wait in the kernel.
	relayThreads = 4
)

// relayLatency sends by the schedule of a latency run over two Unix sockets,
// with a relay in between and no engine: what it measures is the pacer, the
// sockets and the machine. Writer, relay, reader and pacer are threads of this
// process that block in the kernel.
func relayLatency(ctx context.Context, c Config, rate float64) (*hdr.Histogram, error) {
	c.WarmUp, c.Duration = min(c.WarmUp, longestRelayWarmUp), min(c.Duration, longestRelayWindow)
	now, err := newClock()
	if err != nil {
		return nil, err
	}
	first, second, err := twoBlockingPairs()
	if err != nil {
		return nil, err
	}
	// A thread that blocks keeps its processor until the Go runtime notices, which takes up to 10 ms.
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(procs + relayThreads)
	defer runtime.GOMAXPROCS(procs)

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	due := make(chan struct{}, 1)
	p := newPacer(now, c.latency(rate, AtMostOnce), func() {
		select {
		case due <- struct{}{}:
		default:
		}
	})
	p.begin() // before anybody looks at the schedule
	var threads sync.WaitGroup
	var writing, relaying, reading error
	h := newHistogram()
	onThread := func(f func()) {
		threads.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			f()
		})
	}
	onThread(func() {
		if writing = errors.Join(writeInstants(ctx, first[0], p, due), unix.Close(first[0])); writing != nil {
			stop() // of the pacer
		}
	})
	onThread(func() {
		relaying = errors.Join(passOn(first[1], second[0]), unix.Close(second[0]), unix.Close(first[1]))
	})
	onThread(func() {
		reading = errors.Join(readInstants(second[1], now, h), unix.Close(second[1]))
	})
	threads.Go(func() {
		if p.run(ctx); p.failed != nil {
			stop() // of the writer
		}
	})
	threads.Wait()
	if err := errors.Join(writing, relaying, reading, p.failed); err != nil {
		return nil, fmt.Errorf("bench: latency of a relay: %w", err)
	}
	return h, context.Cause(ctx)
}

// writeInstants writes a tuple for everything that is due until all was, or ctx ends.
func writeInstants(ctx context.Context, fd int, p *pacer, due <-chan struct{}) error {
	buf := make([]byte, 0, relayFrame)
	for sent := uint64(0); sent < p.tuples && p.clock.now() < p.deadline(); {
		select {
		case <-due:
		case <-ctx.Done():
			return nil // its cause is returned elsewhere
		}
		for end := p.due.Load(); sent < end; {
			for buf = buf[:0]; sent < end && len(buf) < relayFrame; sent++ {
				instant := p.intended(sent)
				if sent < p.warmUp {
					instant = -instant
				}
				buf = binary.LittleEndian.AppendUint64(buf, uint64(instant))
				buf = append(buf, make([]byte, relayTuple-8)...)
			}
			if err := writeAll(fd, buf); err != nil {
				return err
			}
		}
	}
	return nil
}

// passOn copies what it reads until the end.
func passOn(from, to int) error {
	buf := make([]byte, relayFrame)
	for {
		n, err := readSome(from, buf)
		if n == 0 || err != nil {
			return err
		}
		if err := writeAll(to, buf[:n]); err != nil {
			return err
		}
	}
}

// readInstants records how long ago each tuple was due until there are no more.
func readInstants(fd int, now clock, h *hdr.Histogram) error {
	buf := make([]byte, relayFrame)
	have := 0
	for {
		n, err := readSome(fd, buf[have:])
		if n == 0 || err != nil {
			return err
		}
		have += n
		at := now.now()
		rest := buf[:have]
		for ; len(rest) >= relayTuple; rest = rest[relayTuple:] {
			if instant := int64(binary.LittleEndian.Uint64(rest)); instant > 0 {
				record(h, at-instant)
			}
		}
		have = copy(buf, rest)
	}
}

// readSome reads once, 0 bytes at the end.
func readSome(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

func writeAll(fd int, buf []byte) error {
	for len(buf) > 0 {
		n, err := unix.Write(fd, buf)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		buf = buf[max(0, n):]
	}
	return nil
}

// twoBlockingPairs returns two pairs of connected Unix sockets whose reads and writes block the thread.
func twoBlockingPairs() (first, second [2]int, err error) {
	if first, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); err != nil {
		return first, second, fmt.Errorf("bench: socket pair: %w", err)
	}
	if second, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); err != nil {
		return first, second, fmt.Errorf("bench: socket pair: %w", errors.Join(err, unix.Close(first[0]), unix.Close(first[1])))
	}
	for _, fd := range []int{first[0], first[1], second[0], second[1]} {
		unix.CloseOnExec(fd)
	}
	return first, second, nil
}
