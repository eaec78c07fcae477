package bench

import (
	"runtime"
	"runtime/debug"
)

// Machine is where and with what a report was measured.
type Machine struct {
	CPU         string `json:"cpu"` // model
	Cores       int    `json:"cores"`
	MemoryBytes uint64 `json:"memory_bytes"`
	OS          string `json:"os"`
	Arch        string `json:"arch"`
	Kernel      string `json:"kernel"`
	Go          string `json:"go"`
	Commit      string `json:"commit,omitempty"`      // of the program, with "+" if it was changed since
	Mitigations string `json:"mitigations,omitempty"` // of processor faults: what the kernel does or leaves open
}

// ThisMachine describes the machine and the program. What cannot be found out is left empty.
func ThisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version()}
	m.readSystem()
	if info, ok := debug.ReadBuildInfo(); ok {
		m.Commit = commit(info.Settings)
	}
	return m
}

func commit(settings []debug.BuildSetting) string {
	revision, changed := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}
