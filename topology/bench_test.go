package topology

import (
	"fmt"
	"testing"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/tracker"
)

// drop is a sink that counts and releases.
type drop struct {
	frames, tuples, bytes int
}

func (d *drop) Send(_ uint16, _ uint32, _ bool, count uint32, b *pool.Buf) error {
	d.frames++
	d.tuples += int(count)
	d.bytes += len(b.B)
	b.Release()
	return nil
}

// fieldNames returns n field names.
func fieldNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("f%d", i)
	}
	return names
}

// oneStream returns a collector with a default stream of n routed fields.
func oneStream(sink Sink, fields int, keys ...[]int) *Collector {
	return NewCollector(sink, 1, 0, 0, []OutputSpec{{Name: DefaultStream, Fields: fieldNames(fields), KeySets: keys, Routed: true}})
}

var benchWords = []string{"abscissa", "backward", "calculus", "daylight", "eminence", "filament", "gathered", "heliacal"}

func BenchmarkEmit(b *testing.B) {
	b.Run("fields=1/type=string/keyed=true", func(b *testing.B) {
		c := oneStream(&drop{}, 1, []int{0})
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = c.Emit(String(benchWords[i&7]))
		}
	})
	b.Run("fields=1/type=string/keyed=false", func(b *testing.B) {
		c := oneStream(&drop{}, 1)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = c.Emit(String(benchWords[i&7]))
		}
	})
	b.Run("fields=1/type=int/keyed=true", func(b *testing.B) {
		c := oneStream(&drop{}, 1, []int{0})
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = c.Emit(Int(int64(i)))
		}
	})
	b.Run("fields=2/type=string,int/keyed=true", func(b *testing.B) {
		c := oneStream(&drop{}, 2, []int{0})
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = c.Emit(String(benchWords[i&7]), Int(int64(i)))
		}
	})
	b.Run("fields=5/type=mixed/keyed=true", func(b *testing.B) {
		c := oneStream(&drop{}, 5, []int{0, 1}, []int{4})
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = c.Emit(String(benchWords[i&7]), Int(int64(i)), Float(0.5), Bool(true), Int(-7))
		}
	})
}

// forget is a drop for collectors that track: nobody acks.
type forget struct{ drop }

func (*forget) AwaitRoom() error                   { return ErrStopped }
func (*forget) Ack(uint32, uint64, uint64)         {}
func (*forget) Fail(uint32, uint64, []byte, error) {}

// BenchmarkEmitID is BenchmarkEmit for tuples that are tracked, and complete at
// once: the tracker's part is in it.
func BenchmarkEmitID(b *testing.B) {
	for _, restarts := range []uint64{0, 3} { // sequence numbers of a restarted spout take more bytes
		for _, tc := range []struct {
			name string
			keys [][]int
		}{{"keyed=true", [][]int{{0}}}, {"keyed=false", nil}} {
			b.Run(fmt.Sprintf("fields=1/type=string/%s/restarts=%d", tc.name, restarts), func(b *testing.B) {
				sink := &forget{}
				c := oneStream(sink, 1, tc.keys...)
				ring := tracker.New(restarts<<44+1, 1<<16)
				c.Track(sink, ring, false)
				b.ReportAllocs()
				for i := uint64(0); b.Loop(); i++ {
					if err := c.EmitID(i, String(benchWords[i&7])); err != nil {
						b.Fatal(err)
					}
					if ring.Full() {
						for ring.Live() > 0 {
							ring.DropOldest()
						}
					}
				}
				b.ReportMetric(float64(sink.bytes)/float64(max(sink.tuples, 1)), "B/tuple")
			})
		}
	}
}
