package tracker

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/ardea-stream/ardea/wire"
)

// Edges makes the edges of the tuples of one task: 64-bit numbers by SplitMix64
// (Steele, Lea, Flood, OOPSLA 2014), seeded by the operating system, so that two
// processes do not make the same ones.
type Edges struct{ state uint64 }

// gamma is by how much the state of SplitMix64 grows.
const gamma = 0x9e3779b97f4a7c15

// NewEdges returns a generator with a seed of its own.
func NewEdges() Edges {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails
	return Edges{state: binary.LittleEndian.Uint64(seed[:])}
}

// Next returns an edge. It is never zero, which means done.
func (e *Edges) Next() uint64 {
	edge := wire.NextEdge(e.state)
	e.state += gamma
	if edge == 0 {
		return e.Next()
	}
	return edge
}
