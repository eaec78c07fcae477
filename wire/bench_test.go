package wire

import (
	"testing"
)

// benchBatch returns a body of n keyed tuples of a word and a number.
func benchBatch(n int) []byte {
	words := []string{"abscissa", "backward", "calculus", "daylight", "eminence", "filament", "gathered", "heliacal"}
	var body []byte
	for i := range n {
		body = appendTuple(body, []uint64{uint64(i) * 0x9E3779B97F4A7C15}, String(words[i&7]), Int(int64(i)))
	}
	return body
}

// appendTuple appends a record with the long-way functions.
func appendTuple(dst []byte, hashes []uint64, values ...Value) []byte {
	size := KeyHashSize * len(hashes)
	for i := range values {
		n, err := values[i].Measure()
		if err != nil {
			panic(err)
		}
		size += n
	}
	dst = AppendRecordHeader(dst, size)
	start := len(dst)
	dst = AppendKeyHashes(dst, len(hashes))
	for i, h := range hashes {
		PutKeyHash(dst[start:], i, h)
	}
	for i := range values {
		dst = AppendValue(dst, &values[i])
	}
	return dst
}

func BenchmarkWalk(b *testing.B) {
	const tuples = 1000
	body := benchBatch(tuples)
	b.Run("read=hash", func(b *testing.B) {
		var sum uint64
		for b.Loop() {
			for off := 0; off < len(body); {
				tuple, end, ok := NextRecord(body, off)
				if !ok {
					b.Fatal("malformed")
				}
				h, _ := KeyHash(body[tuple:end], 0)
				sum += h
				off = end
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tuples, "ns/tuple")
	})
	b.Run("read=small hash", func(b *testing.B) {
		var sum uint64
		for b.Loop() {
			for off := 0; off < len(body)-SmallRecord; {
				end, h, ok := SmallKeyed(body, off)
				if !ok {
					b.Fatal("malformed")
				}
				sum += h
				off = end
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tuples, "ns/tuple")
	})
	b.Run("read=check", func(b *testing.B) {
		for b.Loop() {
			if _, err := CheckBatch(body); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tuples, "ns/tuple")
	})
	b.Run("read=bytes", func(b *testing.B) {
		var r Record
		n := 0
		for b.Loop() {
			for off := 0; off < len(body); {
				tuple, end, ok := NextRecord(body, off)
				if !ok {
					b.Fatal("malformed")
				}
				r.Reset(body[tuple:end])
				v, err := r.Bytes(0)
				if err != nil {
					b.Fatal(err)
				}
				n += len(v)
				off = end
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tuples, "ns/tuple")
	})
	b.Run("read=bytes+int", func(b *testing.B) {
		var r Record
		var n int64
		for b.Loop() {
			for off := 0; off < len(body); {
				tuple, end, ok := NextRecord(body, off)
				if !ok {
					b.Fatal("malformed")
				}
				r.Reset(body[tuple:end])
				v, _ := r.Bytes(0)
				i, err := r.Int(1)
				if err != nil {
					b.Fatal(err)
				}
				n += i + int64(len(v))
				off = end
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tuples, "ns/tuple")
	})
}
