package torture

import (
	"errors"
	"fmt"
	"time"
)

// Config says how a store is tortured. The zero value of each field means its default, where there is one.
type Config struct {
	Dir      string        // where a folder for the stores is made. Default: the system's for temporary files
	Duration time.Duration // in all: 100 ms or more. Default: 1 minute
	Seed     uint64        // what is killed and flipped, and when, follows from it. Default: a random one
	Keep     bool          // leave the store where it is

	// ChildArgs are the arguments with which this program calls Child.
	ChildArgs func(spec string) []string
	// Progress is told what was done, line by line. Default: nobody is.
	Progress func(line string)

	plant   string                          // a bug that the verification must find, for tests
	free    func(dir string) (int64, error) // how much room there is, -1 if it is not known. Default: the system is asked
	enough  func(*Report) bool              // ends the run before its time is up, for tests. Default: nothing does
	silence time.Duration                   // how long a process may take until it acknowledges something. Default: 1 minute
}

// DefaultDuration is that of Config.
const DefaultDuration = time.Minute

const leastDuration = 100 * time.Millisecond

// Validate returns what is wrong with the configuration.
func (c Config) Validate() error {
	switch {
	case c.Duration != 0 && c.Duration < leastDuration:
		return fmt.Errorf("the duration is %v, want %v or more", c.Duration, leastDuration)
	case c.ChildArgs == nil:
		return errors.New("torture: there is no process to kill: set ChildArgs")
	}
	return nil
}
