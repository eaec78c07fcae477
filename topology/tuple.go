package topology

import (
	"fmt"
	"time"

	"github.com/ardea-stream/ardea/wire"
)

// Source says where tuples come from. One Source serves all tuples of a
// stream and task; it is immutable.
type Source struct {
	Component string
	Stream    string
	Task      uint32
	Fields    []string // names, in order
}

// Tuple is a view over one received tuple. Fields are decoded when asked for.
// It borrows the receive buffer: neither the Tuple nor what Bytes returns may
// be used after Execute returns. It must not be used by several goroutines at once.
type Tuple struct {
	rec wire.Record
	src *Source
	in  *anchors // of the bolt that executes it, where tuples are tracked
}

// Reset makes t a view over an encoded tuple, which it borrows. The engine calls it.
func (t *Tuple) Reset(tuple []byte, src *Source) {
	t.rec.Reset(tuple)
	t.src = src
}

// ResetTracked is Reset for a tuple whose values begin at an offset, for a bolt
// whose collector tracks tuples. The engine calls it.
func (t *Tuple) ResetTracked(tuple []byte, values int, src *Source, c *Collector) {
	t.rec.ResetValues(tuple, values)
	t.src, t.in = src, &c.track.bolt
}

// Anchor returns what stands for the tuple until the bolt acks or fails it, also
// after Execute has returned. It is for bolts with ManualAck, within Execute; to
// others, and where tuples are not tracked, it returns an anchor of nothing.
func (t *Tuple) Anchor() Anchor {
	if t.in == nil {
		return Anchor{}
	}
	return t.in.anchor()
}

// Source returns where the tuple comes from. It stays valid for ever.
func (t *Tuple) Source() *Source { return t.src }

// Len returns the number of fields.
func (t *Tuple) Len() int { return t.rec.Len() }

// Type returns the type of field i. Like all accessors it returns a
// *FieldError when there is no such field.
func (t *Tuple) Type(i int) (Type, error) { return t.rec.Type(i) }

// IsNull reports whether field i is null or absent.
func (t *Tuple) IsNull(i int) bool {
	typ, err := t.rec.Type(i)
	return err != nil || typ == TypeNull
}

// Bytes returns the bytes of field i, a string or bytes, borrowed: copy what
// must outlive Execute. Like all typed accessors it returns a *TypeError when
// the field holds something else.
func (t *Tuple) Bytes(i int) ([]byte, error) { return t.rec.Bytes(i) }

// String returns a copy of field i, a string, that the caller owns.
func (t *Tuple) String(i int) (string, error) { return t.rec.Text(i) }

// Int returns field i, an int.
func (t *Tuple) Int(i int) (int64, error) { return t.rec.Int(i) }

// Float returns field i, a float.
func (t *Tuple) Float(i int) (float64, error) { return t.rec.Float(i) }

// Bool returns field i, a bool.
func (t *Tuple) Bool(i int) (bool, error) { return t.rec.Bool(i) }

// Time returns field i, a time, in UTC.
func (t *Tuple) Time(i int) (time.Time, error) { return t.rec.Time(i) }

// KeyHash returns the hash of the tuple's first key, which the emitter
// computed for fields grouping. ok is false on streams that have none.
func (t *Tuple) KeyHash() (hash uint64, ok bool) { return wire.KeyHash(t.rec.Raw(), 0) }

// Raw returns the tuple's encoded bytes, borrowed.
func (t *Tuple) Raw() []byte { return t.rec.Raw() }

// Index returns the index of the field of that name. Look it up once, not per tuple.
func (t *Tuple) Index(name string) (int, error) { return t.src.Index(name) }

// Index returns the index of the field of that name.
func (s *Source) Index(name string) (int, error) {
	for i, f := range s.Fields {
		if f == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("topology: stream %s/%s has no field %q, it has %q", s.Component, s.Stream, name, s.Fields)
}
