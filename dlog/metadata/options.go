package metadata

import (
	"errors"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// Options configure a DB. The zero value of every field but Dir is a good choice.
type Options struct {
	// FS is the file system. Default: disk.OS. On it Pebble works with its own access to files, on any other through an
	// adapter.
	FS disk.FS
	// Dir is the folder of the DB, which must hold nothing else. It is made if it is missing.
	Dir string
	// ReadOnly opens a DB as it is, for Check to say what is wrong with it: rows may be missing or corrupt, where Open would
	// else return ErrCorrupt. Nothing is written, and the folder must exist.
	ReadOnly bool
	// Reserve is how many bytes on the disk are kept free for Pebble, so that it can finish what it has begun when there is
	// no other room: transactions fail with ErrFull from then on. Default: 16 MiB. Negative: none, then a full disk stops
	// the DB.
	Reserve int64
	// Now is the clock: tombstones have its time. Default: time.Now.
	Now func() time.Time
	// Hooks are told what happens.
	Hooks Hooks
}

// Hooks are functions that a DB calls, those that are not nil. They must be quick and must not call the DB. They run on
// any goroutine, several at a time.
type Hooks struct {
	// Said is called with each line that Pebble would log.
	Said func(line string)
	// Failed is called once, when the DB has stopped, with the ErrStopped that Update returns from then on. That may have
	// been behind the back of all calls.
	Failed func(error)
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = disk.OS{}
	}
	if o.Reserve == 0 {
		o.Reserve = 16 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Validate returns what is wrong with the options.
func (o Options) Validate() error {
	if o.Dir == "" {
		return errors.New("metadata: Dir is empty")
	}
	return nil
}
