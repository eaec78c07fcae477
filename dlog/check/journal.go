package check

import (
	"context"
	"path/filepath"

	"github.com/ardea-stream/ardea/dlog/journal"
)

// journal explains the files of the journal, and compares its entries with what the database knows.
func (c *checker) journal(ctx context.Context) error {
	infos, err := c.list(journalFolder)
	if err != nil {
		return err
	}
	if infos == nil {
		if c.noted.File() > 0 {
			c.problem("the journal is gone: it is needed from %v on", c.noted)
		}
		return nil
	}
	gaps := entries{c: c, told: map[uint64]bool{}}
	found, err := journal.Check(c.fs, filepath.Join(c.dir, journalFolder), c.noted, func(j journal.File, r journal.Range) error {
		f := c.file(journalFolder, j.Name, journalKind(j.Kind), j.Size)
		c.tell(f, c.journalRange(f, &r))
		c.progress(r.To - r.From)
		if r.What == journal.Data && j.Kind == journal.Journaled {
			f.Batches++
			f.Records += uint64(r.Entry.Count)
			gaps.take(r.Entry)
		}
		return ctx.Err()
	})
	if err != nil && isLost(err) {
		c.problem("the journal cannot be read: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	c.journalDamage(found.Quarantined)
	c.report.Journal = Journal{
		Files: found.Files, Entries: found.Entries, Bytes: found.Bytes, Clean: found.Clean, TornBytes: found.TornBytes,
	}
	if found.End > 0 {
		c.report.Journal.End = found.End.String()
	}
	if c.noted > 0 {
		c.report.Journal.Needed = c.noted.String()
	}
	return nil
}

func journalKind(k journal.Kind) Kind {
	return [...]Kind{
		journal.Journaled: JournalFile, journal.Spare: SpareFile, journal.Unfinished: Unfinished, journal.SetAside: SetAside,
		journal.Lock: Lock, journal.ForeignFile: ForeignFile,
	}[k]
}

// journalRange translates a range.
func (c *checker) journalRange(f *File, r *journal.Range) Range {
	out := Range{What: r.What.String(), From: r.From, To: r.To, State: Sound, Reason: text(r.Err)}
	switch f.Kind {
	case Lock:
	case SpareFile, Unfinished, SetAside, ForeignFile:
		out.State, f.State = LeftOver, LeftOver
	default:
		switch r.What {
		case journal.Corrupt:
			out.State = Damaged
		case journal.Torn, journal.Void, journal.Old, journal.Unexplained:
			out.State = LeftOver
		case journal.Header, journal.Data, journal.Closed, journal.Zero:
		}
		if out.State == Damaged {
			f.State = Damaged
		}
	}
	if r.Entry != nil {
		next := r.Entry.First + uint64(r.Entry.Count)
		out.Count, out.Log, out.First, out.Next, out.TxID = 1, c.name(r.Entry.Log), &r.Entry.First, &next, &r.Entry.TxID
	}
	if r.Entry != nil || r.What == journal.Closed {
		out.Synced = r.Synced.String()
	}
	return out
}

// journalDamage takes the damage that the next Open would refuse: that of files to these, that of missing ones to the
// problems.
func (c *checker) journalDamage(all []journal.Damage) {
	for _, d := range all {
		f := c.files[filepath.ToSlash(filepath.Join(journalFolder, filepath.Base(d.Err.File)))]
		if f == nil {
			c.problem("%v", d.Err)
			continue
		}
		f.State = Damaged
		if f.Fault == "" {
			f.Fault = d.Err.Error()
		}
	}
}

// entries compares the entries of the journal with the database, as the next Open does.
type entries struct {
	c    *checker
	told map[uint64]bool // logs
}

func (e *entries) take(entry *journal.Entry) {
	c := e.c
	if c.db == nil || e.told[entry.Log] {
		return
	}
	end, known := c.ends[entry.Log]
	next := entry.First + uint64(entry.Count)
	switch {
	case !known:
		if _, deleted, err := c.db.Deleted(entry.Log); err != nil || !deleted {
			e.told[entry.Log] = true
			c.problem("the journal has records of log %d, of which the database does not know", entry.Log)
		}
	case next <= end:
	case entry.First > end:
		e.told[entry.Log] = true
		c.problem("records %d to before %d of %s are neither in the journal nor in a file", end, entry.First, c.name(entry.Log))
	case entry.First < end:
		e.told[entry.Log] = true
		c.problem("a batch of %s in the journal, %d to before %d, overlaps the one before it, which ends at %d", c.name(entry.Log), entry.First, next, end)
	default:
		c.ends[entry.Log] = next
	}
}
