package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ardea-stream/ardea/bench/matrix"
	"github.com/ardea-stream/ardea/local"
)

// benchProgress shows how a matrix goes: on a terminal by a line at the bottom
// that is drawn anew every second, elsewhere by lines. It is also the writer for
// everything else that goes to the same place. Any goroutine may use it.
type benchProgress struct {
	live     *local.LiveLine
	terminal bool
	ended    chan struct{}
	all      sync.WaitGroup

	mu   sync.Mutex
	last matrix.Progress
	at   time.Time // of last
}

// newBenchProgress returns a progress that writes to w and must be stopped.
func newBenchProgress(w io.Writer, width func() int) *benchProgress {
	p := &benchProgress{live: local.NewLiveLine(w, width), terminal: width != nil, ended: make(chan struct{})}
	if width != nil {
		p.all.Go(p.tick)
	}
	return p
}

// tick draws the line every second.
func (p *benchProgress) tick() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-p.ended:
			return
		case <-t.C:
			p.mu.Lock()
			p.draw()
			p.mu.Unlock()
		}
	}
}

// stop removes the line.
func (p *benchProgress) stop() {
	close(p.ended)
	p.all.Wait()
	p.live.Set("")
}

// show takes what has just begun or ended.
func (p *benchProgress) show(now matrix.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.at = now, time.Now()
	p.live.Set("")
	if !p.terminal {
		p.print(fmt.Sprintf("%s: %s (%s left)\n", now.Section, now.Line, coarse(now.Left)))
	} else if !begun(now.Line) {
		p.print(now.Section + ": " + now.Line + "\n")
	}
	p.draw()
}

// begun reports whether a line tells of what begins, and not of what has ended.
func begun(line string) bool { return strings.HasSuffix(line, "...") }

// Write writes lines without harm to the one at the bottom.
func (p *benchProgress) Write(b []byte) (int, error) { return p.live.Write(b) }

// draw draws the line, on a terminal.
func (p *benchProgress) draw() {
	if !p.terminal || p.last.Sections == 0 {
		return
	}
	since := time.Since(p.at)
	text := fmt.Sprintf("%d of %d, %v, about %s left  %s", p.last.Number, p.last.Sections,
		(p.last.Elapsed + since).Round(time.Second), coarse(max(0, p.last.Left-since)), p.last.Section)
	if begun(p.last.Line) { // what has ended stands above
		text += ": " + p.last.Line
	}
	p.live.Set(text)
}

// print ignores errors: a measurement does not end because nobody looks on.
func (p *benchProgress) print(text string) { _, _ = io.WriteString(p.live, text) }

// coarse writes a time that is an estimate.
func coarse(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}
