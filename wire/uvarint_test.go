package wire

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// anyWidth draws numbers of which all widths are as likely.
func anyWidth(t *rapid.T) uint64 {
	return rapid.Uint64().Draw(t, "number") >> rapid.IntRange(0, 63).Draw(t, "shift")
}

// TestUvarint compares the varints by machine words with those of the standard library.
func TestUvarint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := anyWidth(t)
		want := binary.AppendUvarint(nil, u)
		var b [binary.MaxVarintLen64]byte
		if n := putUvarint(&b, u); string(b[:n]) != string(want) {
			t.Fatalf("%#x: % x, want % x", u, b[:n], want)
		}
		behind := rapid.SliceOf(rapid.Byte()).Draw(t, "behind")
		body := slices.Concat(want, behind)
		got, n := uvarint8(body)
		switch {
		case n == 0 && len(want) <= 8 && len(body) >= 8:
			t.Fatalf("%#x in % x is not read", u, body)
		case n != 0 && (got != u || n != len(want)):
			t.Fatalf("%#x in % x is read as %#x of %d bytes", u, body, got, n)
		}
	})
}

// TestUvarintOverlong reads numbers with bytes that say nothing, as the standard library does.
func TestUvarintOverlong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 8, 12).Draw(t, "bytes")
		want, w := binary.Uvarint(b)
		if got, n := uvarint8(b); n != 0 && (got != want || n != w) {
			t.Fatalf("% x: %#x of %d bytes, want %#x of %d", b, got, n, want, w)
		}
	})
}
