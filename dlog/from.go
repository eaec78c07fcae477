package dlog

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/dlog/segment"
)

// Forms of a From as text.
const (
	fromFirst  = "first"
	fromLast   = "last"
	fromOffset = "offset:"
	fromTxID   = "txid:"
	fromTime   = "time:"
)

// String returns the place as ParseFrom reads it.
func (f From) String() string {
	switch {
	case f.end:
		return fromLast
	case f.key == segment.ByTxID:
		return fromTxID + strconv.FormatInt(f.value, 10)
	case f.key == segment.ByTime:
		return fromTime + time.Unix(0, f.value).UTC().Format(time.RFC3339Nano)
	case f.value == firstKept:
		return fromFirst
	default:
		return fromOffset + strconv.FormatInt(f.value, 10)
	}
}

// ParseFrom reads a place: first, last, offset:N, txid:N, or time:T with T as of RFC 3339.
func ParseFrom(text string) (From, error) {
	switch text {
	case fromFirst:
		return First, nil
	case fromLast:
		return Last, nil
	}
	if n, ok := strings.CutPrefix(text, fromOffset); ok {
		if v, err := strconv.ParseUint(n, 10, 64); err == nil {
			return Offset(v), nil
		}
	}
	if n, ok := strings.CutPrefix(text, fromTxID); ok {
		if v, err := strconv.ParseInt(n, 10, 64); err == nil {
			return TxID(v), nil
		}
	}
	if at, ok := strings.CutPrefix(text, fromTime); ok {
		if v, err := time.Parse(time.RFC3339Nano, at); err == nil && v.Equal(time.Unix(0, v.UnixNano())) {
			return Time(v), nil
		}
	}
	return From{}, fmt.Errorf("dlog: %q is no place in a log: use first, last, offset:N, txid:N or time:2006-01-02T15:04:05Z", text)
}
