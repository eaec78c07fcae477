package main

import (
	"encoding/binary"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

var bboltEngine = engine{
	name: "bbolt",
	setting: "one bucket with ascending keys, pages filled to 90 %, free list in a map and not written, 1 GiB mapped; " +
		"single appends of many writers by Batch (at most as many as there are writers, 1 ms), else one Update an append",
	durability: "pages, then the meta page, are each synced (fdatasync) before a transaction's end",
	version:    builtWith("go.etcd.io/bbolt"),
	open:       openBbolt,
}

var bboltBucket = []byte("log")

type bboltStore struct {
	db    *bbolt.DB
	many  bool // appends share transactions
	first int  // transactions before the run
}

func openBbolt(s setting) (store, error) {
	db, err := bbolt.Open(filepath.Join(s.dir, "bbolt"), 0o644, &bbolt.Options{
		Timeout: time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 30,
	})
	if err != nil {
		return nil, err
	}
	db.MaxBatchSize, db.MaxBatchDelay = s.writers, time.Millisecond
	b := &bboltStore{db: db, many: s.writers > 1 && s.batch == 1}
	err = db.Update(func(tx *bbolt.Tx) error {
		b.first = tx.ID()
		_, err := tx.CreateBucketIfNotExists(bboltBucket)
		return err
	})
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return b, nil
}

func (b *bboltStore) writer() (func([][]byte) error, error) {
	commit := b.db.Update
	if b.many {
		commit = b.db.Batch
	}
	return func(records [][]byte) error {
		return commit(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket(bboltBucket)
			bucket.FillPercent = 0.9
			for _, r := range records {
				n, err := bucket.NextSequence()
				if err != nil {
					return err
				}
				if err := bucket.Put(binary.BigEndian.AppendUint64(nil, n), r); err != nil {
					return err
				}
			}
			return nil
		})
	}, nil
}

func (b *bboltStore) read(visit func([]byte) error) error {
	return b.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bboltBucket).ForEach(func(_, record []byte) error { return visit(record) })
	})
}

// syncs counts two for each transaction that was committed. Those of a growing file are not counted.
func (b *bboltStore) syncs() int64 {
	n := int64(-1)
	_ = b.db.View(func(tx *bbolt.Tx) error { // fails only when closed
		n = 2 * int64(tx.ID()-b.first)
		return nil
	})
	return n
}

func (b *bboltStore) close() error { return b.db.Close() }
