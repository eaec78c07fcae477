package local

import (
	"bytes"
	"io"
	"sync"
	"unicode/utf8"
)

// LiveLine is a line at the bottom of a terminal that is drawn anew, and the
// writer for everything else that goes to the same place. Errors of drawing are
// ignored: no work ends because nobody looks on. Any goroutine may use it.
type LiveLine struct {
	width func() int

	mu   sync.Mutex
	w    io.Writer
	line string // on the screen now
}

// NewLiveLine returns a line that writes to w. width returns the columns of the
// terminal, see TerminalWidth; with nil, or where it returns 0, nothing is cut.
func NewLiveLine(w io.Writer, width func() int) *LiveLine { return &LiveLine{w: w, width: width} }

// Set replaces the line, cut to the terminal's width. With an empty text it is gone.
func (l *LiveLine) Set(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	if l.width != nil {
		if most := l.width() - 1; most > 0 && utf8.RuneCountInString(text) > most {
			text = string([]rune(text)[:most])
		}
	}
	l.line = text
	l.draw()
}

// Write writes lines without harm to the live one. b should end with a newline.
func (l *LiveLine) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	n, err := l.w.Write(b)
	if bytes.HasSuffix(b, []byte("\n")) {
		l.draw()
	}
	return n, err
}

func (l *LiveLine) erase() {
	if l.line != "" {
		_, _ = io.WriteString(l.w, "\r\x1b[K")
	}
}

func (l *LiveLine) draw() {
	if l.line != "" {
		_, _ = io.WriteString(l.w, l.line)
	}
}
