package metadata

import "time"

// Log is a log.
type Log struct {
	ID       uint64    // from NextID; 1 or more
	Name     string    // unique among the logs; see CheckName
	Created  int64     // ns since 1970
	Epoch    uint64    // of its last writer
	First    uint64    // offset of the first record that is kept: all before it were truncated
	Sealed   bool      // takes no more records
	Retain   Retention // what to keep
	Codec    uint8     // for new batches
	Parent   uint64    // ID of the log that it was forked from, 0 for none
	ForkedAt uint64    // offset up to which it shares the records of its parent
}

// Retention says which records are kept. Zero stands for no bound.
type Retention struct {
	Age   time.Duration
	Bytes int64
}

// Segment is a file, or a part of one, as one log sees it.
type Segment struct {
	Log        uint64 // whose row this is
	File       uint64 // number of the file, from NextFile; 1 or more
	Owner      uint64 // ID of the log in the file's header: another one when the file came by a fork
	OwnerFirst uint64 // first offset in the file's header
	First      uint64 // offset of the first record that the log sees of it
	Next       uint64 // offset behind the last one that is durable
	Bytes      int64  // durable length
	TxID       int64  // of the last batch before Next
	Time       int64  // of the last batch before Next, ns since 1970
	FirstTxID  int64  // of the first batch
	FirstTime  int64  // of the first batch, ns since 1970
	Sealed     bool   // has its index and footer
	Created    int64  // ns since 1970
}

// Subscription is how far a named reader of a log has come.
type Subscription struct {
	Log     uint64
	Name    string // see CheckName
	Offset  uint64 // of the next record that it wants
	Updated int64  // ns since 1970
}
