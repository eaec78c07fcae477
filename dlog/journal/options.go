package journal

import (
	"errors"
	"fmt"
	"time"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// Bounds of Options.
const (
	minFileSize = 4 << 10
	maxFileSize = 1 << 30
	minBatch    = 512
)

// Options configure a journal. The zero value of every field but Dir is a good choice.
type Options struct {
	// FS is the file system. Default: disk.OS.
	FS disk.FS
	// Dir is the folder of the journal, which must hold nothing else of the same names. It is made if it is missing.
	Dir string
	// FileSize is the size of a file in bytes: 4 KiB to 1 GiB, a multiple of 512. Default: 64 MiB. Files that are there
	// keep theirs. Small files are released sooner, large ones change less often.
	FileSize int
	// MaxBatch is how many bytes of records, headers included, may wait to be written: 512 to half of FileSize. An entry
	// must fit, and who appends more waits. Default: 4 MiB, or half of FileSize if that is less. It bounds the memory of
	// the journal to twice as much, and what a power failure can tear to once.
	MaxBatch int
	// From is a position that is still needed: what Release was given last, or where an entry before that stands. Open finds
	// damage if there is no file for it. Default: none is.
	From Position
	// Spares is how many released files wait to be recycled: 1 or more. Others are removed, and what replaces them is
	// written full of zeros first. Default: 2. It should be as many as are released at a time.
	Spares int
	// Salvage makes Open go on where it would return a CorruptError: it leaves out what is damaged and reports it in
	// Recovery.Quarantined. Damaged files are never changed, recycled or removed; until they are released, each Open needs
	// this to be set.
	Salvage bool
	// Hooks are told what happens.
	Hooks Hooks
}

// Hooks are functions that a journal calls, those that are not nil. They must be quick and must not call the journal.
type Hooks struct {
	// Batch is called after every sync with the number of entries and bytes that it was for and how long the write and
	// the sync took. The mark that Close writes has no entries. It runs on the writer.
	Batch func(entries, bytes int, write, sync time.Duration)
	// Told is called when all who waited for a batch, or for the part of it in one file, have been told of it, or of its
	// failure. It runs on the writer.
	Told func()
	// File is called when a file has been made ready, with its number and whether it is a recycled one. It runs on the
	// keeper.
	File func(number uint32, recycled bool)
	// Failed is called when a write, a sync or the making of a file has failed. It runs on the writer.
	Failed func(error)
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = disk.OS{}
	}
	if o.FileSize == 0 {
		o.FileSize = 64 << 20
	}
	if o.MaxBatch == 0 {
		o.MaxBatch = min(4<<20, o.FileSize/2)
	}
	if o.Spares == 0 {
		o.Spares = 2
	}
	return o
}

// Validate returns all that is wrong with the options.
func (o Options) Validate() error {
	o = o.withDefaults()
	var errs []error
	if o.Dir == "" {
		errs = append(errs, errors.New("journal: Dir is empty"))
	}
	if o.FileSize < minFileSize || o.FileSize > maxFileSize || o.FileSize%disk.Sector != 0 {
		errs = append(errs, fmt.Errorf("journal: FileSize is %d, want a multiple of %d from %d to %d",
			o.FileSize, disk.Sector, minFileSize, maxFileSize))
	}
	if o.MaxBatch < minBatch || o.MaxBatch > o.FileSize/2 {
		errs = append(errs, fmt.Errorf("journal: MaxBatch is %d, want %d to %d, half of FileSize", o.MaxBatch, minBatch, o.FileSize/2))
	}
	if o.Spares < 1 {
		errs = append(errs, fmt.Errorf("journal: Spares is %d, want 1 or more", o.Spares))
	}
	return errors.Join(errs...)
}
