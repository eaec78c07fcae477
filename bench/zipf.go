package bench

import (
	"math"
	"math/bits"
)

// zipf draws ranks from 0 so that rank i is as likely as 1 / (i + 1)^skew, by
// Walker's alias method: one look into a table for any number of ranks. It is
// immutable and may be shared.
type zipf struct {
	slots []aliasSlot
}

// aliasSlot stands for its own rank with a probability of own / 2^32, else for other.
type aliasSlot struct{ own, other uint32 }

// newZipf returns a distribution of n ranks, 1 to 2^32 - 1 of them.
func newZipf(n int, skew float64) *zipf {
	weights := make([]float64, n)
	var sum float64
	for i := range weights {
		weights[i] = math.Pow(float64(i+1), -skew)
		sum += weights[i]
	}
	// Slots with less than the mean weight are filled up from one with more, until all have the mean.
	z := &zipf{slots: make([]aliasSlot, n)}
	var poor, rich []int
	for i := range weights {
		weights[i] *= float64(n) / sum
		z.slots[i] = aliasSlot{own: math.MaxUint32, other: uint32(i)}
		if weights[i] < 1 {
			poor = append(poor, i)
		} else {
			rich = append(rich, i)
		}
	}
	for len(poor) > 0 && len(rich) > 0 {
		p, r := poor[len(poor)-1], rich[len(rich)-1]
		poor = poor[:len(poor)-1]
		z.slots[p] = aliasSlot{own: uint32(weights[p] * math.MaxUint32), other: uint32(r)}
		weights[r] -= 1 - weights[p]
		if weights[r] < 1 {
			rich = rich[:len(rich)-1]
			poor = append(poor, r)
		}
	}
	return z
}

// draw turns 64 random bits into a rank.
func (z *zipf) draw(random uint64) uint64 {
	i, rest := bits.Mul64(random, uint64(len(z.slots)))
	if s := z.slots[i]; uint32(rest>>32) >= s.own {
		return uint64(s.other)
	}
	return i
}
