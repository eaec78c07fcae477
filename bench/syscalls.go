package bench

// SyscallSource says how system calls were counted.
type SyscallSource string

// The sources.
const (
	// AllSyscalls are those that the kernel's tracepoint sees.
	AllSyscalls SyscallSource = "all"
	// ReadsAndWrites are those that the kernel accounts as reads and writes.
	// Waiting for sockets, timers and other threads is not among them.
	ReadsAndWrites SyscallSource = "reads and writes only"
	// NoSyscalls means that they could not be counted.
	NoSyscalls SyscallSource = "unknown"
)
