package bench

import (
	"fmt"
	"strings"
)

// Shares of the processors' time from which on a measurement counts as noisy.
const (
	noisySteal  = 0.02
	noisyOthers = 0.05
)

// Noise is what else the processors did while something was measured. It is
// zero where the system does not tell.
type Noise struct {
	StealShare  float64 `json:"steal_share"`  // of the processors' time, taken by the host
	OthersShare float64 `json:"others_share"` // of the processors' time, used by other programs
	Noisy       bool    `json:"noisy"`        // the host took more than 2 %, or others used more than 5 %
}

// processors is the time of all processors together since some moment, in
// seconds. It is zero where it is unknown.
type processors struct {
	busy, stolen, total float64
}

// noiseBetween returns the noise between two moments. own is the CPU time of
// what was measured meanwhile, in seconds.
func noiseBetween(before, after processors, own float64) Noise {
	total := after.total - before.total
	if total <= 0 {
		return Noise{}
	}
	n := Noise{
		StealShare:  (after.stolen - before.stolen) / total,
		OthersShare: max(0, after.busy-before.busy-own) / total,
	}
	n.Noisy = n.StealShare > noisySteal || n.OthersShare > noisyOthers
	return n
}

// describe names what disturbed, nothing if little did.
func (n Noise) describe() string {
	var what []string
	if n.StealShare > noisySteal {
		what = append(what, fmt.Sprintf("the host took %.0f %%", 100*n.StealShare))
	}
	if n.OthersShare > noisyOthers {
		what = append(what, fmt.Sprintf("other programs used %.0f %%", 100*n.OthersShare))
	}
	return strings.Join(what, ", ")
}

// NoiseMeter watches what else the processors do.
type NoiseMeter struct{ since processors }

// NewNoiseMeter begins to watch.
func NewNoiseMeter() NoiseMeter { return NoiseMeter{readProcessors()} }

// Noise returns what there was since NewNoiseMeter; own is the CPU time of what was measured meanwhile, in seconds.
func (m NoiseMeter) Noise(own float64) Noise { return noiseBetween(m.since, readProcessors(), own) }
