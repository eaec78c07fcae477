package metadata

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// checker is one run of Check.
type checker struct {
	db    *DB
	from  pebble.Reader
	visit func(Problem) error
	state state
	found content
}

func (c *checker) report(log uint64, err error) error { return c.visit(Problem{Log: log, Err: err}) }

func (c *checker) run() error {
	for _, step := range []func() error{c.counters, c.rows, c.logs, c.names, c.segments, c.uses} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) counters() error {
	k := key(kindState)
	_, err := c.db.get(c.from, k, func(row []byte) (err error) {
		c.state, err = parseState(k, row)
		return err
	})
	if errors.Is(err, ErrCorrupt) {
		return nil // rows tells of it
	}
	return err
}

// rows parses all and sums them up.
func (c *checker) rows() error {
	err := c.db.scan(c.from, nil, func(k, row []byte) error {
		if !bytes.Equal(k, key(kindState)) {
			c.found.add(k, row)
		}
		err := parse(k, row)
		if err == nil {
			return nil
		}
		log := uint64(0)
		if wellFormed(k) {
			switch k[0] {
			case kindLog, kindSegment, kindTombstone, kindSubscription:
				log = number(k, 0)
			case kindFile:
				log = number(k, 1)
			}
		}
		return c.report(log, err)
	})
	for _, lost := range []error{c.db.lost, c.state.compare(c.found)} {
		if err == nil && lost != nil {
			err = c.report(0, lost)
		}
	}
	return err
}

// logs checks that every log has its name, a number that was given out, and no tombstone.
func (c *checker) logs() error {
	return c.db.scan(c.from, key(kindLog), func(k, row []byte) error {
		l, err := parseLog(k, row)
		if err != nil {
			return nil //nolint:nilerr // rows has told
		}
		if l.ID > c.state.lastID {
			if err := c.report(l.ID, problem("log %d has a number that was never given out", l.ID)); err != nil {
				return err
			}
		}
		if CheckName(l.Name) != nil {
			if err := c.report(l.ID, problem("log %d has the name %q", l.ID, l.Name)); err != nil {
				return err
			}
		}
		if id, ok, err := c.db.named(c.from, l.Name); !errors.Is(err, ErrCorrupt) && (!ok || id != l.ID) {
			if err := errors.Join(err, c.report(l.ID, problem("log %d is not found by its name %q", l.ID, l.Name))); err != nil {
				return err
			}
		}
		if _, gone, err := c.db.deleted(c.from, l.ID); gone {
			return errors.Join(err, c.report(l.ID, problem("log %d has a tombstone", l.ID)))
		}
		return nil
	})
}

// names checks that every name belongs to a log that has it.
func (c *checker) names() error {
	return c.db.scan(c.from, key(kindName), func(k, row []byte) error {
		id, err := parseNumber(k, row)
		if err != nil {
			return nil //nolint:nilerr // rows has told
		}
		l, ok, err := c.db.logByID(c.from, id)
		if errors.Is(err, ErrCorrupt) {
			return nil
		}
		if err == nil && (!ok || l.Name != string(k[1:])) {
			err = c.report(id, problem("the name %q stands for log %d, which does not have it", k[1:], id))
		}
		return err
	})
}

// segments checks each log's in their order.
func (c *checker) segments() error {
	logs := map[uint64]bool{}
	err := c.db.scan(c.from, key(kindSegment), func(k, row []byte) error {
		s, err := parseSegment(k, row)
		if err != nil {
			return nil //nolint:nilerr // rows has told
		}
		logs[s.Log] = true
		return c.segment(s)
	})
	if err != nil {
		return err
	}
	for log := range logs {
		if err := c.order(log); err != nil {
			return err
		}
	}
	return nil
}

// segment checks one by itself.
func (c *checker) segment(s Segment) error {
	if s.File > c.state.lastFile {
		if err := c.report(s.Log, problem("log %d uses file %d, a number that was never given out", s.Log, s.File)); err != nil {
			return err
		}
	}
	k := key(kindFile, s.File, s.Log)
	if ok, err := c.db.get(c.from, k, func([]byte) error { return nil }); err != nil || !ok {
		return errors.Join(err, c.report(s.Log, problem("log %d uses file %d, and the file does not know it", s.Log, s.File)))
	}
	return nil
}

// order checks that the segments of a log leave no gap and do not overlap.
func (c *checker) order(log uint64) error {
	l, ok, err := c.db.logByID(c.from, log)
	if err == nil && !ok {
		return c.report(log, problem("log %d has segments and does not exist", log))
	}
	all, segErr := c.db.segments(c.from, log)
	if errors.Is(err, ErrCorrupt) || errors.Is(segErr, ErrCorrupt) {
		return nil
	}
	if err := errors.Join(err, segErr); err != nil {
		return err
	}
	for i, s := range all {
		switch {
		case i == 0 && s.First > l.First:
			err = c.report(log, problem("log %d begins at %d, its first segment, file %d, at %d", log, l.First, s.File, s.First))
		case i > 0 && s.First != all[i-1].Next:
			err = c.report(log, problem("log %d: file %d begins at %d, file %d before it ends at %d", log, s.File, s.First, all[i-1].File, all[i-1].Next))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// uses checks that every use of a file has its segment.
func (c *checker) uses() error {
	return c.db.scan(c.from, key(kindFile), func(k, row []byte) error {
		if parse(k, row) != nil {
			return nil //nolint:nilerr // rows has told
		}
		file, log := number(k, 0), number(k, 1)
		ok, err := c.db.get(c.from, key(kindSegment, log, file), func([]byte) error { return nil })
		if err == nil && !ok {
			err = c.report(log, problem("file %d is used by log %d, which has no such segment", file, log))
		}
		return err
	})
}
