package pipe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/topology"
)

// Decode says what the records of a log are.
type Decode uint8

const (
	// Tuples are what durable streams and bolts of this package write. Their values are emitted as they are, on a stream
	// that declares as many fields.
	Tuples Decode = iota
	// Raw are bytes of any kind. They are emitted as the one field of the stream.
	Raw

	decodes
)

// storeMark is the file by which a store's folder is known.
const storeMark = "STORE"

const (
	defaultPending = 64 << 20
	maxName        = 255
)

// Source configures a spout.
type Source struct {
	// Dir is the folder of a store, or the LogDir of a topology: then the log is read in all stores in it, one for each
	// container. The store of number n is read by task n modulo parallelism, so there may not be more tasks than stores.
	// Stores that are made later are seen when the task starts again.
	Dir string
	// Log is the name of the log. The spout is idle while a store that it follows does not have it.
	Log string
	// Subscription is the name under which the position is kept in each log. Nobody else may use it.
	Subscription string
	// From is where a subscription begins that is new. The zero value stands for dlog.First.
	From dlog.From
	// Decode says what the records are.
	Decode Decode
	// Follow makes the spout wait for more at the end, until the log is sealed. Without it the spout ends at what was the
	// end when it came there.
	Follow bool
	// PendingBytes is how many bytes of batches may have records under way: 1 or more. Default: 64 MiB. One batch more
	// always may.
	PendingBytes int64
	// Host makes the spout open a store that nobody serves, and serve it, until Close: for logs that nobody writes any
	// more. Whoever wants to open such a store meanwhile cannot.
	Host bool
}

// Validate returns all that is wrong with the configuration.
func (s Source) Validate() error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...)))
	}
	if s.Dir == "" {
		fault("Dir is empty: name a store or a log folder")
	}
	if s.Log == "" || len(s.Log) > maxName {
		fault("Log %.40q has %d bytes, allowed are 1 to %d", s.Log, len(s.Log), maxName)
	}
	if s.Subscription == "" || len(s.Subscription) > maxName {
		fault("Subscription %.40q has %d bytes, allowed are 1 to %d", s.Subscription, len(s.Subscription), maxName)
	}
	if s.Decode >= decodes {
		fault("Decode is %d: use Tuples or Raw", s.Decode)
	}
	if s.PendingBytes < 0 {
		fault("PendingBytes is %d, want 1 or more", s.PendingBytes)
	}
	return errors.Join(errs...)
}

func (s Source) withDefaults() Source {
	if s.From == (dlog.From{}) {
		s.From = dlog.First
	}
	if s.PendingBytes == 0 {
		s.PendingBytes = defaultPending
	}
	return s
}

// stores returns the folders of the stores that a task reads, in the order of their numbers, and whether dir is a folder
// of such.
func stores(dir string, task *topology.Task) (dirs []string, many bool, err error) {
	if isStore(dir) {
		if task.Index > 0 {
			return nil, false, &NoStoreError{Dir: dir, Task: task.Index, Tasks: task.Parallelism, Stores: []uint64{1}}
		}
		return []string{dir}, false, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, false, fmt.Errorf("pipe: %w", err)
	}
	var numbers, mine []uint64
	for _, e := range entries {
		n, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil || strconv.FormatUint(n, 10) != e.Name() || !isStore(filepath.Join(dir, e.Name())) {
			continue
		}
		numbers = append(numbers, n)
		if n%uint64(task.Parallelism) == uint64(task.Index) {
			mine = append(mine, n)
		}
	}
	slices.Sort(numbers)
	slices.Sort(mine)
	if len(mine) == 0 || len(numbers) < task.Parallelism {
		return nil, true, &NoStoreError{Dir: dir, Task: task.Index, Tasks: task.Parallelism, Stores: numbers}
	}
	for _, n := range mine {
		dirs = append(dirs, filepath.Join(dir, strconv.FormatUint(n, 10)))
	}
	return dirs, true, nil
}

func isStore(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, storeMark))
	return err == nil
}
