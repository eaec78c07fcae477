package segment

import (
	"errors"
	"math"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// What is what the bytes of a range are.
type What uint8

// The kinds of ranges.
const (
	Header      What = iota // the file's header, with the zeros behind it
	Data                    // a batch that is whole
	SealIndex               // the index of a sealed file
	SealFooter              // its footer
	Torn                    // does not verify, and nothing behind it does; or a seal that was not finished
	Corrupt                 // does not verify, but something behind it does
	Zero                    // nothing but zeros
	Unexplained             // verifies, but does not belong here; or cannot be verified for want of a header
	kinds
)

// String returns a word for it.
func (w What) String() string {
	return [...]string{"header", "batch", "index", "footer", "torn", "corrupt", "zero", "unexplained"}[w]
}

// Range is a part of a file that is one thing.
type Range struct {
	What     What
	From, To int64 // positions
	Batch    Batch // of Data; of Torn and Corrupt, without payload, if only the payload does not verify
	Err      error // what is wrong; nil for what is as it should be
}

// Report sums up what Check has found.
type Report struct {
	ID      ID           // whose file it was taken for
	Size    int64        // bytes of the file
	Sealed  bool         // whether it ends in a footer that fits
	Batches uint64       // that are whole
	Records uint64       // in them
	Sound   Mark         // behind the last batch before anything that does not verify
	End     Mark         // behind the last batch that is whole
	Bytes   [kinds]int64 // of each kind of range
}

// Check reads a whole file and explains every byte of it to visit, which may be nil: the ranges come from front to back
// without gaps. It believes neither header nor footer. With a nil id it takes the file for what its header says; if that
// does not verify either, nothing does.
//
// Damage is no error, it is in the ranges. Which of it a crash explains only the owner knows: nothing that lies before a
// mark that was synced. The batches of ranges are borrowed until visit returns. The padding behind payloads is not
// looked at, nor does any reader.
func Check(fs disk.FS, path string, id *ID, visit func(Range)) (Report, error) {
	f, err := fs.Open(path)
	if err != nil {
		return Report{}, err
	}
	c := checker{visit: visit, path: path}
	if visit == nil {
		c.visit = func(Range) {}
	}
	err = c.run(f, id)
	return c.report, errors.Join(err, f.Close())
}

type checker struct {
	view   view
	visit  func(Range)
	path   string
	report Report

	at      int64   // everything before it is explained, or pending
	pending []Range // what does not verify; torn or corrupt, which shows when something behind it does
	footer  *Footer // at the end of the file
	broken  bool    // whether something has not verified
}

func (c *checker) run(f disk.File, id *ID) error {
	size, err := f.Size()
	if err != nil {
		return err
	}
	c.view = view{f: f, size: size}
	c.report.Size = size
	known, err := c.header(id)
	if err != nil {
		return err
	}
	if !known {
		if c.at < size {
			c.tell(Range{What: Unexplained, From: c.at, To: size, Err: c.fault(c.at, errHeader)})
		}
		return nil
	}
	c.report.Sound = c.report.ID.Start()
	c.report.End = c.report.Sound
	tail, err := readTail(f, size)
	if err != nil {
		return err
	}
	if footer, err := parseFooter(tail, &c.report.ID, size-footerSize); tail != nil && err == nil {
		c.footer = &footer
	}
	for c.at < size {
		if err := c.block(); err != nil {
			return err
		}
	}
	c.settle(Torn)
	return nil
}

// header explains the first bytes, and says whether it is known whose file it is.
func (c *checker) header(id *ID) (bool, error) {
	b, err := c.view.read(0, dataStart)
	if err != nil {
		return false, err
	}
	b = b[:min(len(b), dataStart)]
	found, err := parseHeader(b)
	r := Range{What: Header, To: int64(len(b))}
	switch {
	case errors.Is(err, ErrVersion):
		r.What, r.Err = Unexplained, c.fault(0, err)
	case err != nil:
		r.What, r.Err = Corrupt, c.fault(0, err)
		if len(b) < dataStart {
			r.What = Torn
		}
		if allZero(b) {
			r.What = Zero
		}
	case id != nil && !found.is(*id):
		r.What, r.Err = Unexplained, c.fault(0, ErrForeign)
	case !allZero(b[fileHeader:]):
		r.What, r.Err = Corrupt, c.fault(fileHeader, errHeaderEnd)
	}
	if err == nil {
		c.report.ID = found
	} else if id != nil {
		c.report.ID = *id
	}
	c.at = r.To
	if r.To > 0 {
		c.tell(r)
	}
	return err == nil || id != nil && !errors.Is(err, ErrVersion), nil
}

// block explains what stands at the position.
func (c *checker) block() error {
	b, err := c.view.read(c.at, blockHeader)
	if err != nil {
		return err
	}
	head, _, length, err := parseHead(b, &c.report.ID, c.at)
	if err != nil {
		return c.gap()
	}
	size := int64(blockSize(length))
	if size > c.view.size-c.at {
		c.pend(Range{From: c.at, To: c.view.size, Batch: head, Err: c.fault(c.at, errFileEnds)})
		return nil
	}
	if b, err = c.view.read(c.at, int(size)); err == nil {
		c.payload(b, &head, size)
	}
	return err
}

// payload explains a block of which the header verifies.
func (c *checker) payload(b []byte, head *Batch, size int64) {
	r := Range{From: c.at, To: c.at + size}
	batch, kind, _, err := parseBlock(b, &c.report.ID, c.at)
	if err != nil {
		r.Batch, r.Err = *head, c.fault(c.at, errPayload)
		c.pend(r)
		return
	}
	c.settle(Corrupt)
	c.at = r.To
	switch kind {
	case kindBatch:
		c.data(&r, batch)
	case kindIndex:
		c.index(&r, batch.Payload)
	default:
		c.end(&r)
	}
	c.tell(r)
}

// data explains a batch that verifies.
func (c *checker) data(r *Range, b Batch) {
	end := &c.report.End
	fits := b.follows(end)
	if c.broken {
		fits = b.First >= end.Offset && b.TxID >= end.TxID && b.Time >= end.Time
	}
	r.Batch = b
	if !fits {
		r.What, r.Err, c.broken = Unexplained, c.fault(r.From, errChain), true
		return
	}
	r.What = Data
	c.report.Batches++
	c.report.Records += uint64(b.Count)
	*end = Mark{Offset: b.Next(), At: r.To, TxID: b.TxID, Time: b.Time}
	if !c.broken {
		c.report.Sound = *end
	}
}

// index explains an index that verifies.
func (c *checker) index(r *Range, payload []byte) {
	r.What = SealIndex
	if c.footer == nil || c.footer.End.At != r.From {
		r.What, r.Err = Torn, c.fault(r.From, errUnsealed)
		return
	}
	if _, ok := parseIndex(payload, &c.footer.End); !ok {
		r.What, r.Err = Unexplained, c.fault(r.From, errIndex)
	}
}

// end explains a footer that verifies.
func (c *checker) end(r *Range) {
	r.What = SealFooter
	fits := c.footer != nil && r.To == c.view.size && (c.broken || c.footer.End == c.report.End && c.footer.Batches == c.report.Batches)
	if !fits {
		r.What, r.Err = Unexplained, c.fault(r.From, errFooter)
	}
	c.report.Sealed = fits
}

// gap explains bytes that are no block, up to the next one.
func (c *checker) gap() error {
	r := Range{What: Zero, From: c.at, To: c.at}
	for r.To < c.view.size {
		b, err := c.view.read(r.To, blockHeader)
		if err != nil {
			return err
		}
		if _, _, _, err := parseHead(b, &c.report.ID, r.To); err == nil && r.To > r.From {
			break
		}
		step := b[:min(alignment, len(b))]
		if r.What == Zero && !allZero(step) {
			r.What, r.Err = Torn, c.fault(r.From, errBlock)
		}
		r.To += int64(len(step))
	}
	c.pend(r)
	return nil
}

// pend keeps a range that does not verify.
func (c *checker) pend(r Range) {
	if r.Err != nil {
		r.What = Torn
	}
	c.broken = true
	c.pending = append(c.pending, r)
	c.at = r.To
}

// settle tells of what has not verified.
func (c *checker) settle(as What) {
	for _, r := range c.pending {
		if r.What == Torn {
			r.What = as
		}
		c.tell(r)
	}
	c.pending = c.pending[:0]
}

func (c *checker) tell(r Range) {
	c.report.Bytes[r.What] += r.To - r.From
	c.visit(r)
}

func (c *checker) fault(at int64, err error) error {
	return &CorruptError{Path: c.path, File: c.report.ID.File, At: at, Err: err}
}

// allZero says whether there is nothing but zeros.
func allZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

// view reads a file from front to back through a buffer that is as large as the largest piece asked for.
type view struct {
	f    disk.File
	size int64
	buf  []byte // bytes from base on
	base int64
}

// viewChunk is how many bytes a view reads at least, if the file has them.
const viewChunk = 256 << 10

// read returns the bytes from a position on, n at least unless the file ends before. It moves what it has returned
// before.
func (v *view) read(at int64, n int) ([]byte, error) {
	n = int(min(int64(n), v.size-at))
	if off := at - v.base; off >= 0 && off+int64(n) <= int64(len(v.buf)) {
		return v.buf[off:], nil
	}
	want := int(min(int64(max(n, viewChunk)), v.size-at, math.MaxInt32))
	if cap(v.buf) < want {
		v.buf = make([]byte, want)
	}
	v.buf = v.buf[:want]
	v.base = at
	if got, err := v.f.ReadAt(v.buf, at); got < want {
		v.buf = v.buf[:0]
		return nil, err
	}
	return v.buf, nil
}
