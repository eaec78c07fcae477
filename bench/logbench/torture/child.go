package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ardea-stream/ardea/dlog"
)

// spec says what a child does.
type spec struct {
	Dir   string `json:"dir"`
	Seed  uint64 `json:"seed"`
	Cycle uint32 `json:"cycle"`
	Plant string `json:"plant,omitempty"`

	// Of a child that flips bits instead.
	Source string `json:"source,omitempty"` // store, of which Dir becomes a copy for each flip
	Flips  []flip `json:"flips,omitempty"`
}

const (
	logs    = 5
	writers = 3 // of each log
)

// options make everything happen often.
func options() dlog.Options {
	return dlog.Options{JournalFile: 256 << 10, WindowBytes: 256 << 10, SegmentBytes: 128 << 10, CheckpointBytes: 512 << 10}
}

func logName(i int) string { return fmt.Sprintf("log%d", i) }

// Child does what a specification says: it appends until it is killed, or flips bits and reads.
func Child(ctx context.Context, text string, out io.Writer) error {
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	if s.Source != "" {
		return s.flipAll(ctx, out)
	}
	switch s.Plant {
	case "slow":
		time.Sleep(2 * longestLife)
	case "mute":
		<-ctx.Done() // never: it is killed
		return ctx.Err()
	}
	store, _, err := dlog.Open(s.Dir, options())
	if err != nil {
		return err
	}
	failed := make(chan error, logs*writers)
	told := &teller{out: out}
	for i := range logs {
		l, err := store.Log(logName(i))
		if errors.Is(err, dlog.ErrNotFound) {
			l, err = store.Create(logName(i), dlog.LogOptions{})
		}
		if err != nil {
			return err
		}
		w, err := l.OpenWriter(0)
		if err != nil {
			return err
		}
		for k := range writers {
			go func() { failed <- s.append(ctx, w, uint16(i), uint16(k), told) }()
		}
	}
	return <-failed // the process ends with it
}

// ack is what a child says of a batch that was acknowledged.
type ack struct {
	stamp // of the first record

	First uint64 // its offset
	Count uint32
	Level dlog.Level
}

// teller writes acknowledgements, one a line, each with one write.
type teller struct {
	mu  sync.Mutex
	out io.Writer
}

func (t *teller) tell(a ack) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := fmt.Fprintln(t.out, a.Cycle, a.Log, a.Writer, a.Number, a.First, a.Count, uint8(a.Level))
	return err
}

// hear is the opposite of tell.
func hear(line string) (a ack, err error) {
	var level uint8
	_, err = fmt.Sscan(line, &a.Cycle, &a.Log, &a.Writer, &a.Number, &a.First, &a.Count, &level)
	a.Level = dlog.Level(level)
	return a, err
}

// append appends for ever, with all levels.
func (s spec) append(ctx context.Context, w *dlog.Writer, log, writer uint16, told *teller) error {
	random := rand.New(rand.NewPCG(s.Seed, uint64(s.Cycle)<<32|uint64(log)<<16|uint64(writer)))
	at := stamp{Cycle: s.Cycle, Log: log, Writer: writer}
	var b dlog.Batch
	var record []byte
	for {
		b.Reset()
		first := at
		for range 1 + random.IntN(20) {
			record = at.record(record[:0], s.Seed)
			b.Add(record)
			at.Number++
		}
		level := []dlog.Level{dlog.Disk, dlog.OS, dlog.Memory}[random.IntN(3)]
		f, err := w.Append(&b, level)
		if err != nil {
			return err
		}
		res, err := f.Wait(ctx)
		if err != nil {
			return err
		}
		if level == dlog.Memory {
			continue
		}
		if err := told.tell(ack{first, res.First, res.Count, res.Level}); err != nil {
			return err
		}
		if err := s.misbehave(&at, w, told); err != nil {
			return err
		}
	}
}

// misbehave does what a broken log would seem to have done.
func (s spec) misbehave(at *stamp, w *dlog.Writer, told *teller) error {
	if s.Plant == "" || at.Log != 1 || at.Writer != 1 {
		return nil
	}
	wrong := *at
	switch s.Plant {
	case "lost": // acknowledged, and never appended
		return told.tell(ack{wrong, 1 << 40, 1, dlog.Disk})
	case "twice":
		wrong.Number = 0
	case "invented":
		wrong.Writer = 77
	case "gap":
		at.Number++
		return nil
	case "slow": // was
		return nil
	}
	record := wrong.record(nil, s.Seed)
	if s.Plant == "changed" {
		record[stampBytes-1] ^= 1
	}
	_, err := w.Append(new(dlog.Batch).Add(record), dlog.Memory)
	return err
}
