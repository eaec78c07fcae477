package main

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// setting is what a run is made of.
type setting struct {
	dir      string
	writers  int
	batch    int // records of an append
	bytes    int // of a record
	duration time.Duration
}

// engine is something that makes appends durable.
type engine struct {
	name       string
	setting    string // how it is set up, in words
	durability string // what is synced before an append is acknowledged, in words
	version    func() (string, error)
	oneWriter  bool // its contract allows only one
	maxBatch   int  // 0: none

	// open makes a store in the directory, or opens the one that is there.
	open func(s setting) (store, error)
}

// store is an engine at work.
type store interface {
	// writer returns the append function of one goroutine. It borrows the records; when it returns, they are durable.
	writer() (func(records [][]byte) error, error)
	// read visits all records in any order. A record is borrowed until visit returns.
	read(visit func(record []byte) error) error
	// syncs returns how often was synced since it was opened, or -1 when that cannot be counted.
	syncs() int64
	close() error
}

// childStore is a store whose work is done by another process.
type childStore interface {
	store
	// cpu returns the CPU seconds that the process has taken.
	cpu() (float64, error)
}

var engines = []engine{
	bareEngine,
	pebbleEngine,
	bboltEngine,
	raftWALEngine,
	natsEngine,
	natsTCPEngine,
	natsAtomicEngine,
	redisEngine,
}

func engineNamed(name string) (engine, error) {
	var names []string
	for _, e := range engines {
		if e.name == name {
			return e, nil
		}
		names = append(names, e.name)
	}
	return engine{}, &SettingError{"--engine", name, "there are " + strings.Join(names, ", ")}
}

// builtWith returns the function that tells the version of a module in this program.
func builtWith(module string) func() (string, error) {
	return func() (string, error) {
		info, ok := debug.ReadBuildInfo()
		if !ok {
			return "", fmt.Errorf("%w: built without modules", ErrUnavailable)
		}
		for _, dep := range info.Deps {
			if dep.Path == module {
				return dep.Version, nil
			}
		}
		return "", fmt.Errorf("%w: built without %s", ErrUnavailable, module)
	}
}

// validate says what of a setting e cannot do.
func (e engine) validate(s setting) error {
	wrong := func(flag string, value any, reason string) error {
		return &SettingError{flag, fmt.Sprint(value), reason}
	}
	switch {
	case s.dir == "":
		return &SettingError{"--dir", "", "say where to write"}
	case s.writers < 1 || s.writers > 65536:
		return wrong("--writers", s.writers, "1 to 65536")
	case s.batch < 1 || s.batch > 1e6:
		return wrong("--batch", s.batch, "1 to 1000000")
	case s.bytes < 16 || s.bytes > 1<<20:
		return wrong("--bytes", s.bytes, "16 to 1048576")
	case s.duration <= 0 || s.duration > time.Hour:
		return wrong("--duration", s.duration, "more than 0, at most 1h")
	case int64(s.writers)*int64(s.batch)*int64(s.bytes) > 1<<30:
		return wrong("--batch", s.batch, "writers x batch x bytes is more than 1 GiB")
	case e.oneWriter && s.writers > 1:
		return wrong("--writers", s.writers, e.name+" has one writer by its contract")
	case e.maxBatch > 0 && s.batch > e.maxBatch:
		return wrong("--batch", s.batch, fmt.Sprintf("%s takes at most %d", e.name, e.maxBatch))
	}
	return nil
}
