package metadata

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// model is what a DB must hold.
type model struct {
	logs     map[uint64]Log
	segments map[[2]uint64]Segment
	users    map[string]Subscription
	ids      uint64 // highest given out in a transaction that was committed
	files    uint64
}

func newModel() *model {
	return &model{logs: map[uint64]Log{}, segments: map[[2]uint64]Segment{}, users: map[string]Subscription{}}
}

func (m *model) clone() *model {
	return &model{maps.Clone(m.logs), maps.Clone(m.segments), maps.Clone(m.users), m.ids, m.files}
}

// transact changes the model and the transaction in the same random way.
func (m *model) transact(tx *Tx, rng *rand.Rand) error {
	for range 1 + rng.IntN(4) {
		if err := m.step(tx, rng); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) step(tx *Tx, rng *rand.Rand) error {
	ids := slices.Sorted(maps.Keys(m.logs))
	if len(ids) == 0 || rng.IntN(4) == 0 {
		l := Log{ID: tx.NextID(), Name: fmt.Sprint("log ", rng.Uint64()), Created: rng.Int64(), First: 0, Codec: uint8(rng.IntN(3))}
		if l.ID <= m.ids {
			return fmt.Errorf("number %d was given out again, %d were before", l.ID, m.ids)
		}
		m.ids, m.logs[l.ID] = l.ID, l
		return tx.PutLog(l)
	}
	id := ids[rng.IntN(len(ids))]
	switch rng.IntN(8) {
	case 0:
		delete(m.logs, id)
		maps.DeleteFunc(m.segments, func(k [2]uint64, _ Segment) bool { return k[0] == id })
		maps.DeleteFunc(m.users, func(_ string, u Subscription) bool { return u.Log == id })
		return tx.DeleteLog(id)
	case 1:
		l := m.logs[id]
		l.Name = fmt.Sprint("renamed ", rng.Uint64())
		m.logs[id] = l
		return tx.Rename(id, l.Name)
	case 2, 3:
		u := Subscription{Log: id, Name: fmt.Sprint("reader ", rng.IntN(3)), Offset: rng.Uint64()}
		m.users[fmt.Sprint(id, u.Name)] = u
		return tx.PutSubscription(u)
	}
	return m.grow(tx, id, rng)
}

// grow adds a segment to a log, or makes the last one longer.
func (m *model) grow(tx *Tx, id uint64, rng *rand.Rand) error {
	var last Segment
	for _, s := range m.segments {
		if s.Log == id && s.File > last.File {
			last = s
		}
	}
	if last.File == 0 || rng.IntN(3) == 0 {
		file := tx.NextFile()
		if file <= m.files {
			return fmt.Errorf("file number %d was given out again, %d were before", file, m.files)
		}
		m.files = file
		last = Segment{Log: id, File: file, Owner: id, OwnerFirst: last.Next, First: last.Next, Next: last.Next}
	}
	last.Next += rng.Uint64N(1000)
	last.Bytes += rng.Int64N(1000)
	m.segments[[2]uint64{id, last.File}] = last
	return tx.PutSegment(last)
}

// read returns what a DB holds, and an error if that is inconsistent.
func readAll(d *DB) (*model, error) {
	m := newModel()
	err := errors.Join(
		d.Check(func(p Problem) error { return p.Err }),
		d.Logs(func(l Log) error {
			m.logs[l.ID] = l
			found, ok, err := d.Log(l.Name)
			if err == nil && (!ok || found != l) {
				err = fmt.Errorf("by its name: %+v, %v, want %+v", found, ok, l)
			}
			return errors.Join(err,
				d.Segments(l.ID, func(s Segment) error {
					m.segments[[2]uint64{l.ID, s.File}] = s
					return nil
				}),
				d.Subscriptions(l.ID, func(u Subscription) error {
					m.users[fmt.Sprint(l.ID, u.Name)] = u
					return nil
				}))
		}),
	)
	return m, err
}

// same says whether two models have the same rows.
func (m *model) same(other *model) bool {
	return reflect.DeepEqual(m.logs, other.logs) && reflect.DeepEqual(m.segments, other.segments) && reflect.DeepEqual(m.users, other.users)
}

// forgetful leaves out a sync.
type forgetful struct {
	disk.FS

	folders, files bool
}

func (f forgetful) SyncDir(dir string) error {
	if f.folders {
		return nil
	}
	return f.FS.SyncDir(dir)
}

func (f forgetful) Create(name string) (disk.File, error) {
	file, err := f.FS.Create(name)
	if err == nil && f.files {
		file = forgetfulFile{file}
	}
	return file, err
}

type forgetfulFile struct{ disk.File }

func (forgetfulFile) SyncData() error { return nil }
