package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var pebbleEngine = engine{
	name:       "pebble",
	setting:    "memtable 64 MiB, newest format, write stalls only at 1000 files of level 0; keys ascend over all writers",
	durability: "the write-ahead log is synced (fdatasync) before Set or Apply with Sync returns; syncs are shared by all who wait",
	version:    builtWith("github.com/cockroachdb/pebble/v2"),
	open:       openPebble,
}

type pebbleStore struct {
	db  *pebble.DB
	fs  *countingFS
	key atomic.Uint64
}

func openPebble(s setting) (store, error) {
	fs := &countingFS{FS: vfs.Default}
	o := &pebble.Options{
		FS:                          fs,
		Logger:                      quietLogger{},
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                64 << 20,
		MemTableStopWritesThreshold: 4,
		L0StopWritesThreshold:       1000,
	}
	db, err := pebble.Open(s.dir, o)
	if err != nil {
		return nil, err
	}
	return &pebbleStore{db: db, fs: fs}, nil
}

func (p *pebbleStore) writer() (func([][]byte) error, error) {
	return func(records [][]byte) error {
		var key [8]byte
		last := p.key.Add(uint64(len(records)))
		if len(records) == 1 {
			binary.BigEndian.PutUint64(key[:], last)
			return p.db.Set(key[:], records[0], pebble.Sync)
		}
		b := p.db.NewBatchWithSize(len(records) * (len(records[0]) + 16))
		for i, r := range records {
			binary.BigEndian.PutUint64(key[:], last-uint64(len(records)-1-i))
			if err := b.Set(key[:], r, nil); err != nil {
				return err
			}
		}
		if err := b.Commit(pebble.Sync); err != nil {
			return err
		}
		return b.Close()
	}, nil
}

func (p *pebbleStore) read(visit func([]byte) error) error {
	it, err := p.db.NewIter(nil)
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		err = visit(it.Value())
	}
	return errors.Join(err, it.Close())
}

func (p *pebbleStore) syncs() int64 { return p.fs.synced.Load() }

func (p *pebbleStore) close() error { return p.db.Close() }

// countingFS counts the syncs of files, not of directories.
type countingFS struct {
	vfs.FS

	synced atomic.Int64
}

func (fs *countingFS) counted(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &countedFile{f, &fs.synced}, nil
}

func (fs *countingFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return fs.counted(fs.FS.Create(name, c))
}

func (fs *countingFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return fs.counted(fs.FS.OpenReadWrite(name, c, o...))
}

func (fs *countingFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return fs.counted(fs.FS.ReuseForWrite(from, to, c))
}

type countedFile struct {
	vfs.File

	synced *atomic.Int64
}

func (f *countedFile) Sync() error {
	f.synced.Add(1)
	return f.File.Sync()
}

func (f *countedFile) SyncData() error {
	f.synced.Add(1)
	return f.File.SyncData()
}

// quietLogger keeps an engine's events out of the program's output. What fails is returned to who asked for it.
type quietLogger struct{}

func (quietLogger) Infof(string, ...any)  {}
func (quietLogger) Errorf(string, ...any) {}
func (quietLogger) Fatalf(f string, a ...any) {
	panic(fmt.Sprintf(f, a...))
}
