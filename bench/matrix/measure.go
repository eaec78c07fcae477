package matrix

import (
	"context"

	"github.com/ardea-stream/ardea/bench"
)

// measurement measures a section. What was measured before an error is returned with it.
type measurement func(context.Context, bench.Config) (*bench.Section, error)

// measurements are those of package bench.
var measurements = map[bench.SectionKind]measurement{
	bench.KindThroughput: bench.MeasureThroughput,
	bench.KindLatency:    bench.MeasureFixed,
	bench.KindCurve:      bench.MeasureCurve,
	bench.KindAblation:   bench.MeasureAblation,
}
