package dlog

import (
	"github.com/ardea-stream/ardea/dlog/metadata"
	"github.com/ardea-stream/ardea/dlog/segment"
)

// extent is a segment file, or the part of one that a log sees: a fork shares the files of its parent. Its log's lock
// guards it. What is written changes with the store's files held as well.
type extent struct {
	row    metadata.Segment // as it is in the database
	end    segment.Mark     // behind what was written; readers read no further
	exists bool             // the file was made
	named  bool             // and its name is safe
	opened bool             // it was written to since the store was opened
	ended  bool             // it must not be written to
}

func newExtent(row metadata.Segment) *extent {
	e := &extent{row: row, exists: row.Bytes > 0, named: row.Bytes > 0}
	e.end = segment.Mark{Offset: row.Next, At: row.Bytes, TxID: row.TxID, Time: row.Time}
	if row.Bytes == 0 {
		e.end.At = segment.ID{}.Start().At
	}
	return e
}

// id returns what the file's header says.
func (e *extent) id(store uint64) segment.ID {
	return segment.ID{Store: store, File: e.row.File, Log: e.row.Owner, First: e.row.OwnerFirst, Created: e.row.Created}
}

// unsynced says whether more was written than the database knows to be durable.
func (e *extent) unsynced() bool { return !e.row.Sealed && e.end.Offset > e.row.Next }

// void says whether nothing was ever durable in the file, which is the log's own, and nothing can be written to it.
func (e *extent) void(l *Log) bool {
	return e.ended && e.end.Offset == e.row.First && e.row.Owner == l.id
}

// durable returns the row that says that all that was written up to a mark is durable.
func (e *extent) durable(end segment.Mark) metadata.Segment {
	row := e.row
	row.Next, row.Bytes, row.TxID, row.Time = end.Offset, end.At, end.TxID, end.Time
	return row
}

// active returns the file that the log writes to, nil if there is none. A file that it shares as a fork is not its own.
func (l *Log) active() *extent {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.mu.extents); n > 0 && !l.mu.extents[n-1].row.Sealed && l.mu.extents[n-1].row.Owner == l.id {
		return l.mu.extents[n-1]
	}
	return nil
}

// unwritten appends batches that are durable and in no file, up to some bytes or to where records are missing, at least
// one if there are any.
func (l *Log) unwritten(items []item, most int) []item {
	l.mu.Lock()
	defer l.mu.Unlock()
	upTo, bytes := l.committed.Load(), 0
	for i := l.mu.tail.find(l.mu.flushed); i < l.mu.tail.n; i++ {
		it := l.mu.tail.at(i)
		if it.next > upTo || bytes > 0 && (bytes+len(it.body) > most || it.first != items[len(items)-1].next) {
			break
		}
		items = append(items, *it)
		bytes += len(it.body)
	}
	return items
}

// needsWriting says whether there are any such batches.
func (l *Log) needsWriting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loaded.Load() && !l.mu.gone && l.mu.tail.n > 0 && l.mu.flushed < l.committed.Load()
}

// follows says whether what is to be written next follows what is in a file. It does not where records are missing.
func (l *Log) follows(e *extent) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.mu.tail.find(l.mu.flushed)
	return i == l.mu.tail.n || l.mu.tail.at(i).first == e.end.Offset
}
