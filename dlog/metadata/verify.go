package metadata

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// content is what the rows of a DB are known by, all but that of the counters, which holds it: how many there are, and the
// sum of their checksums. With it rows are missed that Pebble has lost without knowing, as with a manifest that it takes
// for one that ends earlier.
type content struct {
	rows uint64
	sum  uint64
}

func (c *content) add(k, row []byte) {
	c.rows++
	c.sum += fingerprint(k, row)
}

func (c *content) remove(k, row []byte) {
	c.rows--
	c.sum -= fingerprint(k, row)
}

// fingerprint returns the checksum that a row must have. (That of the row together with its checksum is the same for all.)
func fingerprint(k, row []byte) uint64 {
	return uint64(rowChecksum(k, row[:max(0, len(row)-4)]))
}

// verify opens Pebble without writing anything, and parses and sums up all rows. Had it been opened to be written to, it
// would have removed the files of what it took for lost. Of a DB that is sound it returns the counters.
func verify(o Options, l *listener, lock *pebble.Lock, exists bool) (s state, err error) {
	p, err := openPebble(o, l, lock, exists, true)
	if err != nil {
		return state{}, err
	}
	d := &DB{pebble: p}
	if s, err = d.readState(); err == nil {
		err = d.verifyRows(p, s)
	}
	return s, errors.Join(err, guard(p.Close))
}

func (d *DB) verifyRows(from pebble.Reader, s state) error {
	var found content
	err := d.scan(from, nil, func(k, row []byte) error {
		if !bytes.Equal(k, key(kindState)) {
			found.add(k, row)
		}
		return parse(k, row)
	})
	if err == nil {
		err = s.compare(found)
	}
	return err
}

// compare returns an error if the rows are not those that the counters stand for.
func (s state) compare(found content) error {
	switch {
	case found.rows != s.content.rows:
		return problem("there are %d rows, and there were %d", found.rows, s.content.rows)
	case found.sum != s.content.sum:
		return problem("the %d rows are not those that were committed last", found.rows)
	}
	return nil
}

// compareSeen returns an error if a DB has lost transactions that were noted. Without the file SEEN that is none, and what
// the rows themselves tell must do.
func (s state) compareSeen(noted uint64) error {
	if s.commits < noted {
		return problem("there are %d transactions, and there were %d", s.commits, noted)
	}
	return nil
}
