package dataplane

import (
	"fmt"

	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/wire"
)

// keyer takes key hashes in the modes in which tuples carry none: it decodes
// the key fields of a tuple and hashes their canonical bytes, as an emitter does.
type keyer struct {
	plan   *plan.Plan
	record wire.Record
	key    []byte
}

func newKeyer(p *plan.Plan) *keyer { return &keyer{plan: p} }

// hash returns the hash of a tuple's fields. The error wraps wire.ErrRecord:
// the tuple does not have them.
func (k *keyer) hash(tuple []byte, fields []int) (uint64, error) {
	k.record.Reset(tuple)
	k.key = k.key[:0]
	for _, f := range fields {
		var err error
		if k.key, err = k.record.AppendKey(k.key, f); err != nil {
			return 0, fmt.Errorf("%w: %w", wire.ErrRecord, err)
		}
	}
	return router.Hash(k.plan.Seed, k.key), nil
}

// splitUnhashed is split for tuples without key hashes.
func (f *optimized) splitUnhashed(h wire.Header, body []byte, c *router.Consumer) error {
	lp, key := f.lp, frameKey(h)
	fields := lp.plan.Streams[h.Stream].KeySets[c.KeyIndex]
	if lp.run.d != nil {
		lp.flushRun()
	}
	dests := f.dests[c]
	n := 0
	for off := 0; off < len(body); n++ {
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			return wire.ErrRecord
		}
		hash, err := f.keyer.hash(body[tuple:end], fields)
		if err != nil {
			return err
		}
		d := dests[c.Owners.Of(hash)]
		small := end-off <= wire.SmallRecord && off+wire.SmallRecord <= len(body)
		if !small || d.key != key || !d.addSmall(body, off, end) {
			lp.add(d, h, key, body[off:end])
		}
		off = end
	}
	if n != int(h.Count) {
		return wire.ErrCount
	}
	return nil
}
