package dlog

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"time"

	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/dlog/segment"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/pool"
)

// From is where a reader begins.
type From struct {
	key   segment.Key
	value int64
	end   bool
}

// Places to begin with.
var (
	First = From{value: firstKept} // the first record that is kept
	Last  = From{end: true}        // the end: only what comes
)

const firstKept = -1

// Offset begins with the record of an offset. That of a record that is gone makes the first Next return a
// TruncatedError, one behind the end makes NewReader return a BeyondEndError.
func Offset(n uint64) From { return From{value: int64(min(n, math.MaxInt64))} }

// TxID begins with the first batch whose transaction id is not lower.
func TxID(id int64) From { return From{key: segment.ByTxID, value: id} }

// Time begins with the first batch that was appended at that time or later.
func Time(t time.Time) From { return From{key: segment.ByTime, value: t.UnixNano()} }

// ReadOptions configure a reader. The zero value is a good choice.
type ReadOptions struct {
	// Uncommitted makes the reader see what is appended before it is durable. What it has seen may vanish: then Next
	// returns a BeyondEndError with the offset where the log ends now, and other records follow.
	Uncommitted bool
	// Prefetch is how many bytes are read from a file at once: 4 KiB or more. Default: 256 KiB.
	Prefetch int
	// MaxBatch bounds a batch that was compressed, in bytes of what it was before. Default: 64 MiB.
	MaxBatch int
}

// Reader reads a log from a place on, batch by batch. One goroutine may use it at a time.
type Reader struct {
	log  *Log
	o    ReadOptions
	busy invariants.Busy
	pos  uint64 // offset of the next record
	from From   // batches that do not reach it are left out
	rec  Records
	wait waiter
	src  source
	skip uint64 // offset behind the damage that was reported last
	shut bool
}

// NewReader returns a reader. It must be closed.
func (l *Log) NewReader(from From, o ReadOptions) (*Reader, error) {
	if err := l.load(); err != nil {
		return nil, err
	}
	setDefault(&o.Prefetch, 256<<10)
	setDefault(&o.MaxBatch, 64<<20)
	if o.Prefetch < 4<<10 || o.MaxBatch < 0 || o.MaxBatch > codec.MaxBody {
		return nil, errors.New("dlog: Prefetch must be 4 KiB or more, MaxBatch 0 to 256 MiB")
	}
	r := &Reader{log: l, o: o, from: from, wait: newWaiter()}
	if err := r.begin(); err != nil {
		r.src.close()
		return nil, err
	}
	return r, nil
}

// begin finds the first position.
func (r *Reader) begin() error {
	l := r.log
	l.mu.Lock()
	first, visible := l.mu.meta.First, r.visible()
	end := max(l.end.Load(), l.committed.Load())
	l.mu.Unlock()
	switch {
	case r.from.end:
		r.pos = visible
	case r.from.key == segment.ByOffset && r.from.value == firstKept:
		r.pos = first
	case r.from.key == segment.ByOffset:
		if r.pos = uint64(r.from.value); r.pos > end {
			return &BeyondEndError{End: end}
		}
	default:
		return r.seek()
	}
	return nil
}

// visible returns the offset behind what the reader may see.
func (r *Reader) visible() uint64 {
	n := r.log.committed.Load()
	if r.o.Uncommitted {
		n = max(n, r.log.end.Load())
	}
	return n
}

// Position returns the offset of the next record.
func (r *Reader) Position() uint64 { return r.pos }

// Lag returns how far the reader is behind: how many records it could read now, and how long ago those were appended that
// it has read last, 0 if there are no others or it has read none yet.
func (r *Reader) Lag() (records uint64, behind time.Duration) {
	if visible := r.visible(); visible > r.pos {
		records = visible - r.pos
	}
	if records > 0 && r.rec.Count > 0 {
		behind = max(time.Since(time.Unix(0, r.rec.Time)), 0)
	}
	return records, behind
}

// Log returns the log that is read.
func (r *Reader) Log() *Log { return r.log }

// Next returns the next records, and waits for some at the end of the log. The records are borrowed until the next call.
// It fails with io.EOF behind the last record of a sealed log, a TruncatedError, a CorruptError, ErrDeleted, ErrClosed,
// or the error of the context. Called again after any of these, it tries again.
func (r *Reader) Next(ctx context.Context) (*Records, error) {
	for {
		rec, err := r.TryNext(ctx)
		if !errors.Is(err, ErrEnd) {
			return rec, err
		}
		if r.queue() {
			continue
		}
		select {
		case <-r.wait.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// queue makes the reader one of those who are woken, and says whether there is more already.
func (r *Reader) queue() bool {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	to := &l.mu.durable
	if r.o.Uncommitted {
		to = &l.mu.written
	}
	to.add(&r.wait)
	return r.pos != r.visible() || l.mu.meta.Sealed || l.mu.gone || l.store.closedErr() != nil
}

// TryNext is Next that does not wait for records: at the end of what there is so far it fails with ErrEnd. What it reads
// from a file it may have to wait for.
func (r *Reader) TryNext(ctx context.Context) (*Records, error) {
	r.busy.Enter("dlog.Reader")
	defer r.busy.Leave("dlog.Reader")
	release(&r.rec.buf)
	for {
		if err := r.fetch(ctx); errors.Is(err, errMoved) {
			continue
		} else if err != nil {
			return nil, err
		}
		r.pos = r.rec.Next()
		if r.reaches() {
			return &r.rec, nil
		}
		release(&r.rec.buf)
	}
}

// reaches says whether the records are among those that the reader was opened for.
func (r *Reader) reaches() bool {
	switch r.from.key {
	case segment.ByTxID:
		return r.rec.TxID >= r.from.value
	case segment.ByTime:
		return r.rec.Time >= r.from.value
	default:
		return true
	}
}

// fetch makes rec the records at the position.
func (r *Reader) fetch(ctx context.Context) error {
	l := r.log
	l.mu.Lock()
	if err := r.mayReadLocked(); err != nil {
		l.mu.Unlock()
		return err
	}
	if i := l.mu.tail.find(r.pos); i < l.mu.tail.n && l.mu.tail.at(i).first <= r.pos {
		it := *l.mu.tail.at(i)
		it.c.buf.Retain()
		l.mu.Unlock()
		r.src.close()
		r.rec = Records{
			First: it.first, Count: uint32(it.next - it.first), TxID: it.txid, Time: it.time, Epoch: it.epoch, body: it.body, buf: it.c.buf,
		}
		return r.open(it.codec, it.next)
	}
	place, ok := l.placeLocked(r.pos)
	if !ok {
		err := &CorruptError{From: r.pos, To: l.knownLocked(r.pos), Err: errors.New("the records are missing")}
		l.mu.Unlock()
		r.skip = err.To
		return err
	}
	l.mu.Unlock()
	return r.read(ctx, place)
}

// mayReadLocked returns why there is nothing at the position.
func (r *Reader) mayReadLocked() error {
	l := r.log
	visible := r.visible()
	switch {
	case r.shut:
		return ErrClosed
	case l.mu.gone:
		return ErrDeleted
	case r.pos < l.mu.meta.First:
		return &TruncatedError{First: l.mu.meta.First}
	case r.pos < visible:
		return l.store.closedErr()
	case r.pos > max(l.end.Load(), l.committed.Load()):
		end := max(l.end.Load(), l.committed.Load())
		r.pos = end
		return &BeyondEndError{End: end}
	case l.mu.meta.Sealed:
		return io.EOF
	}
	if err := l.store.closedErr(); err != nil {
		return err
	}
	return ErrEnd
}

// open decompresses the records, and leaves those that are asked for: from the position to a limit.
func (r *Reader) open(used uint8, limit uint64) error {
	if used != uint8(codec.None) {
		if err := r.decompress(used); err != nil {
			release(&r.rec.buf)
			return r.damaged("", 0, r.rec.Next(), err)
		}
	}
	if r.pos <= r.rec.First && limit >= r.rec.Next() {
		return nil
	}
	if err := r.rec.cut(r.pos, limit); err != nil {
		release(&r.rec.buf)
		return r.damaged("", 0, r.rec.Next(), err)
	}
	return nil
}

// decompress puts what the body was before it was compressed in its place.
func (r *Reader) decompress(used uint8) error {
	packed := r.rec.buf
	plain := pool.Get(4 * len(r.rec.body))
	b, err := codec.Decode(plain.B, r.rec.body, codec.Codec(used), r.o.MaxBatch)
	plain.B = b
	if err != nil {
		plain.Release()
		return err
	}
	packed.Release()
	r.rec.body, r.rec.buf = b, plain
	return nil
}

// damaged returns the error that says that records from the position on cannot be read.
func (r *Reader) damaged(file string, at int64, to uint64, err error) error {
	r.skip = max(to, r.pos+1)
	return &CorruptError{File: file, At: at, From: r.pos, To: r.skip, Err: err}
}

// Skip goes on behind the damage, or the missing records, that the last CorruptError was about, or at the first record
// after a TruncatedError. It returns the new position.
func (r *Reader) Skip() uint64 {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.pos = max(r.pos, r.skip, r.log.mu.meta.First)
	return r.pos
}

// Close gives back what the reader holds.
func (r *Reader) Close() error {
	if r.shut {
		return ErrClosed
	}
	r.shut = true
	release(&r.rec.buf)
	r.src.close()
	return nil
}

// seek finds the first batch that reaches a transaction id or a time. Those before it that follow the found place are
// left out by reaches.
func (r *Reader) seek() error {
	for {
		found, ok := r.candidate()
		if !ok {
			return nil
		}
		if err := r.lookUp(found); !errors.Is(err, errMoved) {
			return err
		}
	}
}

// candidate returns the file in which the first such batch is. If it is in none the position is behind all files.
func (r *Reader) candidate() (found place, ok bool) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	r.pos = max(l.mu.meta.First, l.mu.flushed)
	for _, e := range l.mu.extents {
		last := e.end.TxID
		if r.from.key == segment.ByTime {
			last = e.end.Time
		}
		if last >= r.from.value && e.end.Offset > max(l.mu.meta.First, e.row.First) {
			return l.place(e), true
		}
	}
	return found, false
}

// lookUp finds the position in a file. errMoved says that the file has gone.
func (r *Reader) lookUp(found place) error {
	l := r.log
	at, err := r.src.seek(l.store, found, r.from.key, r.from.value)
	if errors.Is(err, fs.ErrNotExist) && !l.hasFile(found.id.File) {
		return errMoved
	}
	if err != nil {
		return l.store.lookupError(found, err)
	}
	offset, err := r.src.offsetAt(at)
	if err != nil {
		return l.store.lookupError(found, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r.pos = max(offset, found.first, l.mu.meta.First)
	return nil
}
