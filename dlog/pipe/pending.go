package pipe

import (
	"encoding/binary"
	"math/bits"
	"sort"

	"github.com/ardea-stream/ardea/dlog/codec"
	"github.com/ardea-stream/ardea/dlog/serve"
)

// pending is the batches of which records were emitted and are not done, or may be emitted yet. It gives each record an
// id: that of a task's only log is the record's offset, those of several are made of the sum of how far each was read.
// So ids rise, whichever log has something. All of it belongs to the task's goroutine.
type pending struct {
	batches []*batch // by id; those that are done in between have given up their records
	bytes   int64
}

// batch is a batch of which records are emitted.
type batch struct {
	feed  *feed
	recs  *serve.Records
	id    uint64   // of the first record
	first uint64   // its offset
	recAt []span   // where each record stands in the body
	next  int      // how many were emitted
	left  int      // how many are not done
	done  []uint64 // a bit for each
}

// span is a part of a body, its end not included.
type span struct{ from, to uint32 }

// newBatch takes over records, and finds where each of them stands. It fails, and has taken nothing, if there are not as
// many as there should be.
func newBatch(f *feed, recs *serve.Records, id uint64) (*batch, error) {
	n := int(recs.Count)
	b := &batch{feed: f, recs: recs, id: id, first: recs.First, recAt: make([]span, 0, n), left: n, done: make([]uint64, (n+63)/64)}
	body := recs.Body()
	for at := 0; at < len(body); {
		size, w := binary.Uvarint(body[at+1:])
		from := at + 1 + w
		if w <= 0 || size > uint64(len(body)-from) {
			return nil, codec.ErrBody
		}
		at = from + int(size)
		b.recAt = append(b.recAt, span{uint32(from), uint32(at)})
	}
	if len(b.recAt) != n || n == 0 {
		return nil, codec.ErrBody
	}
	return b, nil
}

// record returns the bytes of a record, which are borrowed until the batch is done.
func (b *batch) record(i int) []byte {
	s := b.recAt[i]
	return b.recs.Body()[s.from:s.to:s.to]
}

// low returns the offset below which all records are done.
func (b *batch) low() uint64 {
	if b.left == 0 {
		return b.first + uint64(len(b.recAt))
	}
	for i, word := range b.done {
		if word != ^uint64(0) {
			return b.first + uint64(64*i+bits.TrailingZeros64(^word))
		}
	}
	return b.first + uint64(len(b.recAt))
}

// add adds a batch, whose id is greater than all before.
func (p *pending) add(b *batch) {
	p.batches = append(p.batches, b)
	p.bytes += int64(len(b.recs.Body()))
}

// find returns the batch of an id and the place of the record in it, nil if it is not there any more.
func (p *pending) find(id uint64) (*batch, int) {
	i := sort.Search(len(p.batches), func(i int) bool { return p.batches[i].id > id })
	if i == 0 {
		return nil, 0
	}
	b := p.batches[i-1]
	n := id - b.id
	if n >= uint64(b.next) || b.done[n/64]>>(n%64)&1 == 1 {
		return nil, 0
	}
	return b, int(n)
}

// finish notes that a record is done. It reports false if it was before, or is not under way.
func (p *pending) finish(id uint64) bool {
	b, n := p.find(id)
	if b == nil {
		return false
	}
	b.done[n/64] |= 1 << (n % 64)
	if b.left--; b.left > 0 {
		return true
	}
	p.bytes -= int64(len(b.recs.Body()))
	b.recs.Release()
	for len(p.batches) > 0 && p.batches[0].left == 0 {
		p.batches[0].feed.done(p.batches[0].low())
		p.batches[0] = nil
		p.batches = p.batches[1:]
	}
	return true
}

// tell tells each feed how far it is done.
func (p *pending) tell() {
	told := map[*feed]bool{}
	for _, b := range p.batches {
		if !told[b.feed] {
			b.feed.done(b.low())
			told[b.feed] = b.left > 0
		}
	}
}

// release gives up all records.
func (p *pending) release() {
	for _, b := range p.batches {
		if b.left > 0 {
			b.recs.Release()
		}
	}
	p.batches, p.bytes = nil, 0
}
