package check

// State says how it is with a file or a range.
type State string

// The states.
const (
	Sound    State = "sound"
	LeftOver State = "left over" // does not count: of a crash, of an earlier use, of nobody's, or set aside
	Damaged  State = "DAMAGED"
)

// Report is what Store has found.
type Report struct {
	Dir      string   `json:"dir"`
	Store    string   `json:"store,omitempty"` // the store's number, in hexadecimal
	Damaged  bool     `json:"damaged"`
	Problems []string `json:"problems"` // that are of no file alone: of rows, of missing files and records
	Totals   Totals   `json:"totals"`
	Journal  Journal  `json:"journal"`
	Files    []*File  `json:"files"` // by folder and name
}

// Totals are counts over all files.
type Totals struct {
	Logs    int              `json:"logs"`
	Files   int              `json:"files"`
	Bytes   int64            `json:"bytes"`
	States  map[State]int64  `json:"states"` // bytes
	Kinds   map[Kind]int     `json:"kinds"`  // files
	What    map[string]int64 `json:"what"`   // bytes, by Range.What
	Batches uint64           `json:"batches"`
	Records uint64           `json:"records"` // in segment files; records of the journal may be there too
}

// Journal is what the next Open finds in the journal.
type Journal struct {
	Files     int    `json:"files"`
	Entries   int    `json:"entries"`
	Bytes     int64  `json:"bytes"` // of their payloads
	Needed    string `json:"needed,omitempty"`
	End       string `json:"end,omitempty"`
	Clean     bool   `json:"clean"`      // it was closed
	TornBytes int64  `json:"torn_bytes"` // of what was being written when it crashed
}

// Kind is what a file is for.
type Kind string

// The kinds of files.
const (
	Identity     Kind = "identity"
	Lock         Kind = "lock"
	JournalFile  Kind = "journal"
	SpareFile    Kind = "spare"
	Unfinished   Kind = "unfinished"
	SetAside     Kind = "set aside"
	Segment      Kind = "segment"
	Database     Kind = "database"
	Socket       Kind = "socket"
	ForeignFile  Kind = "foreign"
	foreignThing      = "not a regular file"
)

// File is what was found in a file.
type File struct {
	Name    string  `json:"name"` // below the store, with slashes
	Kind    Kind    `json:"kind"`
	Log     string  `json:"log,omitempty"` // that a segment file was made for, by number if nothing else is known
	Bytes   int64   `json:"bytes"`
	Durable int64   `json:"durable,omitempty"` // bytes of a segment file that must be there, by the database
	Batches uint64  `json:"batches,omitempty"` // whole ones, and entries of the journal
	Records uint64  `json:"records,omitempty"` // in them
	Sealed  bool    `json:"sealed,omitempty"`
	State   State   `json:"state"`
	Fault   string  `json:"fault,omitempty"`  // what is wrong with the file as a whole
	Ranges  []Range `json:"ranges,omitempty"` // all its bytes, from front to back
}

// Range is a part of a file that is one thing. Ranges that are alike and stand one behind the other are one, unless
// Options.Each is set.
type Range struct {
	What   string  `json:"what"`
	From   int64   `json:"from"`
	To     int64   `json:"to"`
	State  State   `json:"state"`
	Count  int     `json:"count,omitempty"`  // batches, entries or chunks
	Log    string  `json:"log,omitempty"`    // whose records, if all are of one log
	First  *uint64 `json:"first,omitempty"`  // offset of the first record
	Next   *uint64 `json:"next,omitempty"`   // behind the last one
	TxID   *int64  `json:"txid,omitempty"`   // of the last batch
	Synced string  `json:"synced,omitempty"` // position in the journal up to which all was synced when the last entry was written
	Reason string  `json:"reason,omitempty"` // why it is not sound
}

// join makes one range of two, if they are alike.
func (r *Range) join(next *Range) bool {
	if r.What != next.What || r.State != next.State || r.Reason != next.Reason || r.To != next.From {
		return false
	}
	r.To = next.To
	r.Count += next.Count
	if next.Synced != "" {
		r.Synced = next.Synced
	}
	if r.First == nil && next.First == nil {
		return true
	}
	if r.Log != next.Log || r.Next == nil || next.First == nil || *r.Next != *next.First {
		r.Log, r.First, r.Next, r.TxID = "", nil, nil, nil
		return true
	}
	r.Next, r.TxID = next.Next, next.TxID
	return true
}
