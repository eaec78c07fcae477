package dlog

import (
	"errors"
	"fmt"
	"time"

	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/journal"
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/pace"
)

// Options configure a store. The zero value of every field is a good choice.
type Options struct {
	// FS is the file system. Default: disk.OS.
	FS disk.FS
	// JournalFile is the size of a file of the journal in bytes, MaxBatch how much of it may wait to be written, which
	// also bounds a batch; see journal.Options for ranges and defaults.
	JournalFile, MaxBatch int
	// WindowBytes bounds the memory for what was appended last, of all logs: 16 KiB or more. Default: 64 MiB. Readers at
	// the tail are served from it; appenders wait when it holds only what is in no segment file.
	WindowBytes int64
	// SegmentBytes is when a log goes on in another segment file: 4 KiB or more. Default: 256 MiB. A file can be larger by
	// what is written to it at once. SegmentAge is the same in time since the file was made. Default: never.
	SegmentBytes int64
	SegmentAge   time.Duration
	// CheckpointBytes is how many bytes are appended between two checkpoints: 4 KiB or more. Default: 256 MiB. It bounds
	// the journal, and with it the time that Open takes after a crash.
	CheckpointBytes int64
	// RetentionEvery is how often the logs are searched for what they need not keep, beside after checkpoints. Default: 1
	// minute. Negative: only after checkpoints.
	RetentionEvery time.Duration
	// ScrubEvery is how often all segment files are read and verified in the background, at no more than 32 MiB/s and no
	// faster than readers may read. Default: never, as it reads the whole disk; see Store.Scrub.
	ScrubEvery time.Duration
	// KeepForSubscriptions makes retention spare what a subscription of the log has not passed. Default: it does not.
	KeepForSubscriptions bool
	// MaxFiles bounds how many segment files are open for reading, and as many for writing, while nobody uses them: 1 or
	// more. Default: 256.
	MaxFiles int
	// Pace bounds how fast readers read from files while something is appended; see pace.Options.
	Pace pace.Options
	// Salvage makes Open go on where the journal is damaged; see journal.Options.
	Salvage bool
	// Hooks are told what happens.
	Hooks Hooks
}

// Hooks are functions that a store calls, those that are not nil. They must be quick and must not call the store. They
// run on goroutines of the store.
type Hooks struct {
	// Failed is called when something has failed behind the back of all calls, or has failed for batches whose writer was
	// told of an earlier level already.
	Failed func(error)
	// Damaged is called for all damage that a scrub has found.
	Damaged func(*CorruptError)
	// Checkpoint is called after every checkpoint with how many segment files were synced for it and how long it took.
	Checkpoint func(files int, took time.Duration)
	// Retired is called for every segment file that was removed.
	Retired func(file uint64)
	// Journal are the hooks of the journal; Told is the store's own.
	Journal journal.Hooks
}

// LogOptions configure a log.
type LogOptions struct {
	Retain Retention   // what is kept. Default: all
	Codec  codec.Codec // how new batches are compressed. Default: not at all
}

// Retention says which records are kept. Zero stands for no bound.
type Retention = metadata.Retention

// Bounds of Options.
const (
	minWindow  = 16 << 10
	minSegment = 4 << 10
)

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = disk.OS{}
	}
	setDefault(&o.WindowBytes, 64<<20)
	setDefault(&o.SegmentBytes, 256<<20)
	setDefault(&o.CheckpointBytes, 256<<20)
	setDefault(&o.RetentionEvery, time.Minute)
	setDefault(&o.MaxFiles, 256)
	return o
}

// spares is how many files of the journal a checkpoint releases at a time.
func (o Options) spares() int {
	size := int64(o.JournalFile)
	setDefault(&size, 64<<20)
	return int(min(o.CheckpointBytes/size, 14)) + 2 // with what gathers meanwhile, and the file that a checkpoint ends in
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// Validate returns all that is wrong with the options.
func (o Options) Validate() error {
	o = o.withDefaults()
	var errs []error
	for _, bound := range []struct {
		name     string
		have, at int64
	}{
		{"WindowBytes", o.WindowBytes, minWindow},
		{"SegmentBytes", o.SegmentBytes, minSegment},
		{"SegmentAge", int64(o.SegmentAge), 0},
		{"CheckpointBytes", o.CheckpointBytes, minSegment},
		{"ScrubEvery", int64(o.ScrubEvery), 0},
		{"MaxFiles", int64(o.MaxFiles), 1},
	} {
		if bound.have < bound.at {
			errs = append(errs, fmt.Errorf("dlog: %s is %d, want %d or more", bound.name, bound.have, bound.at))
		}
	}
	return errors.Join(append(errs, o.Pace.Validate())...)
}
