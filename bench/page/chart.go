package page

import (
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/profiles"
)

// block is one part of a section: any of its fields may be empty.
type block struct {
	Heading string
	Text    []string
	Table   *table
	Chart   *chart
	// Folded hides the table until a reader opens it. Summary says what it holds.
	Folded  bool
	Summary string
}

// table is rows of text. The first Left columns stand to the left, others to the right.
type table struct {
	Head []string
	Rows [][]string
	Left int
	// Mark is the index of a row to stress, -1 for none.
	Mark int
}

// chart is a picture. Its alternatives are drawn one at a time, by choice of the
// reader; Table holds the same as text.
type chart struct {
	ID    string `json:"-"`
	Title string `json:"-"`
	Note  string `json:"-"`
	Table table  `json:"-"`

	Kind         string        `json:"kind"`
	Alternatives []alternative `json:"alts"`
}

// alternative is one drawing of a chart. Which fields count depends on the chart's kind.
type alternative struct {
	Label string `json:"label,omitempty"`
	// Unit names what the axis shows: one of those that the script can write.
	Unit string `json:"unit,omitempty"`
	Log  bool   `json:"log,omitempty"`

	Rows   []row    `json:"rows,omitempty"`   // bars, stack, forest
	Marks  []mark   `json:"marks,omitempty"`  // lines across the chart
	Series []series `json:"series,omitempty"` // lines
	X      *axis    `json:"x,omitempty"`      // lines, heat

	Columns [][]uint64 `json:"columns,omitempty"` // heat: counts by latency, a column for each stretch
	Starts  []float64  `json:"starts,omitempty"`  // heat: seconds

	Root  *node   `json:"root,omitempty"`  // flame
	Scale float64 `json:"scale,omitempty"` // flame: nanoseconds per tuple of the whole, zero if not known
	Diff  bool    `json:"diff,omitempty"`  // flame: nodes have changes
	After bool    `json:"after,omitempty"` // flame: widths of a differential one are those after, not before
}

// row is a bar, a stacked bar, or an interval.
type row struct {
	Label string    `json:"l"`
	Note  string    `json:"n,omitempty"`
	Color string    `json:"c,omitempty"`
	Value float64   `json:"v"`
	Low   float64   `json:"lo,omitempty"`
	High  float64   `json:"hi,omitempty"`
	Dots  []float64 `json:"d,omitempty"` // single measurements
	Text  string    `json:"t"`           // the value in words
	Parts []part    `json:"p,omitempty"` // of a stacked bar
}

// part is a piece of a stacked bar.
type part struct {
	Label string  `json:"l"`
	Color string  `json:"c"`
	Value float64 `json:"v"`
	Text  string  `json:"t"`
}

// series is a line of points. Points have x and y.
type series struct {
	Label  string       `json:"l"`
	Color  string       `json:"c"`
	Dashed bool         `json:"dash,omitempty"`
	Points [][2]float64 `json:"p"`
}

// mark is a line across a chart at a value.
type mark struct {
	Value float64 `json:"v"`
	Label string  `json:"l"`
	Color string  `json:"c,omitempty"`
}

// axis describes a horizontal axis.
type axis struct {
	Label string `json:"l"`
	Scale string `json:"s"` // log, linear or percentile
	Unit  string `json:"u"`
}

// node is a frame of a flame graph.
type node struct {
	Name     string  `json:"n"`
	Color    string  `json:"c,omitempty"`
	Value    float64 `json:"v"`
	Change   float64 `json:"d,omitempty"` // of a differential one, in the unit of Value
	Children []*node `json:"k,omitempty"`
}

// modeColors gives modes that everybody measures the same colour on every page.
var modeColors = map[string]string{
	"optimized": "--m1", "naive": "--m2", "heron2017": "--m3", "naive-unbatched": "--m4",
	"naive+pool": "--m5", "naive+inplace": "--m6", "naive+lazy": "--m7",
	"optimized acks": "--m5", "naive acks": "--m6", "heron2017 acks": "--m7",
}

const (
	limitColor   = "--limit"
	unknownColor = "--k14"
	// completeColor is that of complete latencies, whatever the mode: labels tell it.
	completeColor = "--m8"
)

// modeColor returns the colour of a mode; any other name gets one that only depends on the name.
func modeColor(name string) string {
	if c, ok := modeColors[name]; ok {
		return c
	}
	sum := 0
	for _, r := range name {
		sum += int(r)
	}
	return [...]string{"--m5", "--m6", "--m7", "--m8"}[sum%4]
}

// categoryColors has the colour of every category.
var categoryColors = func() map[profiles.Category]string {
	colors := map[profiles.Category]string{}
	for i, c := range profiles.Categories() {
		colors[c] = "--k" + strconv.Itoa(i+1)
	}
	return colors
}()

func categoryColor(c profiles.Category) string {
	if color, ok := categoryColors[c]; ok {
		return color
	}
	return unknownColor
}

// slug turns a name into an identifier of letters, digits and dashes.
func slug(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, name), "-")
}
