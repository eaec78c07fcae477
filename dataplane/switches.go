package dataplane

import (
	"slices"
	"strings"
)

// Switch is an optimization that can be turned off, to measure what it is worth.
type Switch struct {
	// Name stands in the name of a mode, as in "optimized-hash".
	Name string
	// Text says what is done without it, in one line.
	Text string
	set  func(*Mode)
}

// Switches lists what can be turned off from the mode optimized, in the order
// of their names in String. Those that concern tasks and processes are carried
// out by packages instance and local.
var Switches = []Switch{
	{"hash", "tuples carry no key hash: the stream manager decodes their key fields and hashes them", func(m *Mode) { m.NoHash = true }},
	{"writev", "every frame is written by a system call of its own", func(m *Mode) { m.NoGather = true }},
	{"passthrough", "frames that go on whole are copied out of the receive buffer first", func(m *Mode) { m.NoPassThrough = true }},
	{"reuse", "every buffer is newly allocated", func(m *Mode) { m.NoReuse = true }},
	{"drain", "batches wait for their size or age, also when there is no more input", func(m *Mode) { m.NoDrain = true }},
	{"batch", "batches hold up to 4 KiB", func(m *Mode) { m.SmallBatches = true }},
	{"procs", "every process runs as many threads as the machine has cores", func(m *Mode) { m.AllProcs = true }},
}

// SmallBatch is the size of batches without the switch "batch", in bytes.
const SmallBatch = 4 << 10

// switchesOff are the ways in which a Mode differs from optimized.
type switchesOff struct {
	// NoHash: frames come without key hashes; key fields are decoded and hashed here.
	NoHash bool
	// NoGather: one write per frame, where frames for the same place are else written together.
	NoGather bool
	// NoPassThrough: frames are not written out of the receive buffer but copied first.
	NoPassThrough bool
	// NoReuse: buffers are not pooled. It is a matter of the whole process, see pool.WithoutReuse.
	NoReuse bool
	// NoDrain: nothing is sent because a turn of the event loop, or a task's input, has ended.
	NoDrain bool
	// SmallBatches: batches of SmallBatch bytes.
	SmallBatches bool
	// AllProcs: GOMAXPROCS of every process is the number of cores.
	AllProcs bool
}

// switchOff carries out the names behind "optimized-". It reports false if one is unknown or stands there twice.
func (m *Mode) switchOff(names string) bool {
	seen := map[string]bool{}
	for name := range strings.SplitSeq(names, "-") {
		i := slices.IndexFunc(Switches, func(s Switch) bool { return s.Name == name })
		if i < 0 || seen[name] {
			return false
		}
		seen[name] = true
		Switches[i].set(m)
	}
	return true
}

func switchNames() []string {
	var names []string
	for _, s := range Switches {
		names = append(names, "-"+s.Name)
	}
	return names
}
