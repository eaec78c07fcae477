package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// readSystem takes what the kernel tells of the machine.
func (m *Machine) readSystem() {
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = procText(info, "model name")
	}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		m.MemoryBytes = procNumber(info, "MemTotal") << 10
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	m.Mitigations = mitigations("/sys/devices/system/cpu/vulnerabilities")
}

// mitigations sums up what the kernel says of processor faults: those it works
// around, which costs time, and those it leaves open.
func mitigations(dir string) string {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		return ""
	}
	var mitigated, open []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		switch name := filepath.Base(file); {
		case bytes.HasPrefix(text, []byte("Mitigation")):
			mitigated = append(mitigated, name)
		case bytes.HasPrefix(text, []byte("Vulnerable")):
			open = append(open, name)
		}
	}
	slices.Sort(mitigated)
	slices.Sort(open)
	return fmt.Sprintf("mitigated: %s; vulnerable: %s", orNone(mitigated), orNone(open))
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// procText returns the value behind "name" and a colon at the start of a line.
func procText(text []byte, name string) string {
	for line := range bytes.Lines(text) {
		key, value, found := bytes.Cut(line, []byte(":"))
		if found && string(bytes.TrimSpace(key)) == name {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// procNumber is procText for a number that a unit may follow; 0 if there is none.
func procNumber(text []byte, name string) uint64 {
	value, _, _ := strings.Cut(procText(text, name), " ")
	n, _ := strconv.ParseUint(value, 10, 64)
	return n
}

// ticksPerSecond is the unit of /proc/stat, which is the same on all machines.
const ticksPerSecond = 100

// readProcessors returns the time of all processors together since boot.
func readProcessors() processors {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return processors{}
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return parseProcessors(string(line))
}

// parseProcessors reads the first line of /proc/stat: cpu user nice system idle
// iowait irq softirq steal, and guest times, which are part of user time.
func parseProcessors(line string) processors {
	fields := strings.Fields(line)
	const idle, iowait, steal = 4, 5, 8
	if len(fields) <= steal || fields[0] != "cpu" {
		return processors{}
	}
	var p processors
	for i, field := range fields[1 : steal+1] {
		ticks, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return processors{}
		}
		seconds := float64(ticks) / ticksPerSecond
		p.total += seconds
		switch i + 1 {
		case idle, iowait:
		case steal:
			p.stolen = seconds
		default:
			p.busy += seconds
		}
	}
	return p
}

// contextSwitches returns the switches of a process's present threads since
// they began. ok is false where they are unknown.
func contextSwitches(pid int) (n switches, ok bool) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return switches{}, false
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		n.voluntary += procNumber(text, "voluntary_ctxt_switches")
		n.involuntary += procNumber(text, "nonvoluntary_ctxt_switches")
		ok = true
	}
	return n, ok
}

// readsAndWrites returns the system calls of each process that the kernel accounts as reads and writes.
func readsAndWrites(pids []int) map[int]uint64 {
	calls := map[int]uint64{}
	for _, pid := range pids {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid)); err == nil {
			calls[pid] = procNumber(text, "syscr") + procNumber(text, "syscw")
		}
	}
	return calls
}
