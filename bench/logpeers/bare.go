package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
)

// bareEngine is the limit that the others are held against: one goroutine that writes what waits and syncs once for it,
// in one file that was written with zeros before. It keeps a length and a checksum of each record, and nothing else.
var bareEngine = engine{
	name:       "bare",
	setting:    "one goroutine, one file filled with zeros and synced before the run, at most 1 GiB; the run ends when it is full",
	durability: "one fdatasync for all who wait, then they are told",
	version:    func() (string, error) { return "1", nil },
	open:       openBare,
}

const (
	bareHeader = 8       // length, CRC-32C
	bareRound  = 4 << 20 // bytes that are written at once, about
	bareMin    = 16 << 20
	bareMax    = 1 << 30
)

type bare struct {
	f      *os.File
	size   int64
	in     chan bareAppend
	done   chan struct{}
	synced atomic.Int64
}

type bareAppend struct {
	b    []byte // headers and payloads
	told chan error
}

func openBare(s setting) (store, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, "bare"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	b := &bare{f: f, in: make(chan bareAppend, 4096), done: make(chan struct{})}
	if b.size, err = b.prepare(s); err != nil {
		_ = f.Close()
		return nil, err
	}
	go b.run()
	return b, nil
}

// prepare fills a new file with zeros, enough for the run at 20,000 rounds a second, and returns its size.
func (b *bare) prepare(s setting) (int64, error) {
	info, err := b.f.Stat()
	if err != nil || info.Size() > 0 {
		return info.Size(), err
	}
	round := float64(s.writers*s.batch) * float64(s.bytes+bareHeader)
	size := int64(min(max(round*20_000*s.duration.Seconds(), bareMin), bareMax))
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := b.f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at); err != nil {
			return 0, err
		}
	}
	if err := b.f.Sync(); err != nil {
		return 0, err
	}
	return size, syncDir(filepath.Dir(b.f.Name()))
}

func (b *bare) run() {
	defer close(b.done)
	var buf []byte
	var waiting []chan error
	at := int64(0)
	for a := range b.in {
		buf, waiting = append(buf[:0], a.b...), append(waiting[:0], a.told)
		for len(b.in) > 0 && len(buf) < bareRound {
			a := <-b.in
			buf, waiting = append(buf, a.b...), append(waiting, a.told)
		}
		err := errFull
		if at+int64(len(buf)) <= b.size {
			if _, err = b.f.WriteAt(buf, at); err == nil {
				err = fdatasync(b.f)
				b.synced.Add(1)
			}
			at += int64(len(buf))
		}
		for _, told := range waiting {
			told <- err
		}
		runtime.Gosched() // lets those who were told append again before the next round
	}
}

func (b *bare) writer() (func([][]byte) error, error) {
	told := make(chan error, 1)
	var buf []byte
	return func(records [][]byte) error {
		buf = buf[:0]
		for _, r := range records {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(len(r)))
			buf = binary.LittleEndian.AppendUint32(buf, crc32.Checksum(r, castagnoli))
			buf = append(buf, r...)
		}
		b.in <- bareAppend{buf, told}
		return <-told
	}, nil
}

func (b *bare) read(visit func([]byte) error) error {
	var header [bareHeader]byte
	var record []byte
	in := bufio.NewReaderSize(io.NewSectionReader(b.f, 0, b.size), 1<<20)
	for at := int64(0); at+bareHeader <= b.size; at += bareHeader + int64(len(record)) {
		if _, err := io.ReadFull(in, header[:]); err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(header[:]))
		if size == 0 {
			return nil
		}
		if at+bareHeader+size > b.size {
			return fmt.Errorf("record at %d is longer than the file", at)
		}
		record = append(record[:0], make([]byte, size)...)
		if _, err := io.ReadFull(in, record); err != nil {
			return err
		}
		if crc32.Checksum(record, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
			return fmt.Errorf("record at %d has another checksum", at)
		}
		if err := visit(record); err != nil {
			return err
		}
	}
	return nil
}

func (b *bare) syncs() int64 { return b.synced.Load() }

func (b *bare) close() error {
	close(b.in)
	<-b.done
	return b.f.Close()
}
