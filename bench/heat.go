package bench

import (
	"encoding/json"
	"fmt"
	"math/bits"
)

// heatColumns is the number of stretches into which a run is divided.
const heatColumns = 50

// heatRows is the number of counts of a HeatColumn: its last one ends beyond longest.
const heatRows = 54

// heat counts latencies over time. Its zero value, with width 0, counts nothing.
type heat struct {
	width  int64 // of a stretch, in nanoseconds
	first  int64 // instant of the first tuple, 0 before it
	counts [heatColumns][heatRows]uint64
}

// add counts a tuple that was due at an instant.
func (h *heat) add(instant, latency int64) {
	if h.width == 0 {
		return
	}
	if h.first == 0 {
		h.first = instant
	}
	column := min(max(0, (instant-h.first)/h.width), heatColumns-1)
	h.counts[column][heatRow(latency)]++
}

// heatRow returns the entry of HeatColumn.Counts for a time in nanoseconds.
func heatRow(nanos int64) int {
	const fraction = 16                                // bits of a microsecond
	micros := uint64(max(0, nanos)) << fraction / 1000 // nanos is below 2^47
	whole := bits.Len64(micros) - 1                    // 2^whole <= micros < 2^(whole+1)
	if whole < fraction {
		return 0
	}
	row := 2 * (whole - fraction)
	if micros<<(63-whole) >= 0xb504f333f9de6485 { // 2^63.5, rounded up
		row++
	}
	return min(row, heatRows-1)
}

// published returns the columns in which something was counted.
func (h *heat) published() []HeatColumn {
	var columns []HeatColumn
	for i := range h.counts {
		used := heatRows
		for used > 0 && h.counts[i][used-1] == 0 {
			used--
		}
		if used > 0 {
			columns = append(columns, HeatColumn{
				Second: float64(int64(i)*h.width) / 1e9, Counts: h.counts[i][:used],
			})
		}
	}
	return columns
}

// readHeat decodes what the only timing task has published.
func readHeat(p published) ([]HeatColumn, error) {
	var columns []HeatColumn
	for task, data := range p[heatName] {
		if err := json.Unmarshal(data, &columns); err != nil {
			return nil, fmt.Errorf("bench: latencies over time of task %d: %w", task, err)
		}
	}
	return columns, nil
}

// addHeat adds up the columns of two runs of the same schedule.
func addHeat(a, b []HeatColumn) []HeatColumn {
	var sum []HeatColumn
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Second < b[0].Second:
			sum, a = append(sum, a[0]), a[1:]
		case len(a) == 0 || b[0].Second < a[0].Second:
			sum, b = append(sum, b[0]), b[1:]
		default:
			column := HeatColumn{Second: a[0].Second, Counts: make([]uint64, max(len(a[0].Counts), len(b[0].Counts)))}
			for _, counts := range [][]uint64{a[0].Counts, b[0].Counts} {
				for i, n := range counts {
					column.Counts[i] += n
				}
			}
			sum, a, b = append(sum, column), a[1:], b[1:]
		}
	}
	return sum
}
