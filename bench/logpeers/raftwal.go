package main

import (
	"errors"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

var raftWALEngine = engine{
	name:       "raft-wal",
	setting:    "defaults (segments of 64 MiB, metadata in bbolt), one StoreLogs an append, one writer by its contract",
	durability: "the segment file is synced (fsync) before StoreLogs returns",
	version:    builtWith("github.com/hashicorp/raft-wal"),
	oneWriter:  true,
	open:       openRaftWAL,
}

type raftWAL struct {
	log  *wal.WAL
	meta *metadb.BoltMetaDB // Close of the log leaves it open, and locked
	fs   *countingVFS
}

func openRaftWAL(s setting) (store, error) {
	vfs := &countingVFS{VFS: fs.New()}
	meta := &metadb.BoltMetaDB{}
	log, err := wal.Open(s.dir, wal.WithSegmentFiler(segment.NewFiler(s.dir, vfs)), wal.WithMetaStore(meta),
		wal.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		return nil, errors.Join(err, meta.Close())
	}
	return &raftWAL{log, meta, vfs}, nil
}

func (w *raftWAL) writer() (func([][]byte) error, error) {
	index := uint64(1)
	var logs []*raft.Log
	return func(records [][]byte) error {
		for len(logs) < len(records) {
			logs = append(logs, new(raft.Log))
		}
		for i, r := range records {
			*logs[i] = raft.Log{Index: index, Data: r}
			index++
		}
		return w.log.StoreLogs(logs[:len(records)])
	}, nil
}

func (w *raftWAL) read(visit func([]byte) error) error {
	first, err := w.log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := w.log.LastIndex()
	if err != nil {
		return err
	}
	for i := first; i <= last && last > 0; i++ {
		var l raft.Log
		if err := w.log.GetLog(i, &l); err != nil {
			return err
		}
		if err := visit(l.Data); err != nil {
			return err
		}
	}
	return nil
}

func (w *raftWAL) syncs() int64 { return w.fs.synced.Load() }

func (w *raftWAL) close() error { return errors.Join(w.log.Close(), w.meta.Close()) }

// countingVFS counts the syncs of segment files, not of directories or of the metadata.
type countingVFS struct {
	types.VFS

	synced atomic.Int64
}

func (v *countingVFS) Create(dir, name string, size uint64) (types.WritableFile, error) {
	return v.counted(v.VFS.Create(dir, name, size))
}

func (v *countingVFS) OpenWriter(dir, name string) (types.WritableFile, error) {
	return v.counted(v.VFS.OpenWriter(dir, name))
}

func (v *countingVFS) counted(f types.WritableFile, err error) (types.WritableFile, error) {
	if err != nil {
		return nil, err
	}
	return &countedSegment{f, &v.synced}, nil
}

type countedSegment struct {
	types.WritableFile

	synced *atomic.Int64
}

func (f *countedSegment) Sync() error {
	f.synced.Add(1)
	return f.WritableFile.Sync()
}
