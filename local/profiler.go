package local

import (
	"errors"
	"sync"

	"github.com/ardea-stream/ardea/local/capture"
)

// profiler carries out a process's commands about profiles, on a goroutine of
// its own: writing them takes a while, and meanwhile other commands must be heeded.
type profiler struct {
	work chan command
	quit chan struct{} // closed when no more commands come
	done chan struct{} // closed when run has returned
	once sync.Once     // closes quit
	out  *lineWriter
	on   *capture.Recording // belongs to run
}

var errNotRecording = errors.New("nothing is being recorded")

func newProfiler(out *lineWriter) *profiler {
	return &profiler{
		work: make(chan command, 2), // as many as are ever unread
		quit: make(chan struct{}), done: make(chan struct{}), out: out,
	}
}

// take has a command carried out.
func (p *profiler) take(c command) {
	select {
	case p.work <- c:
	case <-p.quit:
	}
}

// stop makes run return, as soon as the commands that were taken are carried out.
func (p *profiler) stop() { p.once.Do(func() { close(p.quit) }) }

// run works until it is stopped. A recording that is on then is abandoned.
func (p *profiler) run() {
	defer close(p.done)
	defer p.abandon()
	for {
		select {
		case c := <-p.work:
			p.answer(c)
			continue
		case <-p.quit:
		}
		select {
		case c := <-p.work: // it came first
			p.answer(c)
		default:
			return
		}
	}
}

func (p *profiler) answer(c command) {
	r := report{Kind: kindProfiled, Seq: c.Seq}
	var err error
	if r.Files, err = p.obey(c); err != nil {
		r.Text = clip(err.Error(), maxText)
	}
	_ = p.out.write(r) // fails only when the parent is gone
}

func (p *profiler) obey(c command) (map[ProfileKind]string, error) {
	switch {
	case c.Op == opAbandon:
		p.abandon()
		return nil, nil
	case c.Op == opRecord:
		p.abandon()
		var err error
		p.on, err = capture.Start(c.Kinds)
		return nil, err
	case p.on == nil:
		return nil, errNotRecording
	default:
		on := p.on
		p.on = nil
		return on.Stop(c.Dir, c.Name)
	}
}

func (p *profiler) abandon() {
	if p.on != nil {
		p.on.Abandon()
		p.on = nil
	}
}
