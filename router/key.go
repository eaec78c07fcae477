package router

import "github.com/zeebo/xxh3"

// Key groups. A key belongs to the group named by the top bits of its hash and
// tasks own ranges of groups, so that rescaling moves groups, not every key.
const (
	KeyGroupBits = 12
	KeyGroups    = 1 << KeyGroupBits
)

// Hash returns the key hash of a canonical key: XXH3-64, with the topology's
// seed, over the concatenated entries of the key fields in the order of the
// key (wire.AppendKey). The entry of a field is type-tagged and
// length-delimited, so that no two different keys have the same bytes.
// The algorithm is that of xxHash 0.8; docs/wire.md holds test vectors.
func Hash(seed uint64, key []byte) uint64 { return xxh3.HashSeed(key, seed) }

// KeyGroup returns the key group of a key hash, 0 to KeyGroups-1.
func KeyGroup(hash uint64) int { return int(hash >> (64 - KeyGroupBits)) }

// Owners maps every key group to the index of the task that owns it.
type Owners [KeyGroups]uint16

// NewOwners divides the key groups among n tasks in contiguous ranges whose
// sizes differ by at most one. n must be 1 to KeyGroups.
func NewOwners(n int) *Owners {
	if n < 1 || n > KeyGroups {
		panic("router: a stream's key groups need 1 to 4096 tasks")
	}
	var o Owners
	for g := range o {
		o[g] = uint16(g * n / KeyGroups)
	}
	return &o
}

// Of returns the index of the task that owns the key of hash.
func (o *Owners) Of(hash uint64) int { return int(o[hash>>(64-KeyGroupBits)]) }
