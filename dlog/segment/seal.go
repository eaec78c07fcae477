package segment

import (
	"encoding/binary"
	"math"
)

// Footer sums up a sealed file.
type Footer struct {
	First     Mark   // before the first batch; TxID and Time are those of the first batch, which are the smallest
	End       Mark   // behind the last batch; TxID and Time are the largest
	Batches   uint64 // how many there are
	IndexSize int64  // bytes of the index
}

// Seal writes what was put, the index and the footer, and makes all of it safe, the batches first: no crash leaves a
// valid footer behind batches that are not whole. After a crash during Seal the file is either sealed or can be reopened
// with Append. A sealed file takes no more batches.
func (w *Writer) Seal() error {
	w.busy.Enter("segment.Writer")
	defer w.busy.Leave("segment.Writer")
	if err := w.write(); err != nil {
		return err
	}
	x, err := w.wholeIndex()
	if err != nil {
		return err
	}
	if w.over {
		if err := w.f.Truncate(w.end.At); err != nil {
			return err
		}
		w.over = false
	}
	if w.safe != w.end.At {
		if err := w.sync(); err != nil {
			return err
		}
	}
	if _, err := w.f.WriteAt(appendSeal(nil, &w.id, x, &w.end), w.end.At); err != nil {
		w.over = true
		return full(err)
	}
	if err := w.sync(); err != nil {
		return err
	}
	w.state = ErrSealed
	return nil
}

// wholeIndex returns the index of all that was written. What stood in the file when it was opened is read for it.
func (w *Writer) wholeIndex() (*index, error) {
	if w.from == dataStart {
		return &w.index, nil
	}
	var x index
	s := scanner{f: w.f, id: &w.id, at: dataStart, end: w.end.At}
	m := w.id.Start()
	for s.next() {
		if !s.batch.follows(&m) {
			return nil, &CorruptError{Path: w.path, File: w.id.File, At: s.from, Err: errChain}
		}
		x.add(&s.batch, s.from)
		m = Mark{Offset: s.batch.Next(), At: s.at, TxID: s.batch.TxID, Time: s.batch.Time}
	}
	if s.err != nil {
		return nil, located(s.err, w.path)
	}
	w.index, w.from = x, dataStart
	return &w.index, nil
}

// appendSeal appends index and footer.
func appendSeal(b []byte, id *ID, x *index, end *Mark) []byte {
	entries := x.appendTo(nil)
	n := len(b)
	b = append(b, make([]byte, blockSize(len(entries))+footerSize)...)
	putBlock(b[n:len(b)-footerSize], id, end.At, kindIndex, &Batch{Count: uint32(len(x.entries)), First: id.First, Payload: entries}, Checksum(entries))
	le := binary.LittleEndian
	p := make([]byte, 0, footerPayload)
	p = le.AppendUint64(p, uint64(end.At))
	p = le.AppendUint64(p, x.batches)
	p = le.AppendUint64(p, id.First)
	p = le.AppendUint64(p, end.Offset)
	first := Mark{TxID: math.MinInt64, Time: math.MinInt64}
	if x.batches > 0 {
		first.TxID, first.Time = x.txid, x.time
	}
	for _, v := range []int64{first.TxID, first.Time, end.TxID, end.Time} {
		p = le.AppendUint64(p, uint64(v))
	}
	p = append(p, footerMagic...)
	at := end.At + int64(blockSize(len(entries)))
	putBlock(b[len(b)-footerSize:], id, at, kindFooter, &Batch{First: id.First, Payload: p}, Checksum(p))
	return b
}

// parseFooter reads the last footerSize bytes of a file, which begin at a position.
func parseFooter(b []byte, id *ID, at int64) (Footer, error) {
	block, kind, _, err := parseBlock(b, id, at)
	if err != nil {
		return Footer{}, err
	}
	le, p := binary.LittleEndian, block.Payload
	if kind != kindFooter || len(p) != footerPayload {
		return Footer{}, corrupt(id, at, errBlock)
	}
	word := func(i int) uint64 { return le.Uint64(p[8*i:]) }
	foot := Footer{
		First:     Mark{Offset: word(2), At: dataStart, TxID: int64(word(4)), Time: int64(word(5))},
		End:       Mark{Offset: word(3), At: int64(word(0)), TxID: int64(word(6)), Time: int64(word(7))},
		Batches:   word(1),
		IndexSize: at - int64(word(0)),
	}
	empty := foot.Batches == 0
	if foot.First.Offset != id.First || foot.End.At < dataStart || foot.IndexSize < blockHeader || foot.End.At%alignment != 0 ||
		empty != (foot.End.At == dataStart) || empty != (foot.End.Offset == id.First) || foot.End.Offset < id.First ||
		foot.End.TxID < foot.First.TxID || foot.End.Time < foot.First.Time {
		return Footer{}, corrupt(id, at, errFooter)
	}
	return foot, nil
}
