package main

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// tap returns e with a function that is told of each append before it is made, and of each close.
func tap(e engine, appended func(n int), closed func()) engine {
	return plant(e, func(n int, records [][]byte) [][]byte {
		appended(n)
		return records
	}, closed)
}

// plant returns e with other records appended than those that are acknowledged: what to makes of them. It counts the
// appends of each writer from 1.
func plant(e engine, to func(n int, records [][]byte) [][]byte, closed func()) engine {
	honest := e.open
	e.open = func(s setting) (store, error) {
		st, err := honest(s)
		return &plantedStore{store: st, to: to, closed: closed}, err
	}
	return e
}

// small returns an engine that was planted, with room for a few appends: so many are made, however long they take.
func small(e engine) engine {
	large := e.open
	e.open = func(s setting) (store, error) {
		s.duration = time.Second // what is prepared is for all of it
		st, err := large(s)
		st.(*plantedStore).room = 10
		return st, err
	}
	return e
}

type plantedStore struct {
	store

	to     func(n int, records [][]byte) [][]byte
	closed func()
	room   int // appends of each writer, after which it is full. 0 = no bound
}

func (p *plantedStore) writer() (func([][]byte) error, error) {
	appends, err := p.store.writer()
	n := 0
	return func(records [][]byte) error {
		if n++; p.room > 0 && n > p.room {
			return errFull
		}
		if records = p.to(n, records); len(records) == 0 {
			return nil
		}
		return appends(records)
	}, err
}

func (p *plantedStore) close() error {
	p.closed()
	return p.store.close()
}

// TestPlanted shows that a check finds an engine that acknowledges something else than it keeps.
func TestPlanted(t *testing.T) {
	var earlier []byte
	for name, to := range map[string]func(n int, records [][]byte) [][]byte{
		"nothing is written": func(int, [][]byte) [][]byte { return nil },
		"one append is lost": func(n int, records [][]byte) [][]byte {
			if n == 3 {
				return nil
			}
			return records
		},
		"the last record of a batch is lost": func(n int, records [][]byte) [][]byte {
			if n == 3 {
				return records[:len(records)-1]
			}
			return records
		},
		"a record is written twice": func(n int, records [][]byte) [][]byte {
			if n == 3 {
				return append(records, records[0])
			}
			return records
		},
		"a record stands in another's place": func(n int, records [][]byte) [][]byte {
			switch n {
			case 2:
				earlier = bytes.Clone(records[0])
			case 3:
				return [][]byte{earlier, records[1]}
			}
			return records
		},
		"a bit of a record flips": func(n int, records [][]byte) [][]byte {
			if n == 3 {
				flipped := bytes.Clone(records[1])
				flipped[len(flipped)-1] ^= 4
				return [][]byte{records[0], flipped}
			}
			return records
		},
		"a record is cut": func(n int, records [][]byte) [][]byte {
			if n == 3 {
				return [][]byte{records[0], records[1][:50]}
			}
			return records
		},
		"a record of nobody": func(n int, records [][]byte) [][]byte {
			if n == 3 {
				return append(records, bytes.Repeat([]byte{0xff}, len(records[0])))
			}
			return records
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := setting{dir: t.TempDir(), writers: 1, batch: 2, bytes: 100, duration: time.Minute}
			_, err := run(t.Context(), small(plant(bareEngine, to, func() {})), s)
			var failed *CheckError
			if !errors.As(err, &failed) || status(err) != 3 {
				t.Errorf("error %v, status %d", err, status(err))
			}
		})
	}
	honest := tap(bareEngine, func(int) {}, func() {})
	s := setting{dir: t.TempDir(), writers: 1, batch: 2, bytes: 100, duration: 30 * time.Millisecond}
	if _, err := run(t.Context(), honest, s); err != nil {
		t.Errorf("without a bug: %v", err)
	}
}

// TestFailures shows what a run tells of an engine that fails.
func TestFailures(t *testing.T) {
	boom := errors.New("boom")
	for name, broken := range map[string]func(e *engine){
		"open":   func(e *engine) { e.open = func(setting) (store, error) { return nil, boom } },
		"append": func(e *engine) { breakStore(e, func(st store) store { return &badAppend{st, boom} }) },
		"writer": func(e *engine) { breakStore(e, func(st store) store { return &badWriter{store: st, err: boom} }) },
		"read":   func(e *engine) { breakStore(e, func(st store) store { return &badRead{st, boom} }) },
		"close":  func(e *engine) { breakStore(e, func(st store) store { return &badClose{st, boom} }) },
		"absent": func(e *engine) { e.version = func() (string, error) { return "", boom } },
	} {
		t.Run(name, func(t *testing.T) {
			e := bareEngine
			broken(&e)
			s := setting{dir: t.TempDir(), writers: 3, batch: 1, bytes: 100, duration: 10 * time.Millisecond}
			if r, err := run(t.Context(), e, s); r != nil || !errors.Is(err, boom) || status(err) != 1 {
				t.Errorf("result %v, error %v, status %d", r, err, status(err))
			}
		})
	}
}

func breakStore(e *engine, with func(store) store) {
	honest := e.open
	e.open = func(s setting) (store, error) {
		st, err := honest(s)
		if err != nil {
			return nil, err
		}
		return with(st), nil
	}
}

type badAppend struct {
	store

	err error
}

func (b *badAppend) writer() (func([][]byte) error, error) {
	return func([][]byte) error { return b.err }, nil
}

// badWriter fails to make the second writer.
type badWriter struct {
	store

	made int
	err  error
}

func (b *badWriter) writer() (func([][]byte) error, error) {
	if b.made++; b.made == 2 {
		return nil, b.err
	}
	return b.store.writer()
}

type badRead struct {
	store

	err error
}

func (b *badRead) read(func([]byte) error) error { return b.err }

type badClose struct {
	store

	err error
}

func (b *badClose) close() error { return errors.Join(b.store.close(), b.err) }
