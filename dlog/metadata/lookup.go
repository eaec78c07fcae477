package metadata

import (
	"cmp"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

var errNoLog = errors.New("the log of its number does not exist or has another name")

// bySight is the order in which a log sees its segments.
func bySight(a, b Segment) int {
	return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.File, b.File))
}

func (d *DB) logByID(from pebble.Reader, id uint64) (l Log, ok bool, err error) {
	k := key(kindLog, id)
	ok, err = d.get(from, k, func(row []byte) error {
		l, err = parseLog(k, row)
		return err
	})
	return l, ok, err
}

// named returns the number of the log of a name.
func (d *DB) named(from pebble.Reader, name string) (id uint64, ok bool, err error) {
	return d.number(from, nameKey(name))
}

func (d *DB) deleted(from pebble.Reader, id uint64) (at int64, ok bool, err error) {
	n, ok, err := d.number(from, key(kindTombstone, id))
	return int64(n), ok, err
}

func (d *DB) number(from pebble.Reader, k []byte) (n uint64, ok bool, err error) {
	ok, err = d.get(from, k, func(row []byte) error {
		n, err = parseNumber(k, row)
		return err
	})
	return n, ok, err
}
