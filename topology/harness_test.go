package topology

import (
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/wire"
)

// sent is a batch as a sink got it.
type sent struct {
	stream uint16
	dest   uint32
	keyed  bool
	size   int
	tuples [][]byte
}

// record is a sink that keeps what it gets, or fails when err is set.
type record struct {
	tb   testing.TB
	sent []sent
	err  error
}

func (r *record) Send(stream uint16, dest uint32, keyed bool, count uint32, b *pool.Buf) error {
	defer b.Release()
	if r.err != nil {
		return r.err
	}
	body := b.B[wire.HeaderSize:]
	if n, err := wire.CheckBatch(body); err != nil || n != int(count) || n == 0 {
		r.tb.Errorf("batch of %d tuples, it is said to have %d: %v", n, count, err)
	}
	s := sent{stream: stream, dest: dest, keyed: keyed, size: len(b.B)}
	for off := 0; off < len(body); {
		tuple, end, _ := wire.NextRecord(body, off)
		s.tuples = append(s.tuples, slices.Clone(body[tuple:end]))
		off = end
	}
	r.sent = append(r.sent, s)
	return nil
}

// tuples are those sent to dest so far, in order.
func (r *record) tuples(dest uint32) []*Tuple {
	var all []*Tuple
	for _, s := range r.sent {
		if s.dest == dest {
			for _, b := range s.tuples {
				t := &Tuple{}
				t.Reset(b, &Source{})
				all = append(all, t)
			}
		}
	}
	return all
}

// checkLeak fails the test if it ends with more buffers held than it began with.
func checkLeak(t *testing.T) {
	t.Helper()
	before := pool.Outstanding()
	t.Cleanup(func() {
		t.Helper()
		if n := pool.Outstanding() - before; n != 0 && !t.Failed() {
			t.Errorf("%d buffers are held and not released", n)
		}
	})
}

func ok(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// texts are the strings that the first fields of tuples hold.
func texts(tb testing.TB, tuples []*Tuple) []string {
	tb.Helper()
	var s []string
	for _, tuple := range tuples {
		text, err := tuple.String(0)
		ok(tb, err)
		s = append(s, text)
	}
	return s
}
