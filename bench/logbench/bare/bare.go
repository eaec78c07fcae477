package bare

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"runtime"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// ErrChanged says that the file does not hold what was written last.
var ErrChanged = errors.New("bare: the file does not hold what was written last")

const round = 4 << 20 // bytes that are written at once, about

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Loop is the loop. Any goroutine may make an Appender of it; Close ends it when none of them appends any more.
type Loop struct {
	f    disk.File
	size int64
	in   chan request
	done chan struct{}

	// Owned by the goroutine until done is closed.
	last []byte // what was written last
	at   int64  // where it begins
	did  Work
}

// Work is what a loop has done.
type Work struct {
	Appends, Rounds int64
	Write, Sync     time.Duration // that all rounds took
}

type request struct {
	b    []byte // headers and payloads
	told chan error
}

// Open makes a file of so many bytes, filled with zeros, and starts the loop.
func Open(path string, size int64) (*Loop, error) {
	f, err := disk.OS{}.Create(path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Preallocate(size), f.SyncData()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	l := &Loop{f: f, size: size, in: make(chan request, 4096), done: make(chan struct{})}
	go l.run()
	return l, nil
}

func (l *Loop) run() {
	defer close(l.done)
	var waiting []chan error
	for r := range l.in {
		end := l.at + int64(len(l.last))
		l.last, waiting = append(l.last[:0], r.b...), append(waiting[:0], r.told)
		for len(l.in) > 0 && len(l.last) < round {
			r := <-l.in
			l.last, waiting = append(l.last, r.b...), append(waiting, r.told)
		}
		if l.at = end; end+int64(len(l.last)) > l.size {
			l.at = 0
		}
		begun := time.Now()
		_, err := l.f.WriteAt(l.last, l.at)
		written := time.Now()
		if err == nil {
			err = l.f.SyncData()
		}
		l.did.Rounds++
		l.did.Write += written.Sub(begun)
		l.did.Sync += time.Since(written)
		for _, told := range waiting {
			told <- err
		}
		l.did.Appends += int64(len(waiting))
		runtime.Gosched() // lets those who were told append again before the next round
	}
}

// Close ends the loop and closes the file, after a look whether it holds what was written last.
func (l *Loop) Close() (did Work, err error) {
	close(l.in)
	<-l.done
	have := make([]byte, len(l.last))
	if len(have) > 0 {
		_, err = l.f.ReadAt(have, l.at)
	}
	if err == nil && !bytes.Equal(have, l.last) {
		err = ErrChanged
	}
	return l.did, errors.Join(err, l.f.Close())
}

// Appender appends for one goroutine.
type Appender struct {
	loop *Loop
	b    []byte
	told chan error
}

// Appender returns an appender.
func (l *Loop) Appender() *Appender { return &Appender{loop: l, told: make(chan error, 1)} }

// Append appends a record so many times in one request, and waits until that is synced.
func (a *Appender) Append(record []byte, times int) error {
	a.b = a.b[:0]
	for range times {
		a.b = binary.LittleEndian.AppendUint32(a.b, uint32(len(record)))
		a.b = binary.LittleEndian.AppendUint32(a.b, crc32.Checksum(record, castagnoli))
		a.b = append(a.b, record...)
	}
	a.loop.in <- request{a.b, a.told}
	return <-a.told
}
