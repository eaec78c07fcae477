package serve

import (
	"errors"
	"fmt"
	"io"

	"github.com/ardea-stream/ardea/dlog"
)

// Errors that callers tell apart with errors.Is, beside those of package dlog.
var (
	// ErrGone says that the connection has ended: the server was closed or has died, or Close was called. Nothing
	// connects again by itself: Dial does. Whether an append that failed with it is in the log is not known; the log's
	// Info says what is.
	ErrGone = errors.New("serve: connection is gone")
	// ErrNotServed says that nobody serves the store.
	ErrNotServed = errors.New("serve: nobody serves the store")
	// ErrProtocol is the class of ProtocolError.
	ErrProtocol = errors.New("serve: the other side does not keep to the protocol")
	// ErrTooMany says that a connection has too many streams or writers open, or the server too many connections. Close
	// some.
	ErrTooMany = errors.New("serve: too many at a time")
)

// ProtocolError says what the other side has sent that it must not.
type ProtocolError struct{ Reason string }

// Error says it.
func (e *ProtocolError) Error() string { return fmt.Sprintf("%v: %s", ErrProtocol, e.Reason) }

// Unwrap returns ErrProtocol.
func (e *ProtocolError) Unwrap() error { return ErrProtocol }

// RemoteError is an error of the server. errors.Is and errors.As find in it what they would have found there.
type RemoteError struct {
	Text   string
	kinds  uint32 // a bit for each of sentinels
	detail error  // nil if there is none
}

// Error returns what the server said.
func (e *RemoteError) Error() string { return e.Text }

// Is says whether it is of a class.
func (e *RemoteError) Is(target error) bool {
	for i, s := range sentinels {
		if e.kinds>>i&1 == 1 && s == target {
			return true
		}
	}
	return false
}

// Unwrap returns the error with details that was wrapped, nil if there was none.
func (e *RemoteError) Unwrap() error { return e.detail }

// sentinels are the classes that go over the wire, by their bit. Their order is part of the protocol.
var sentinels = [...]error{
	dlog.ErrClosed, dlog.ErrExists, dlog.ErrNotFound, dlog.ErrDeleted, dlog.ErrName, dlog.ErrSealed, dlog.ErrFenced, dlog.ErrTxID,
	dlog.ErrBatch, dlog.ErrTooLarge, dlog.ErrFull, dlog.ErrUnknown, dlog.ErrStopped, dlog.ErrEnd, dlog.ErrTruncated,
	dlog.ErrBeyondEnd, dlog.ErrCorrupt, io.EOF, ErrTooMany, ErrProtocol, dlog.ErrReadOnly,
}

// Kinds of details.
const (
	noDetail = iota
	detailFenced
	detailTruncated
	detailBeyondEnd
	detailCorrupt
	detailProtocol
)

// An error on the wire: kinds u32, detail u8, three numbers u64, length u16 and text of the file, length u16 and text of
// the fault, and the text of the error, to the end.
const errorSize = 4 + 1 + 3*8 + 2 + 2

// clipText bounds texts of errors on the wire.
const clipText = 8 << 10

func clip(s string) string { return s[:min(len(s), clipText)] }

func appendError(dst []byte, err error) []byte {
	var kinds uint32
	for i, s := range sentinels {
		if errors.Is(err, s) {
			kinds |= 1 << i
		}
	}
	detail, a, b, c, file, fault := byte(noDetail), uint64(0), uint64(0), uint64(0), "", ""
	if e, ok := errors.AsType[*dlog.FencedError](err); ok {
		detail, a, b = detailFenced, e.Epoch, e.Seen
	} else if e, ok := errors.AsType[*dlog.TruncatedError](err); ok {
		detail, a = detailTruncated, e.First
	} else if e, ok := errors.AsType[*dlog.BeyondEndError](err); ok {
		detail, a = detailBeyondEnd, e.End
	} else if e, ok := errors.AsType[*dlog.CorruptError](err); ok {
		detail, a, b, c, file, fault = detailCorrupt, e.From, e.To, uint64(e.At), e.File, e.Err.Error()
	} else if e, ok := errors.AsType[*ProtocolError](err); ok {
		detail, fault = detailProtocol, e.Reason
	}
	dst = append(le.AppendUint32(dst, kinds), detail)
	for _, n := range [...]uint64{a, b, c} {
		dst = le.AppendUint64(dst, n)
	}
	for _, s := range [...]string{clip(file), clip(fault)} {
		dst = append(le.AppendUint16(dst, uint16(len(s))), s...)
	}
	return append(dst, clip(err.Error())...)
}

// parseError returns the error that a payload holds. ok is false if it holds none.
func parseError(p []byte) (err error, ok bool) {
	if len(p) < errorSize {
		return nil, false
	}
	e := &RemoteError{kinds: le.Uint32(p)}
	detail, a, b, c := p[4], le.Uint64(p[5:]), le.Uint64(p[13:]), le.Uint64(p[21:])
	p = p[29:]
	file, p, ok1 := cutText(p)
	fault, p, ok2 := cutText(p)
	if !ok1 || !ok2 {
		return nil, false
	}
	e.Text = string(p)
	switch detail {
	case detailFenced:
		e.detail = &dlog.FencedError{Epoch: a, Seen: b}
	case detailTruncated:
		e.detail = &dlog.TruncatedError{First: a}
	case detailBeyondEnd:
		e.detail = &dlog.BeyondEndError{End: a}
	case detailCorrupt:
		e.detail = &dlog.CorruptError{File: file, At: int64(c), From: a, To: b, Err: errors.New(fault)}
	case detailProtocol:
		e.detail = &ProtocolError{Reason: fault}
	}
	return e.plain(), true
}

func cutText(p []byte) (text string, rest []byte, ok bool) {
	if len(p) < 2 || len(p)-2 < int(le.Uint16(p)) {
		return "", nil, false
	}
	n := 2 + int(le.Uint16(p))
	return string(p[2:n]), p[n:], true
}

// plain returns the error without what says nothing more.
func (e *RemoteError) plain() error {
	if e.detail != nil && e.detail.Error() == e.Text {
		return e.detail
	}
	for i, s := range sentinels {
		if e.kinds == 1<<i && e.detail == nil && s.Error() == e.Text {
			return s
		}
	}
	return e
}
