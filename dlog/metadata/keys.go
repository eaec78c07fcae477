package metadata

import (
	"encoding/binary"
	"fmt"
)

// The kinds of rows: the first byte of their keys. docs/log-metadata.md lists them.
const (
	kindState        = 'a' // the one row of counters
	kindFile         = 'f' // file, log: that the log uses the file
	kindLog          = 'l' // log
	kindName         = 'n' // name of a log
	kindSegment      = 's' // log, file
	kindTombstone    = 't' // log that was deleted
	kindSubscription = 'u' // log, name
)

// key returns the key of a row: its kind and numbers, big-endian so that they sort.
func key(kind byte, numbers ...uint64) []byte {
	k := make([]byte, 1, 1+8*len(numbers)+MaxName)
	k[0] = kind
	for _, n := range numbers {
		k = binary.BigEndian.AppendUint64(k, n)
	}
	return k
}

func nameKey(name string) []byte { return append(key(kindName), name...) }

func subscriptionKey(log uint64, name string) []byte {
	return append(key(kindSubscription, log), name...)
}

// behind returns the first key that does not begin with a prefix, which must not end with 0xff.
func behind(prefix []byte) []byte {
	end := append([]byte{}, prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// number returns the i-th number of a key. The key must be long enough.
func number(k []byte, i int) uint64 { return binary.BigEndian.Uint64(k[1+8*i:]) }

// keyShape is how many numbers the keys of a kind have, and whether a name follows.
var keyShape = map[byte]struct {
	what    string
	numbers int
	named   bool
}{
	kindState:        {"the counters", 0, false},
	kindFile:         {"the use of file %d by log %d", 2, false},
	kindLog:          {"log %d", 1, false},
	kindName:         {"the name", 0, true},
	kindSegment:      {"log %d, file %d", 2, false},
	kindTombstone:    {"deleted log %d", 1, false},
	kindSubscription: {"a subscription to log %d,", 1, true},
}

// describe says what the row of a key is about.
func describe(k []byte) string {
	if !wellFormed(k) {
		return fmt.Sprintf("key %q", k)
	}
	shape := keyShape[k[0]]
	numbers := make([]any, shape.numbers)
	for i := range numbers {
		numbers[i] = number(k, i)
	}
	what := fmt.Sprintf(shape.what, numbers...)
	if shape.named {
		what += fmt.Sprintf(" %q", k[1+8*shape.numbers:])
	}
	return what
}

// wellFormed says whether a key is one that this package writes.
func wellFormed(k []byte) bool {
	if len(k) == 0 {
		return false
	}
	shape, known := keyShape[k[0]]
	rest := len(k) - 1 - 8*shape.numbers
	return known && (rest == 0 || shape.named && rest > 0)
}
