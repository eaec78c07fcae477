package rivals

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// markName is the environment variable by which the processes of a run are known.
const markName = "ARDEA_PEER_RUN"

// ticksPerSecond is the unit of CPU time in /proc, which is the same on all machines.
const ticksPerSecond = 100

// process is one that belongs to a run. A pid can be used again, but not with the same start.
type process struct {
	pid   int
	start uint64 // in ticks since boot
}

// usage is what a process has used, as far as that is known.
type usage struct {
	parent   int
	own      float64 // CPU seconds
	children float64 // CPU seconds of children that it has waited for
	peak     uint64  // most bytes that were ever resident
	ended    bool
}

// family is the processes of a run. It is for one goroutine.
type family struct {
	mark    string
	members map[process]usage // those that have ended too
	gone    float64           // CPU seconds of those that have ended and that no member has waited for
}

func newFamily(mark string) *family {
	return &family{mark: markName + "=" + mark, members: map[process]usage{}}
}

// look finds the members that live and takes their figures. It returns the CPU seconds of all so far.
func (f *family) look() float64 {
	alive := map[int]bool{}
	cpu := 0.0
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well-formed
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		p, u, ok := readStat(pid)
		if !ok {
			continue
		}
		before, known := f.members[p]
		if !known && !f.marked(pid) {
			continue
		}
		u.peak = max(readPeak(pid), before.peak)
		f.members[p] = u
		alive[pid] = true
		cpu += u.own + u.children
	}
	for p, u := range f.members {
		if alive[p.pid] || u.ended {
			continue
		}
		if !alive[u.parent] { // else its time is among that of its parent's children
			f.gone += u.own + u.children
		}
		u.ended = true
		f.members[p] = u
	}
	return cpu + f.gone
}

// alive returns the members that lived at the last look.
func (f *family) alive() []process {
	var all []process
	for p, u := range f.members {
		if !u.ended {
			all = append(all, p)
		}
	}
	return all
}

// peak returns the sum of the most bytes that each member has had resident, and how many there were.
func (f *family) peak() (bytes uint64, processes int) {
	for _, u := range f.members {
		bytes += u.peak
	}
	return bytes, len(f.members)
}

// marked reports whether a process carries the run's mark.
func (f *family) marked(pid int) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && bytes.Contains(env, []byte(f.mark+"\x00"))
}

// readStat reads /proc/PID/stat. ok is false for a process that has ended, also when nobody has waited for it yet.
func readStat(pid int) (process, usage, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, usage{}, false
	}
	end := bytes.LastIndexByte(text, ')') // of the name, which may hold anything
	if end < 0 {
		return process{}, usage{}, false
	}
	// Behind the name; field n of the manual is at n-3.
	const state, parent, user, system, childUser, childSystem, start = 0, 1, 11, 12, 13, 14, 19
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) <= start || fields[state] == "X" || fields[state] == "Z" {
		return process{}, usage{}, false
	}
	number := func(i int) uint64 {
		n, _ := strconv.ParseUint(fields[i], 10, 64) // of the kernel
		return n
	}
	u := usage{
		parent:   int(number(parent)),
		own:      float64(number(user)+number(system)) / ticksPerSecond,
		children: float64(number(childUser)+number(childSystem)) / ticksPerSecond,
	}
	return process{pid, number(start)}, u, true
}

// readPeak returns the most bytes of a process that were ever resident, 0 if it is not told.
func readPeak(pid int) uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	if !found {
		return 0
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseUint(fields[0], 10, 64) // of the kernel
	return n << 10
}

// signal sends a signal to a process, unless its pid belongs to another one by now.
func (p process) signal(s syscall.Signal) {
	if now, _, ok := readStat(p.pid); ok && now == p {
		_ = syscall.Kill(p.pid, s) // it may end at this moment
	}
}
