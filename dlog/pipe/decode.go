package pipe

import (
	"fmt"

	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// decoder makes values of records.
type decoder struct {
	how    Decode
	rec    wire.Record
	values []topology.Value // of the last record, borrowed from it
}

// check returns the place of the first record of a body that is none of the kind, and an error that says so; the error is
// nil if all are.
func (d *decoder) check(body []byte) (int, error) {
	if d.how != Tuples {
		return 0, nil
	}
	n, err := wire.CheckBatch(body)
	if err != nil {
		return n, fmt.Errorf("it is no tuple: %w: decode it as Raw", err)
	}
	return 0, nil
}

// decode returns the values of a record, which are borrowed from it until the next call.
func (d *decoder) decode(rec []byte) ([]topology.Value, error) {
	d.values = d.values[:0]
	if d.how == Raw {
		d.values = append(d.values, topology.Bytes(rec))
		return d.values, nil
	}
	d.rec.Reset(rec)
	for i := range d.rec.Len() {
		v, err := d.value(i)
		if err != nil {
			return nil, err
		}
		d.values = append(d.values, v)
	}
	return d.values, nil
}

func (d *decoder) value(i int) (topology.Value, error) {
	t, err := d.rec.Type(i)
	if err != nil {
		return topology.Null(), err
	}
	switch t {
	case topology.TypeInt:
		v, err := d.rec.Int(i)
		return topology.Int(v), err
	case topology.TypeFloat:
		v, err := d.rec.Float(i)
		return topology.Float(v), err
	case topology.TypeString:
		v, err := d.rec.Bytes(i)
		return topology.StringBytes(v), err
	case topology.TypeBytes:
		v, err := d.rec.Bytes(i)
		return topology.Bytes(v), err
	case topology.TypeBool:
		v, err := d.rec.Bool(i)
		return topology.Bool(v), err
	case topology.TypeTime:
		v, err := d.rec.Time(i)
		return topology.Time(v), err
	default:
		return topology.Null(), nil
	}
}
