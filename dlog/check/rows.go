package check

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ardea-stream/ardea/dlog/journal"
	"github.com/ardea-stream/ardea/dlog/metadata"
)

// What package dlog keeps in the database for itself: a log that has the files that are to be removed, and a subscription
// of it to note from where on the journal is needed.
const (
	trashName = "ardea: removed files"
	noteName  = "journal"
)

// rows checks the database, and takes from it what must be in the other files.
func (c *checker) rows(ctx context.Context) error {
	c.names, c.ends, c.needed = map[uint64]string{}, map[uint64]uint64{}, map[uint64]metadata.Segment{}
	here, err := c.count(rowsFolder)
	if err != nil {
		return err
	}
	elsewhere, err := c.count(journalFolder, segmentsFolder)
	if err != nil {
		return err
	}
	if here == 0 {
		if elsewhere > 0 {
			c.problem("the database is gone: %s has no files", rowsFolder)
		}
		return nil
	}
	c.db, err = metadata.Open(metadata.Options{FS: c.fs, Dir: filepath.Join(c.dir, rowsFolder), ReadOnly: true})
	if err != nil {
		c.db = nil
		if !errors.Is(err, metadata.ErrCorrupt) && !isLost(err) {
			return err
		}
		if elsewhere > 0 || isLost(err) { // else it was still being made
			c.problem("the database cannot be opened: %v", err)
		}
	}
	if err := c.rowFiles(ctx); err != nil {
		return err
	}
	if c.db == nil {
		return nil
	}
	if err := c.db.Check(func(p metadata.Problem) error {
		c.problem("%v", p.Err)
		return ctx.Err()
	}); err != nil {
		return c.rowsFailed(err)
	}
	if err := c.db.Logs(c.log); err != nil {
		return c.rowsFailed(err)
	}
	return nil
}

// rowsFailed takes an error of reading rows, of which Check has told if it is damage.
func (c *checker) rowsFailed(err error) error {
	if !errors.Is(err, metadata.ErrCorrupt) && !isLost(err) {
		return err
	}
	if len(c.report.Problems) == 0 {
		c.problem("%v", err)
	}
	return nil
}

// count returns how many files some folders have, beside locks.
func (c *checker) count(folders ...string) (n int, err error) {
	for _, folder := range folders {
		infos, err := c.list(folder)
		if err != nil {
			return 0, err
		}
		for _, i := range infos {
			if i.Name != "LOCK" {
				n++
			}
		}
	}
	return n, nil
}

// log takes what must be there of a log.
func (c *checker) log(l metadata.Log) error {
	c.names[l.ID] = l.Name
	next := l.First
	if l.Name == trashName {
		c.trash = l.ID
		note, _, err := c.db.Subscription(l.ID, noteName)
		if err != nil {
			return err
		}
		c.noted = journal.Position(note.Offset)
	} else {
		c.report.Totals.Logs++
	}
	err := c.db.Segments(l.ID, func(row metadata.Segment) error {
		if had, is := c.needed[row.File]; !is || row.Bytes > had.Bytes {
			c.needed[row.File] = row
		}
		next = row.Next
		return nil
	})
	c.ends[l.ID] = next
	return err
}

// rowFiles explains the files of the database.
func (c *checker) rowFiles(ctx context.Context) error {
	err := metadata.CheckFiles(c.fs, filepath.Join(c.dir, rowsFolder), c.db, func(m metadata.File, r metadata.FileRange) error {
		f := c.file(rowsFolder, m.Name, Database, m.Size)
		switch {
		case m.Kind == "lock":
			f.Kind = Lock
		case m.Kind == "reserve":
			f.Kind, f.State = SpareFile, LeftOver
		case m.Kind == "foreign":
			f.Kind, f.State = ForeignFile, LeftOver
		case m.Kind == "unfinished":
			f.Kind, f.State = Unfinished, LeftOver
		case !m.Used:
			f.State, f.Fault = LeftOver, "no row is in it"
		}
		state := f.State
		switch {
		case f.State == LeftOver || r.Err == nil:
		case r.What == "torn":
			state = LeftOver
		default:
			state, f.State = Damaged, Damaged
		}
		if state == Damaged && r.Err == nil {
			state = Sound // of a file that is damaged elsewhere
		}
		c.tell(f, Range{What: r.What, From: r.From, To: r.To, State: state, Count: r.Count, Reason: text(r.Err)})
		c.progress(r.To - r.From)
		return ctx.Err()
	})
	if isLost(err) {
		c.problem("the database cannot be read: %v", err)
		return nil
	}
	return err
}

// name returns the name of a log, or its number.
func (c *checker) name(log uint64) string {
	if name, ok := c.names[log]; ok {
		return name
	}
	return fmt.Sprintf("number %d", log)
}
