package dlog

import (
	"math"
	"testing"
	"time"
)

func TestPlacesAreReadAsTheyAreWritten(t *testing.T) {
	for _, f := range []From{
		First, Last, {}, Offset(7), Offset(math.MaxUint64), TxID(math.MinInt64), TxID(5), Time(time.Unix(1, 2)), Time(time.Unix(0, 0)),
	} {
		if got, err := ParseFrom(f.String()); err != nil || got != f {
			t.Errorf("%v is read as %v, %v", f, got, err)
		}
	}
}

func TestOtherTextIsNoPlace(t *testing.T) {
	for _, text := range []string{
		"", "First", "offset", "offset:", "offset:-1", "offset:1x", "offset:18446744073709551616", "txid:", "txid:1.5", "time:", "time:now",
		"time:2006-01-02", "time:0001-01-01T00:00:00Z", "time:9999-01-01T00:00:00Z", "last ",
	} {
		if f, err := ParseFrom(text); err == nil {
			t.Errorf("%q is read as %v", text, f)
		}
	}
}
