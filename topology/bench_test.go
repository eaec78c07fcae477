package topology

import (
	"fmt"
	"testing"

	"github.com/ardea-stream/ardea/pool"
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
