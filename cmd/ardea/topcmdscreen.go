package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/ardea-stream/ardea/local"
)

// What a terminal is told. The screen beside the usual one leaves no trace when
// it is left.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[2J" // another screen, no cursor, empty
	leaveScreen = "\x1b[0m\x1b[?25h\x1b[?1049l"
	inverse     = "\x1b[7m"
	upright     = "\x1b[0m"
	eraseRest   = "\x1b[K"
)

// console is the terminal that the user sits at.
type console struct {
	in, out *os.File

	drawn         []topLine // on the screen now
	width, height int       // of what is drawn
}

// console returns the terminal of the program, nil if it has none.
func (a *app) console() *console {
	in, ok := a.stdin.(*os.File)
	out, also := a.stdout.(*os.File)
	if !ok || !also || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &console{in: in, out: out}
}

// topKey is what a key that was pressed means.
type topKey int

const (
	keyNone topKey = iota
	keyQuit
	keyTasks
	keyUp
	keyDown
	keyPageUp
	keyPageDown
	keyHome
	keyEnd
	keyRedraw
)

// topKeys are the bytes of the keys, longer ones before what they begin with.
var topKeys = []struct {
	bytes string
	key   topKey
}{
	{"\x1b[A", keyUp},
	{"\x1bOA", keyUp},
	{"\x1b[B", keyDown},
	{"\x1bOB", keyDown},
	{"\x1b[5~", keyPageUp},
	{"\x1b[6~", keyPageDown},
	{"\x1b[H", keyHome},
	{"\x1bOH", keyHome},
	{"\x1b[1~", keyHome},
	{"\x1b[F", keyEnd},
	{"\x1bOF", keyEnd},
	{"\x1b[4~", keyEnd},
	{"k", keyUp},
	{"j", keyDown},
	{" ", keyPageDown},
	{"t", keyTasks},
	{"T", keyTasks},
	{"q", keyQuit},
	{"Q", keyQuit},
	{"\x03", keyQuit},   // Ctrl-C, which is no signal while the terminal is raw
	{"\x0c", keyRedraw}, // Ctrl-L
}

// parseKeys takes keys off bytes that were read and returns what may be the
// beginning of another one. What is no key is skipped.
func parseKeys(b string) (keys []topKey, rest string) {
next:
	for b != "" {
		for _, k := range topKeys {
			if strings.HasPrefix(b, k.bytes) {
				keys = append(keys, k.key)
				b = b[len(k.bytes):]
				continue next
			}
			if strings.HasPrefix(k.bytes, b) {
				return keys, b
			}
		}
		b = b[1:]
	}
	return keys, ""
}

// readKeys sends the keys that are pressed until stop is at its end, ctx ends
// or the terminal is gone. Then it closes keys.
func (c *console) readKeys(ctx context.Context, stop *os.File, keys chan<- topKey) {
	defer close(keys)
	fd := int(c.in.Fd())
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(stop.Fd()), Events: unix.POLLIN}}
	buf := make([]byte, 256)
	rest := ""
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil || fds[1].Revents != 0:
			return
		}
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil || n <= 0:
			return
		}
		var pressed []topKey
		pressed, rest = parseKeys(rest + string(buf[:n]))
		for _, k := range pressed {
			select {
			case keys <- k:
			case <-ctx.Done():
				return
			}
		}
	}
}

// size is that of the terminal now.
func (c *console) size() (width, height int) {
	width, height, err := term.GetSize(int(c.out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// draw brings the screen up to date by one write of the lines that have changed.
func (c *console) draw(v *topView) error {
	width, height := c.size()
	lines := v.frame(width, height)
	var b strings.Builder
	if width != c.width || height != c.height {
		c.width, c.height, c.drawn = width, height, nil
		b.WriteString("\x1b[2J")
	}
	for i, l := range lines {
		if i < len(c.drawn) && c.drawn[i] == l {
			continue
		}
		fmt.Fprintf(&b, "\x1b[%d;1H", i+1)
		if l.heading {
			b.WriteString(inverse + l.text + upright)
		} else {
			b.WriteString(l.text)
		}
		if columns(l.text) < width { // behind the last column it would erase that
			b.WriteString(eraseRest)
		}
	}
	if len(lines) < len(c.drawn) {
		fmt.Fprintf(&b, "\x1b[%d;1H\x1b[J", len(lines)+1)
	}
	c.drawn = lines
	if b.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(c.out, b.String())
	return err
}

// sampled is an answer of the run.
type sampled struct {
	sample *local.Sample
	err    error
}

// whole has the whole screen for a while. The terminal is what it was when it
// returns, also if body panics.
func (c *console) whole(body func() error) (err error) {
	before, err := term.MakeRaw(int(c.in.Fd()))
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	defer func() {
		_, werr := io.WriteString(c.out, leaveScreen)
		err = errors.Join(err, werr, term.Restore(int(c.in.Fd()), before))
	}()
	if _, err := io.WriteString(c.out, enterScreen); err != nil {
		return err
	}
	return body()
}

// watch shows the run until it ends, which is local.ErrEnded or the like, or the
// user quits.
func watch(ctx context.Context, v *topView, c *console) error {
	stopped, stop, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = stopped.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	defer func() { _ = stop.Close() }()
	keys, samples := make(chan topKey, 64), make(chan sampled)
	running.Go(func() { c.readKeys(ctx, stopped, keys) })
	running.Go(func() { sampleEvery(ctx, v.run, samples) })
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	defer signal.Stop(resized)
	return c.whole(func() error { return c.show(ctx, v, keys, samples, resized) })
}

// sampleEvery asks the run again and again until ctx ends.
func sampleEvery(ctx context.Context, run *local.Running, samples chan<- sampled) {
	ticks := time.NewTicker(topEvery)
	defer ticks.Stop()
	for {
		var s sampled
		s.sample, s.err = sampleOf(ctx, run)
		select {
		case samples <- s:
		case <-ctx.Done():
			return
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// show draws whenever something has changed.
func (c *console) show(ctx context.Context, v *topView, keys <-chan topKey, samples <-chan sampled, resized <-chan os.Signal) error {
	for {
		if err := c.draw(v); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-resized:
		case k, more := <-keys:
			if !more || k == keyQuit {
				return nil
			}
			c.press(v, k)
		case s := <-samples:
			switch {
			case s.err == nil:
				v.take(s.sample)
			case errors.Is(s.err, errSilent):
				v.note = s.err.Error()
			default:
				return s.err
			}
		}
	}
}

// press does what a key is for.
func (c *console) press(v *topView, k topKey) {
	page := max(1, c.height/2)
	switch k {
	case keyTasks:
		v.tasks = !v.tasks
	case keyUp:
		v.scroll--
	case keyDown:
		v.scroll++
	case keyPageUp:
		v.scroll -= page
	case keyPageDown:
		v.scroll += page
	case keyHome:
		v.scroll = 0
	case keyEnd:
		v.scroll = 1 << 30 // frame knows where that is
	case keyRedraw:
		c.width = 0
	case keyNone, keyQuit:
	}
}
