package pipe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/topology"
)

const (
	defaultBatchRecords = 1000
	defaultBatchBytes   = 64 << 10
	// drainEvery is for how long a batch waits for more.
	drainEvery = 5 * time.Millisecond
	// taskMark stands in Sink.Log for the index of the task.
	taskMark = "{task}"
)

// Sink configures a bolt.
type Sink struct {
	// Dir is the folder of the store.
	Dir string
	// Log is the name of the log, which is made if it is not there. A log has one writer: of several tasks each needs its
	// own, so that "{task}" must stand in the name then, for the index of the task.
	Log string
	// Epoch is that of the writer. Zero stands for one more than the log has seen: whoever opens it last is the writer.
	Epoch uint64
	// Encode says what the records are: Tuples, which a Source reads back with the same values, or Raw: the bytes of the
	// tuple's first field, a string or bytes.
	Encode Decode
	// BatchRecords and BatchBytes bound a batch: 1 or more. Defaults: 1,000 and 64 KiB. A record more may be in it, and
	// fewer are when there is nothing to do for 5 ms.
	BatchRecords, BatchBytes int
	// Host makes the bolt open a store that nobody serves, which is made if it is not there, and serve it until Close.
	Host bool
}

// Validate returns all that is wrong with the configuration.
func (s Sink) Validate() error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...)))
	}
	if s.Dir == "" {
		fault("Dir is empty: name a store")
	}
	if s.Log == "" || len(s.Log) > maxName {
		fault("Log %.40q has %d bytes, allowed are 1 to %d", s.Log, len(s.Log), maxName)
	}
	if s.Encode >= decodes {
		fault("Encode is %d: use Tuples or Raw", s.Encode)
	}
	if s.BatchRecords < 0 || s.BatchBytes < 0 {
		fault("BatchRecords and BatchBytes are %d and %d, want 1 or more", s.BatchRecords, s.BatchBytes)
	}
	return errors.Join(errs...)
}

func (s Sink) withDefaults() Sink {
	if s.BatchRecords == 0 {
		s.BatchRecords = defaultBatchRecords
	}
	if s.BatchBytes == 0 {
		s.BatchBytes = defaultBatchBytes
	}
	return s
}

// forTask returns the sink of a task.
func (s Sink) forTask(task *topology.Task) (Sink, error) {
	if task.Parallelism > 1 && !strings.Contains(s.Log, taskMark) {
		return s, fmt.Errorf("%w: %d tasks would append to log %q, which can have one writer: put %s into its name", ErrConfig, task.Parallelism, s.Log, taskMark)
	}
	s.Log = strings.ReplaceAll(s.Log, taskMark, strconv.Itoa(task.Index))
	return s, nil
}

// Appends is the option for a bolt of NewBolt: it acks its inputs itself, and has what waits appended now and then.
func Appends() topology.Option {
	return func(c *topology.Component) {
		topology.ManualAck()(c)
		topology.TickEvery(drainEvery)(c)
	}
}

// lasts reports whether an error of a writer ends it for good.
func lasts(err error) bool {
	for _, e := range []error{dlog.ErrFenced, dlog.ErrSealed, dlog.ErrDeleted, ErrReplaced} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
