package metadata

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// DB is an open metadata store.
type DB struct {
	options  Options
	pebble   *pebble.DB
	lock     *pebble.Lock
	lost     error // what Open has found of which Check is to tell
	listener *listener

	update sync.Mutex // held by the transaction that runs
	state  state      // of the last one, and what has been given out since; under update
	seen   seen       // under update; of a DB that is read only there is none

	mu struct {
		sync.Mutex
		idle   *sync.Cond // calls has become 0
		calls  int        // that are running
		closed bool
	}
}

// Open opens the DB in a folder, or makes it. It reads all rows first, and writes nothing before it has found them sound.
// ErrLocked, ErrCorrupt and ErrFull tell faults apart.
func Open(o Options) (*DB, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if !o.ReadOnly {
		if err := o.FS.MkdirAll(o.Dir); err != nil {
			return nil, err
		}
	}
	d := &DB{options: o, listener: &listener{hooks: o.Hooks, reserve: &reserve{fs: o.FS, dir: o.Dir}}}
	d.mu.idle = sync.NewCond(&d.mu)
	var err error
	if d.lock, err = lockFolder(o); err != nil {
		return nil, err
	}
	if err := d.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", o.Dir, err), d.listener.reserve.close(), d.lock.Close())
	}
	return d, nil
}

// open opens the DB when it has its lock.
func (d *DB) open() error {
	o := d.options
	noted, exists, err := readSeen(o.FS, o.Dir)
	if o.ReadOnly {
		return d.openReadOnly(noted, err)
	}
	if err != nil {
		return err
	}
	sound, err := verify(o, d.listener, d.lock, exists)
	if err == nil {
		err = sound.compareSeen(noted)
	}
	if err == nil {
		err = d.openRows(exists, false)
	}
	if err != nil {
		return err
	}
	if d.state != sound {
		err = fmt.Errorf("%w: the counters are %+v, and were %+v a moment ago", ErrCorrupt, d.state, sound)
	} else {
		d.seen, err = openSeen(o.FS, o.Dir, sound.commits, noted, exists)
		err = classify(err)
	}
	if err != nil {
		return errors.Join(err, guard(d.pebble.Close))
	}
	return nil
}

// openReadOnly opens what there is, and keeps for Check what is wrong with it.
func (d *DB) openReadOnly(noted uint64, err error) error {
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	d.lost = err
	if err := d.openRows(true, true); err != nil {
		return err
	}
	if d.lost == nil {
		d.lost = d.state.compareSeen(noted)
	}
	return nil
}

// openRows opens Pebble and reads the counters.
func (d *DB) openRows(exists, frozen bool) (err error) {
	if !frozen {
		if err := d.listener.reserve.open(d.options.Reserve); err != nil {
			return err
		}
	}
	if d.pebble, err = openPebble(d.options, d.listener, d.lock, exists, frozen); err != nil {
		return err
	}
	d.state, err = d.readState()
	if err == nil || d.options.ReadOnly && errors.Is(err, ErrCorrupt) {
		return nil
	}
	return errors.Join(err, guard(d.pebble.Close))
}

func (d *DB) closePebble() error {
	return classify(errors.Join(guard(d.pebble.Close), d.listener.reserve.close(), d.lock.Close()))
}

func (d *DB) readState() (s state, err error) {
	k := key(kindState)
	_, err = d.get(d.pebble, k, func(row []byte) error {
		s, err = parseState(k, row)
		return err
	})
	return s, err
}

// Close waits for the calls that run and closes the DB. Later calls return ErrClosed. When the DB has stopped, the
// error that stopped it may be returned once more; it is closed all the same.
func (d *DB) Close() error {
	d.mu.Lock()
	if d.mu.closed {
		d.mu.Unlock()
		return ErrClosed
	}
	d.mu.closed = true
	for d.mu.calls > 0 {
		d.mu.idle.Wait()
	}
	d.mu.Unlock()
	var err error
	if !d.options.ReadOnly {
		err = d.seen.file.Close()
	}
	return errors.Join(err, d.closePebble())
}

// enter begins a call. It is to be followed by leave unless it returns an error.
func (d *DB) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.closed {
		return ErrClosed
	}
	d.mu.calls++
	return nil
}

func (d *DB) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.calls--; d.mu.calls == 0 {
		d.mu.idle.Broadcast()
	}
}

// reading runs a call that reads.
func (d *DB) reading(call func() error) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	return call()
}

// get calls a function with the row of a key, which it borrows, if there is one.
func (d *DB) get(from pebble.Reader, k []byte, found func(row []byte) error) (ok bool, err error) {
	row, closer, err := from.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, classify(err)
	}
	err = found(row)
	return err == nil, errors.Join(err, closer.Close())
}

// scan calls a function with all rows whose keys begin with a prefix, in their order. It borrows key and row.
func (d *DB) scan(from pebble.Reader, prefix []byte, visit func(k, row []byte) error) error {
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: behind(prefix)})
	if err != nil {
		return classify(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err := visit(it.Key(), it.Value()); err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return classify(it.Close()) // has what First and Next have met
}

// Logs calls a function with all logs, in the order of their IDs, until it returns an error. It may call the DB.
func (d *DB) Logs(visit func(Log) error) error {
	return d.reading(func() error {
		return d.scan(d.pebble, key(kindLog), func(k, row []byte) error {
			l, err := parseLog(k, row)
			if err != nil {
				return err
			}
			return visit(l)
		})
	})
}

// Log returns the log of a name, if there is one.
func (d *DB) Log(name string) (l Log, ok bool, err error) {
	err = d.reading(func() error {
		snapshot := d.pebble.NewSnapshot() // the two rows must be of one moment
		id, found, err := d.named(snapshot, name)
		if err == nil && found {
			if l, ok, err = d.logByID(snapshot, id); err == nil && (!ok || l.Name != name) {
				err = corruptRow(nameKey(name), errNoLog)
			}
		}
		return errors.Join(err, snapshot.Close())
	})
	return l, ok && err == nil, err
}

// LogByID returns the log of a number, if there is one.
func (d *DB) LogByID(id uint64) (l Log, ok bool, err error) {
	err = d.reading(func() error {
		l, ok, err = d.logByID(d.pebble, id)
		return err
	})
	return l, ok, err
}

// Deleted says whether there was a log of that number that was deleted, and when, in ns since 1970.
func (d *DB) Deleted(id uint64) (at int64, ok bool, err error) {
	err = d.reading(func() error {
		at, ok, err = d.deleted(d.pebble, id)
		return err
	})
	return at, ok, err
}

// Segments calls a function with all segments of a log, in the order of First, until it returns an error.
func (d *DB) Segments(log uint64, visit func(Segment) error) error {
	return d.reading(func() error {
		all, err := d.segments(d.pebble, log)
		if err != nil {
			return err
		}
		for _, s := range all {
			if err := visit(s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *DB) segments(from pebble.Reader, log uint64) (all []Segment, err error) {
	err = d.scan(from, key(kindSegment, log), func(k, row []byte) error {
		s, err := parseSegment(k, row)
		all = append(all, s)
		return err
	})
	slices.SortFunc(all, bySight)
	return all, err
}

// Subscriptions calls a function with all subscriptions to a log, in the order of their names, until it returns an
// error.
func (d *DB) Subscriptions(log uint64, visit func(Subscription) error) error {
	return d.reading(func() error {
		return d.scan(d.pebble, key(kindSubscription, log), func(k, row []byte) error {
			s, err := parseSubscription(k, row)
			if err != nil {
				return err
			}
			return visit(s)
		})
	})
}

// Subscription returns a subscription to a log, if there is one of that name.
func (d *DB) Subscription(log uint64, name string) (s Subscription, ok bool, err error) {
	err = d.reading(func() error {
		k := subscriptionKey(log, name)
		ok, err = d.get(d.pebble, k, func(row []byte) error {
			s, err = parseSubscription(k, row)
			return err
		})
		return err
	})
	return s, ok, err
}

// FileUsers returns how many logs use a file. When none does it may be removed.
func (d *DB) FileUsers(file uint64) (n int, err error) {
	err = d.reading(func() error {
		return d.scan(d.pebble, key(kindFile, file), func(k, row []byte) error {
			n++
			_, err := unseal(k, row, 0, false)
			return err
		})
	})
	return n, err
}
