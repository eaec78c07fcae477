package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// relayFrame is the size of the frames between the goroutines of socketRelay:
// a length of 4 bytes, then words, each with a byte of length before it.
const relayFrame = 64 << 10

// longestWord is the length of the longest word of a dictionary.
const longestWord = 255

// socketRelay writes words in one goroutine, passes frames on in another and
// counts in a third, with Unix sockets between them.
func socketRelay(ctx context.Context, p *Picker, c *Counter, counted *atomic.Uint64) error {
	first, second, err := twoSocketPairs()
	if err != nil {
		return err
	}
	var (
		helpers           sync.WaitGroup
		writing, relaying error
	)
	helpers.Go(func() {
		writing = errors.Join(writeFrames(ctx, first[0], p), first[0].Close())
	})
	helpers.Go(func() {
		relaying = errors.Join(relay(first[1], second[0]), second[0].Close(), first[1].Close())
	})
	reading := errors.Join(countFrames(second[1], c, counted), second[1].Close())
	helpers.Wait()
	return errors.Join(reading, relaying, writing)
}

// relay passes on what it reads until the end. The copy is done here, not by
// the kernel: that is what a stream manager would have to do.
func relay(from, to net.Conn) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, relayFrame))
	return err
}

// writeFrames writes frames of words until ctx ends.
func writeFrames(ctx context.Context, w io.Writer, p *Picker) error {
	frame := make([]byte, 0, relayFrame)
	for ctx.Err() == nil {
		frame = frame[:4]
		for len(frame) < relayFrame-longestWord-1 {
			word := p.Next()
			frame = append(frame, byte(len(word)))
			frame = append(frame, word...)
		}
		binary.LittleEndian.PutUint32(frame, uint32(len(frame)-4))
		if _, err := w.Write(frame); err != nil {
			return err
		}
	}
	return nil
}

// countFrames counts the words of frames until there are no more.
func countFrames(r io.Reader, c *Counter, counted *atomic.Uint64) error {
	frame := make([]byte, relayFrame)
	for {
		if _, err := io.ReadFull(r, frame[:4]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		body := frame[:binary.LittleEndian.Uint32(frame)]
		if _, err := io.ReadFull(r, body); err != nil {
			return err
		}
		var n uint64
		for ; len(body) > 0; n++ {
			end := 1 + int(body[0])
			c.Add(body[1:end])
			body = body[end:]
		}
		counted.Add(n)
	}
}

// twoSocketPairs returns two pairs of connected Unix sockets.
func twoSocketPairs() (first, second [2]net.Conn, err error) {
	if first, err = socketPair(); err != nil {
		return first, second, err
	}
	if second, err = socketPair(); err != nil {
		_ = first[0].Close()
		_ = first[1].Close()
	}
	return first, second, err
}

func socketPair() (pair [2]net.Conn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return pair, fmt.Errorf("bench: socket pair: %w", err)
	}
	for i, fd := range fds {
		unix.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), "socket pair")
		conn, ferr := net.FileConn(f)
		_ = f.Close()
		if ferr != nil {
			err = errors.Join(err, fmt.Errorf("bench: socket pair: %w", ferr))
			continue
		}
		pair[i] = conn
	}
	if err != nil {
		for _, conn := range pair {
			if conn != nil {
				_ = conn.Close()
			}
		}
	}
	return pair, err
}
