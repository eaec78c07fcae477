package journal

import "fmt"

// Position is where a record begins: the number of its file and the offset in it. Positions of one journal grow with
// time. The zero Position is before all others and is nobody's.
type Position uint64

func position(file, offset uint32) Position { return Position(file)<<32 | Position(offset) }

// File returns the number of the file, from 1.
func (p Position) File() uint32 { return uint32(p >> 32) }

// Offset returns the offset in the file, in bytes.
func (p Position) Offset() uint32 { return uint32(p) }

// String returns the file's number in hexadecimal, as in its name, and the offset in decimal.
func (p Position) String() string { return fmt.Sprintf("%08x:%d", p.File(), p.Offset()) }
