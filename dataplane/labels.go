package dataplane

import (
	"context"
	"runtime/pprof"
	"strconv"
)

// What goroutines of a stream manager do, for the label stage of profiles.
const (
	stageRoute  = "route"  // the event loop
	stageAccept = "accept" // links
	stageClock  = "clock"
	stageDial   = "dial"   // peers
	stageAppend = "append" // to logs
)

// label marks the calling goroutine, and those that it starts, for CPU and
// goroutine profiles. It is called once a goroutine, so a tuple costs nothing.
func (m *Manager) label(ctx context.Context, stage string) {
	pprof.SetGoroutineLabels(pprof.WithLabels(ctx, pprof.Labels(
		"component", "stream-manager", "stage", stage, "container", strconv.Itoa(int(m.cfg.Container)))))
}
