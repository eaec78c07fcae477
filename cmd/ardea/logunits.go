package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/dlog"
)

// byteUnits are the units in which bytes are given, longest names first.
var byteUnits = []struct {
	name string
	is   float64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"kB", 1e3},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
	{"", 1},
}

// parseBytes reads a number of bytes, 1 or more: 1000000, 64KiB, 1.5GB.
func parseBytes(text string) (int64, error) {
	for _, unit := range byteUnits {
		digits, found := strings.CutSuffix(text, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err == nil && n > 0 && n*unit.is >= 1 && n*unit.is <= 1<<50 && !strings.ContainsAny(digits, "eExX_+") {
			return int64(n * unit.is), nil
		}
		break
	}
	return 0, fmt.Errorf("%q is not a number of bytes: write 1000000, 64KiB, 512MiB, 1.5GiB or 10GB", text)
}

// formatBytes writes a number of bytes for people.
func formatBytes(n int64) string {
	const units = "KMGT"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	i, v := 0, float64(n)/(1<<10)
	for ; v >= 1<<10 && i < len(units)-1; i++ {
		v /= 1 << 10
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}

// bytesFlag is a flag of bytes, 0 for none.
type bytesFlag int64

// String returns the number.
func (b *bytesFlag) String() string { return strconv.FormatInt(int64(*b), 10) }

// Type is not shown: the usage names it.
func (b *bytesFlag) Type() string { return "bytes" }

// Set reads it.
func (b *bytesFlag) Set(text string) error {
	if text == "0" {
		*b = 0
		return nil
	}
	if strings.HasPrefix(text, "-") {
		return errors.New("it must not be negative; 0 keeps all")
	}
	n, err := parseBytes(text)
	*b = bytesFlag(n)
	return err
}

// ageFlag is a flag of a time span, 0 for none.
type ageFlag time.Duration

// String returns the span.
func (a *ageFlag) String() string { return time.Duration(*a).String() }

// Type is not shown: the usage names it.
func (a *ageFlag) Type() string { return "time" }

// Set reads it.
func (a *ageFlag) Set(text string) error {
	d, err := parseSpan(text)
	if err == nil && d < 0 {
		err = errors.New("it must not be negative; 0 keeps all")
	}
	*a = ageFlag(d)
	return err
}

// parseSpan reads a span of time as Go writes it, 90s or 1h30m, or in days or weeks, 7d or 2w.
func parseSpan(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	for suffix, unit := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if digits, found := strings.CutSuffix(text, suffix); found {
			n, err := strconv.ParseFloat(digits, 64)
			if span := n * float64(unit); err == nil && math.Abs(span) < math.MaxInt64 {
				return time.Duration(span), nil
			}
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time span: write 90s, 10m, 24h, 7d or 2w", text)
	}
	return d, nil
}

// placeUsage names the places of --from.
const placeUsage = "first, last, an offset, txid:N, a time such as 2006-01-02T15:04:05Z, or -10m for ten minutes ago"

// parsePlace reads a place in a log: first, last, 42, offset:42, txid:42, a time, or time:TIME. A time is RFC 3339, with
// no zone UTC, with no time of day midnight, seconds since 1970 behind time:, or how long ago: -10m, -2d.
func parsePlace(text string, now time.Time) (dlog.From, error) {
	wrong := usagef("--from %s: use %s", text, placeUsage)
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return dlog.Offset(n), nil
	}
	if at, is := strings.CutPrefix(text, "time:"); is {
		if t, ok := parseTime(at, now, true); ok {
			return dlog.Time(t), nil
		}
		return dlog.First, wrong
	}
	if t, ok := parseTime(text, now, false); ok {
		return dlog.Time(t), nil
	}
	if from, err := dlog.ParseFrom(text); err == nil {
		return from, nil
	}
	return dlog.First, wrong
}

// parseTime reads a time, also in seconds since 1970 if that is asked for.
func parseTime(text string, now time.Time, seconds bool) (time.Time, bool) {
	t, ok := readTime(text, now, seconds)
	return t, ok && t.Equal(time.Unix(0, t.UnixNano())) // others have no place in a log
}

func readTime(text string, now time.Time, seconds bool) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	if strings.HasPrefix(text, "-") {
		if d, err := parseSpan(text); err == nil && d < 0 {
			return now.Add(d), true
		}
	}
	if n, err := strconv.ParseFloat(text, 64); seconds && err == nil && math.Abs(n) < 1<<33 {
		whole, part := math.Modf(n)
		return time.Unix(int64(whole), int64(part*1e9)), true
	}
	return time.Time{}, false
}
