package logbench

import (
	"encoding/json"
	"io"
	"time"

	"github.com/ardea-stream/ardea/bench"
)

// Report is what was measured.
type Report struct {
	Machine bench.Machine `json:"machine"`
	Begun   time.Time     `json:"begun"`
	Config  Settings      `json:"config"`
	Figures []*Figure     `json:"figures"`
}

// Settings are what a report keeps of a Config.
type Settings struct {
	Seconds      float64 `json:"seconds"`
	Repeat       int     `json:"repeat"`
	ColdBytes    int64   `json:"cold_bytes"`
	RecoverBytes int64   `json:"recover_bytes"`
	Logs         int     `json:"logs"`
}

// Figure is one question and its answers.
type Figure struct {
	Name  string   `json:"name"`
	Title string   `json:"title"`
	Asked string   `json:"asked"` // what was asked, in words
	Rows  []*Row   `json:"rows"`
	Notes []string `json:"notes,omitempty"`
}

// Row is one answer beside its limit.
type Row struct {
	Name     string     `json:"name"`
	Unit     Unit       `json:"unit"`
	Measured bench.Stat `json:"measured"`
	Limit    bench.Stat `json:"limit"` // zero values stand for none
	LimitIs  string     `json:"limit_is,omitempty"`
	// Ratio is that of each repeat's measured value to its limit, turned so that more is better and 1 is the limit.
	Ratio bench.Stat `json:"ratio"`

	measured, limit, ratio []float64
}

// Unit is what numbers of a row count.
type Unit string

// The units.
const (
	PerSecond  Unit = "records/s"
	PerSecondO Unit = "logs/s"
	MBPerS     Unit = "MB/s"
	Micros     Unit = "us"
	Seconds    Unit = "s"
	SecPerGiB  Unit = "s/GiB"
	Bytes      Unit = "bytes"
	AllocsPer  Unit = "allocs/record"
)

// less says that less of it is better.
func (u Unit) less() bool { return u != PerSecond && u != PerSecondO && u != MBPerS }

// add adds one repeat's value and its limit, 0 for none, to a row, which it makes if it is not there yet.
func (f *Figure) add(name string, unit Unit, limitIs string, measured, limit float64) {
	row := f.row(name)
	if row == nil {
		row = &Row{Name: name, Unit: unit, LimitIs: limitIs}
		f.Rows = append(f.Rows, row)
	}
	row.measured = append(row.measured, measured)
	row.Measured = bench.NewStat(row.measured)
	if limitIs == "" {
		return
	}
	row.limit = append(row.limit, limit)
	row.Limit = bench.NewStat(row.limit)
	part, whole := measured, limit
	if unit.less() {
		part, whole = limit, measured
	}
	if whole > 0 && unit != AllocsPer {
		row.ratio = append(row.ratio, part/whole)
		row.Ratio = bench.NewStat(row.ratio)
	}
}

func (f *Figure) row(name string) *Row {
	for _, row := range f.Rows {
		if row.Name == name {
			return row
		}
	}
	return nil
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
