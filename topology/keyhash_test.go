package topology

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/router"
	"github.com/ardea-stream/ardea/wire"
)

// keyHash is the hash of a key as docs/wire.md defines it.
func keyHash(seed uint64, values ...Value) uint64 {
	var b []byte
	for i := range values {
		b = wire.AppendKey(b, &values[i])
	}
	return router.Hash(seed, b)
}

// TestKeyHashes checks every way that the collector computes a hash: keys of
// one field, of fields in and out of order, of floats, of short and long
// tuples.
func TestKeyHashes(t *testing.T) {
	checkLeak(t)
	const fields, seed = 20, 77
	keys := [][]int{{0}, {3}, {1, 2, 3}, {3, 1}, {19}, {0, 19}, {17, 18}}
	for _, n := range []int{1, 2, len(keys)} {
		rapid.Check(t, func(rt *rapid.T) {
			sink := &record{tb: t}
			c := NewCollector(sink, seed, 0, 0, []OutputSpec{{Name: DefaultStream, Fields: fieldNames(fields), KeySets: keys[:n], Routed: true}})
			long := rapid.Bool().Draw(rt, "long")
			var want [][]Value
			for range 3 { // the first begins a batch, the others find one
				values := make([]Value, fields)
				for i := range values {
					switch rapid.IntRange(0, 4).Draw(rt, "type") {
					case 0:
						values[i] = Int(rapid.Int64Range(-5, 5).Draw(rt, "int"))
					case 1:
						values[i] = Float(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1.5, math.NaN()}).Draw(rt, "float"))
					case 2:
						values[i] = String(rapid.StringMatching("[a-zü]{0,5}").Draw(rt, "string"))
					case 3:
						values[i] = Bool(true)
					}
				}
				if long {
					values[5] = String(strings.Repeat("long", 50))
				}
				ok(t, c.Emit(values...))
				want = append(want, values)
			}
			ok(t, c.Flush())
			for i, tuple := range sink.tuples(0) {
				for k, key := range keys[:n] {
					var values []Value
					for _, f := range key {
						values = append(values, want[i][f])
					}
					if h, found := wire.KeyHash(tuple.Raw(), k); !found || h != keyHash(seed, values...) {
						rt.Fatalf("tuple %d, key %v: hash %#x, %v, want %#x", i, key, h, found, keyHash(seed, values...))
					}
				}
				if h, found := tuple.KeyHash(); !found || h == 0 {
					rt.Fatalf("the tuple itself says that its hash is %#x, %v", h, found)
				}
			}
		})
	}
}
