package metadata

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Tx is a transaction: what it is told to change happens when the function that was given to Update returns nil.
type Tx struct {
	db    *DB
	batch *pebble.Batch // indexed: reads see what it changes
	state state
}

// Update runs a function and then commits what that has changed, in one atomic step that a power failure does not
// undo. An error of the function is returned as it is, and nothing is changed. ErrStopped says that the commit has
// failed: what it held may or may not be found when the DB is opened again, as a whole.
//
// ErrFull and ErrUnwritable say that nothing was changed, as there is no room for Pebble to work in. What is left is kept
// for Free.
//
// The function must not call Update. Numbers that NextID and NextFile have given it are not given out again before the
// DB is closed, even if the transaction fails.
func (d *DB) Update(change func(*Tx) error) error { return d.transact(change, wholeReserve) }

// Free is Update for a transaction after which there is more room on the disk. It goes on a little when Update does not
// any more.
func (d *DB) Free(change func(*Tx) error) error { return d.transact(change, halfReserve) }

// transact is Update that wants a part of the reserve to be there.
func (d *DB) transact(change func(*Tx) error, part int64) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	d.update.Lock()
	defer d.update.Unlock()
	if err := d.listener.failure(); err != nil {
		return err
	}
	if d.options.ReadOnly {
		return ErrReadOnly
	}
	if err := d.listener.reserve.ready(part); err != nil {
		return err
	}
	tx := &Tx{db: d, batch: d.pebble.NewIndexedBatch(), state: d.state}
	err := change(tx)
	changed := !tx.batch.Empty() || tx.state != d.state
	d.state.lastID, d.state.lastFile = tx.state.lastID, tx.state.lastFile
	if err == nil && changed {
		err = tx.commit()
	}
	return errors.Join(err, tx.batch.Close())
}

// commit adds the counters, applies the batch, and notes that it has.
func (tx *Tx) commit() error {
	tx.state.commits++
	k := key(kindState)
	err := tx.batch.Set(k, tx.state.row(k), nil)
	if err == nil {
		err = guard(func() error { return tx.batch.Commit(pebble.Sync) })
	}
	if err == nil {
		err = tx.db.listener.failure() // before it is noted: Pebble may have written to memory
	}
	if err == nil {
		err = tx.db.seen.note(tx.state.commits)
	}
	switch stopped := tx.db.listener.failure(); {
	case stopped != nil:
		return stopped
	case err != nil:
		return tx.db.listener.stop(&stoppedError{text: err.Error(), causes: []error{ErrStopped, classify(err)}})
	}
	tx.db.state = tx.state
	return nil
}

// NextID gives out the number of a new log.
func (tx *Tx) NextID() uint64 {
	tx.state.lastID++
	return tx.state.lastID
}

// NextFile gives out the number of a new file.
func (tx *Tx) NextFile() uint64 {
	tx.state.lastFile++
	return tx.state.lastFile
}

// PutLog adds a log, or changes the one of this number, its name included. ErrExists says that another log has the name,
// ErrDeleted that the number was that of a log that is gone, ErrRow that NextID has not given it out.
func (tx *Tx) PutLog(l Log) error {
	if err := CheckName(l.Name); err != nil {
		return err
	}
	if l.ID == 0 || l.ID > tx.state.lastID {
		return fmt.Errorf("%w: log %d: the number was not given out", ErrRow, l.ID)
	}
	old, changes, err := tx.db.logByID(tx.batch, l.ID)
	if err != nil {
		return err
	}
	if !changes {
		switch _, gone, err := tx.db.deleted(tx.batch, l.ID); {
		case err != nil:
			return err
		case gone:
			return fmt.Errorf("%w: %d", ErrDeleted, l.ID)
		}
	}
	if !changes || old.Name != l.Name {
		if err := tx.takeName(l); err != nil {
			return err
		}
	}
	if changes && old.Name != l.Name {
		if err := tx.delete(nameKey(old.Name)); err != nil {
			return err
		}
	}
	k := key(kindLog, l.ID)
	return tx.set(k, l.row(k))
}

// takeName writes the row of a name.
func (tx *Tx) takeName(l Log) error {
	switch other, taken, err := tx.db.named(tx.batch, l.Name); {
	case err != nil:
		return err
	case taken:
		return fmt.Errorf("%w: %q is log %d", ErrExists, l.Name, other)
	}
	k := nameKey(l.Name)
	return tx.set(k, numberRow(k, l.ID))
}

// Rename gives a log another name. ErrNotFound says that there is no such log, ErrExists that another one has the name.
func (tx *Tx) Rename(id uint64, name string) error {
	l, err := tx.mustFind(id)
	if err != nil {
		return err
	}
	l.Name = name
	return tx.PutLog(l)
}

func (tx *Tx) mustFind(id uint64) (Log, error) {
	l, ok, err := tx.db.logByID(tx.batch, id)
	if err == nil && !ok {
		err = fmt.Errorf("%w: %d", ErrNotFound, id)
	}
	return l, err
}

// DeleteLog deletes a log with its name, segments and subscriptions. A tombstone with the time stays, so that the number
// is never used again. ErrNotFound says that there is no such log.
func (tx *Tx) DeleteLog(id uint64) error {
	l, err := tx.mustFind(id)
	if err != nil {
		return err
	}
	segments, err := tx.db.segments(tx.batch, id)
	if err != nil {
		return err
	}
	for _, s := range segments {
		if err := tx.DeleteSegment(id, s.File); err != nil {
			return err
		}
	}
	var keys [][]byte
	err = tx.db.scan(tx.batch, key(kindSubscription, id), func(k, _ []byte) error {
		keys = append(keys, append([]byte{}, k...))
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range append(keys, nameKey(l.Name), key(kindLog, id)) {
		if err := tx.delete(k); err != nil {
			return err
		}
	}
	k := key(kindTombstone, id)
	return tx.set(k, numberRow(k, uint64(tx.db.options.Now().UnixNano())))
}

// PutSegment adds a segment to a log, or changes the one of this file. ErrNotFound says that there is no such log, ErrRow
// that NextFile has not given the number out, or that Next is before First.
func (tx *Tx) PutSegment(s Segment) error {
	switch {
	case s.File == 0 || s.File > tx.state.lastFile:
		return fmt.Errorf("%w: file %d: the number was not given out", ErrRow, s.File)
	case s.Next < s.First || s.First < s.OwnerFirst || s.Bytes < 0:
		return fmt.Errorf("%w: file %d has offsets %d to %d, from %d on, in %d bytes", ErrRow, s.File, s.First, s.Next, s.OwnerFirst, s.Bytes)
	}
	if _, err := tx.mustFind(s.Log); err != nil {
		return err
	}
	use := key(kindFile, s.File, s.Log)
	if err := tx.set(use, seal(use, nil)); err != nil {
		return err
	}
	k := key(kindSegment, s.Log, s.File)
	return tx.set(k, s.row(k))
}

// DeleteSegment takes a file from a log. One that it does not have is no error.
func (tx *Tx) DeleteSegment(log, file uint64) error {
	if err := tx.delete(key(kindFile, file, log)); err != nil {
		return err
	}
	return tx.delete(key(kindSegment, log, file))
}

// PutSubscription adds a subscription, or changes the one of this name. ErrNotFound says that there is no such log.
func (tx *Tx) PutSubscription(s Subscription) error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if _, err := tx.mustFind(s.Log); err != nil {
		return err
	}
	k := subscriptionKey(s.Log, s.Name)
	return tx.set(k, s.row(k))
}

// DeleteSubscription deletes a subscription. One that is not there is no error.
func (tx *Tx) DeleteSubscription(log uint64, name string) error {
	return tx.delete(subscriptionKey(log, name))
}

// set writes a row.
func (tx *Tx) set(k, row []byte) error {
	if _, err := tx.take(k); err != nil {
		return err
	}
	tx.state.content.add(k, row)
	return classify(tx.batch.Set(k, row, nil))
}

// delete deletes a row if there is one.
func (tx *Tx) delete(k []byte) error {
	exists, err := tx.take(k)
	if err != nil || !exists {
		return err
	}
	return classify(tx.batch.Delete(k, nil))
}

// take takes a row out of the sum of all, if there is one.
func (tx *Tx) take(k []byte) (exists bool, err error) {
	return tx.db.get(tx.batch, k, func(row []byte) error {
		tx.state.content.remove(k, row)
		return nil
	})
}
