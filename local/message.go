package local

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxPublished is the most bytes that a task can publish under one name at once.
const MaxPublished = 1 << 20

const (
	protocolVersion = 2
	maxLine         = 16 << 20 // of a message
	maxText         = 64 << 10 // of an error that is reported
)

var errLineTooLong = fmt.Errorf("local: message of more than %d bytes", maxLine)

// orders is what a child is told at its start, by environment variable.
type orders struct {
	Version     int      `json:"version"`
	Role        Role     `json:"role"`
	Topology    string   `json:"topology"`
	Plan        string   `json:"plan"` // path of the file
	Container   uint32   `json:"container"`
	Tasks       []uint32 `json:"tasks,omitempty"`
	Incarnation uint64   `json:"incarnation"`
	Restarts    int      `json:"restarts,omitempty"`  // how often the process has been started again
	Ended       []uint32 `json:"ended,omitempty"`     // tasks of a stream manager's container that had ended before it began
	Ending      []uint32 `json:"ending,omitempty"`    // of Tasks: have nothing left to do but to say the end of their streams
	Positions   string   `json:"positions,omitempty"` // path of the directory where spouts keep their positions
	Secret      []byte   `json:"secret,omitempty"`    // of the stream managers
	Store       string   `json:"store,omitempty"`     // path of the store of a stream manager that has durable streams
	Mode        string   `json:"mode,omitempty"`
	HighMark    int      `json:"high_mark,omitempty"`
	LowMark     int      `json:"low_mark,omitempty"`
	HardMark    int      `json:"hard_mark,omitempty"`
	Window      int      `json:"window,omitempty"`
	MinBatch    int      `json:"min_batch,omitempty"`
	MaxBatch    int      `json:"max_batch,omitempty"`
	MaxAgeNanos int64    `json:"max_age_nanos,omitempty"`
	Pprof       string   `json:"pprof,omitempty"` // address to serve profiles at, empty for none
	LogLevel    int      `json:"log_level"`
}

// op is what a parent asks of a child.
type op string

const (
	opSample  op = "sample" // answer with a report of the same Seq
	opDrain   op = "drain"
	opStop    op = "stop"
	opEnded   op = "ended"   // Tasks: of this container, may have ended under an earlier stream manager
	opRecord  op = "record"  // Kinds: record profiles; answer likewise
	opWrite   op = "write"   // Dir, Name: write what was recorded; answer likewise
	opAbandon op = "abandon" // forget what was recorded, if anything; answer likewise
)

// command is a message to a child.
type command struct {
	Op    op            `json:"op"`
	Seq   uint64        `json:"seq,omitempty"`
	Tasks []uint32      `json:"tasks,omitempty"`
	Kinds []ProfileKind `json:"kinds,omitempty"`
	Dir   string        `json:"dir,omitempty"`
	Name  string        `json:"name,omitempty"`
}

// kind is what a child reports.
type kind string

const (
	kindHello     kind = "hello"     // first; Version
	kindServing   kind = "serving"   // Text: the address at which profiles are served
	kindReady     kind = "ready"     // the role is up
	kindSample    kind = "sample"    // Seq, Sample
	kindPublished kind = "published" // Task, Name, Data
	kindOversized kind = "oversized" // Task, Name, Size: published, too large
	kindEnding    kind = "ending"    // Task: its work is done and sent; the end of its streams follows
	kindEnded     kind = "ended"     // Task: its streams have ended; Close follows
	kindClosed    kind = "closed"    // Task
	kindFailed    kind = "failed"    // Task (0: the process), Text, InUse
	kindProfiled  kind = "profiled"  // Seq, Files, Text (empty: no error)
	kindBye       kind = "bye"       // last; Sample
)

// report is a message from a child.
type report struct {
	Kind    kind           `json:"kind"`
	Version int            `json:"version,omitempty"`
	Seq     uint64         `json:"seq,omitempty"`
	Task    uint32         `json:"task,omitempty"`
	Name    string         `json:"name,omitempty"`
	Size    int            `json:"size,omitempty"`
	Data    []byte         `json:"data,omitempty"`
	Text    string         `json:"text,omitempty"`
	InUse   bool           `json:"in_use,omitempty"` // failed because an address is in use
	Sample  *ProcessSample `json:"sample,omitempty"`
	// Files are the paths of profiles.
	Files map[ProfileKind]string `json:"files,omitempty"`
}

// lineReader reads messages, a JSON object per line.
type lineReader struct{ r *bufio.Reader }

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReader(r)} }

// read decodes the next line into v. It returns io.EOF at the end, also when
// that cuts a line: a message that its writer did not live to finish is none.
func (l *lineReader) read(v any) error {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return errLineTooLong
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return err
		}
		if err := json.Unmarshal(line, v); err != nil {
			return fmt.Errorf("local: malformed message: %w", err)
		}
		return nil
	}
}

// lineWriter writes messages, a JSON object per line. Any goroutine may use it.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("local: message: %w", err)
	}
	if len(b) >= maxLine {
		return errLineTooLong
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.w.Write(append(b, '\n'))
	return err
}

// clip shortens a text to about most bytes, keeping its beginning and its end.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most/2] + "\n...\n" + text[len(text)-most/2:]
}
