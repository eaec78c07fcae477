package logbench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/dlog"
)

// victim is what a process does that is to be killed: it fills a store, says so, and waits.
type victim struct {
	Dir       string `json:"dir"`
	Flushed   int64  `json:"flushed"`   // bytes that are to be safe in segment files
	Unflushed int64  `json:"unflushed"` // bytes behind them that are to be in the journal
}

const (
	victimLogs    = 16
	victimBatch   = 10
	victimRecords = 1000 // bytes of each
)

// recovery measures how long a store takes to open after its process was killed.
func (r *runner) recovery(ctx context.Context) error {
	f := r.figure(Recovery, "Opening a store after kill -9, with "+size(r.c.Recover)+" of journal",
		"less than 1 s for each GiB of journal, however much is in segment files")
	if r.c.VictimArgs == nil {
		f.Notes = append(f.Notes, "Recovery was not measured: there is no process to kill.")
		return nil
	}
	for range r.c.Repeat {
		for _, kind := range []struct {
			name    string
			flushed int64
		}{
			{"recovery", 0},
			{"recovery beside much data", 4 * r.c.Recover},
		} {
			if err := r.recoverOnce(ctx, f, kind.name, victim{Flushed: kind.flushed, Unflushed: r.c.Recover}); err != nil {
				return fmt.Errorf("%s: %w", kind.name, err)
			}
		}
	}
	f.Notes = append(f.Notes, "Recovery: the killed process had "+size(r.c.Recover)+" of records in the journal that no checkpoint had made safe in segment files, and for the second row four times as much that one had.")
	return nil
}

func (r *runner) recoverOnce(ctx context.Context, f *Figure, name string, v victim) error {
	dir, remove, err := r.folder("recovery")
	if err != nil {
		return err
	}
	defer remove()
	v.Dir = filepath.Join(dir, "store")
	counts, err := r.kill(ctx, v)
	if err != nil {
		return err
	}
	journal := filepath.Join(v.Dir, "journal")
	if _, _, err := readJournal(journal); err != nil { // so that both find it in the system's cache
		return err
	}
	n, limit, err := readJournal(journal)
	if err != nil {
		return err
	}
	begun := time.Now()
	s, _, err := dlog.Open(v.Dir, victimOptions())
	if err != nil {
		return err
	}
	took := time.Since(begun)
	gib := float64(n) / (1 << 30)
	r.add(f, name, SecPerGiB, "the journal's files read and CRC32C over them", took.Seconds()/gib, limit.Seconds()/gib)
	return errors.Join(checkVictim(ctx, s, counts), s.Close())
}

// readJournal reads the files of a journal and says how long that and their checksum took.
func readJournal(dir string) (n int64, took time.Duration, err error) {
	begun := time.Now()
	files, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	buf, table := make([]byte, 1<<20), crc32.MakeTable(crc32.Castagnoli)
	sum := uint32(0)
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return n, 0, err
		}
		for err == nil {
			var k int
			k, err = f.Read(buf)
			sum = crc32.Update(sum, table, buf[:k])
			n += int64(k)
		}
		if !errors.Is(err, io.EOF) {
			return n, 0, errors.Join(err, f.Close())
		}
		if err := f.Close(); err != nil {
			return n, 0, err
		}
	}
	return n, time.Since(begun), err
}

// kill starts a victim, waits until it has done its part, and kills it. It returns how many records each log has.
func (r *runner) kill(ctx context.Context, v victim) (counts []uint64, err error) {
	spec, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, r.c.VictimArgs(string(spec))...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		err = json.Unmarshal([]byte(line), &counts)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	if err == nil && len(counts) == victimLogs {
		return counts, nil
	}
	return nil, errors.Join(ctx.Err(), fmt.Errorf("the process that was to be killed says %q: %w: %s", line, err, complaint.String()))
}

func victimOptions() dlog.Options {
	return dlog.Options{CheckpointBytes: math.MaxInt64 / 4}
}

// Victim is the process that is killed. It fills the store that the specification names, writes how many records each
// log has, and waits until in ends.
func Victim(ctx context.Context, spec string, in io.Reader, out io.Writer) error {
	var v victim
	if err := json.Unmarshal([]byte(spec), &v); err != nil {
		return err
	}
	s, _, err := dlog.Open(v.Dir, victimOptions())
	if err != nil {
		return err
	}
	counts, err := v.fill(ctx, s)
	if err == nil {
		if err = json.NewEncoder(out).Encode(counts); err == nil {
			_, err = io.Copy(io.Discard, in)
		}
	}
	return errors.Join(err, s.Close())
}

// fill appends to the logs in turn, durably at the end.
func (v victim) fill(ctx context.Context, s *dlog.Store) (counts []uint64, err error) {
	var writers []*dlog.Writer
	var records [][]byte
	for i := range victimLogs {
		l, err := s.Create(victimName(i), dlog.LogOptions{})
		if err != nil {
			return nil, err
		}
		w, err := l.OpenWriter(0)
		if err != nil {
			return nil, err
		}
		writers, records = append(writers, w), append(records, newRecord(0, uint32(i), victimRecords))
	}
	counts = make([]uint64, victimLogs)
	var b dlog.Batch
	for done, safe := int64(0), v.Flushed == 0; done < v.Flushed+v.Unflushed; {
		for i, w := range writers {
			b.Reset()
			for range victimBatch {
				number(records[i], counts[i])
				b.Add(records[i])
				counts[i]++
			}
			if _, err := w.Append(&b, dlog.OS); err != nil {
				return nil, err
			}
			done += int64(b.Len())
		}
		if !safe && done >= v.Flushed {
			if err := errors.Join(flush(ctx, writers), s.Checkpoint()); err != nil {
				return nil, err
			}
			safe = true
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return counts, flush(ctx, writers)
}

func victimName(i int) string { return fmt.Sprintf("victim %d", i) }

// checkVictim reads back what the victim has written.
func checkVictim(ctx context.Context, s *dlog.Store, counts []uint64) error {
	t := newTally("recovery", 0, victimLogs, victimRecords)
	for i := range victimLogs {
		l, err := s.Log(victimName(i))
		if err != nil {
			return err
		}
		if _, err := t.readBack(ctx, l, 0); err != nil {
			return err
		}
	}
	return t.agrees(counts)
}

func flush(ctx context.Context, writers []*dlog.Writer) error {
	for _, w := range writers {
		if err := w.Flush(ctx); err != nil {
			return err
		}
	}
	return nil
}
