package metadata

import (
	"errors"
	"fmt"
)

// Problem is something that Check has found.
type Problem struct {
	Log uint64 // that it is about, 0 for none
	Err error  // a CorruptError for a row that does not parse; errors.Is(Err, ErrCorrupt) for all
}

// Check reads every row and calls a function with every problem until it returns an error: rows that do not parse, rows that
// are missing, names and logs that do not fit together, segments of a log that leave a gap or overlap, uses of files that do not match
// segments, numbers that were never given out. It returns an error when it cannot read on.
func (d *DB) Check(visit func(Problem) error) error {
	return d.reading(func() error {
		snapshot := d.pebble.NewSnapshot()
		c := checker{db: d, from: snapshot, visit: visit}
		return errors.Join(c.run(), snapshot.Close())
	})
}

func problem(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}

// parse parses the row of a key, whatever its kind, and returns what is wrong.
func parse(k, row []byte) (err error) {
	switch {
	case !wellFormed(k):
		err = corruptRow(k, errors.New("no row has such a key"))
	case k[0] == kindState:
		_, err = parseState(k, row)
	case k[0] == kindFile:
		_, err = unseal(k, row, 0, false)
	case k[0] == kindLog:
		_, err = parseLog(k, row)
	case k[0] == kindName, k[0] == kindTombstone:
		_, err = parseNumber(k, row)
	case k[0] == kindSegment:
		_, err = parseSegment(k, row)
	case k[0] == kindSubscription:
		_, err = parseSubscription(k, row)
	}
	return err
}
