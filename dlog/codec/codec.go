package codec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"
)

// Codec is a way to compress. Its number is stored with every batch.
type Codec uint8

// The codecs.
const (
	None Codec = 0 // as it is
	S2   Codec = 1 // a block of S2: fast
	Zstd Codec = 2 // a frame of Zstandard, written at its fastest level: small
)

// MaxBody is the number of bytes that Encode takes: 256 MiB. The limit of Decode may not be higher.
const MaxBody = 256 << 20

// Errors that callers tell apart with errors.Is.
var (
	// ErrUnknown says that this program does not know a codec.
	ErrUnknown = errors.New("codec: unknown codec")
	// ErrTooLarge says that a body is larger than the limit.
	ErrTooLarge = errors.New("codec: body is too large")
	// ErrCorrupt says that bytes are not what Encode makes.
	ErrCorrupt = errors.New("codec: corrupt")
)

// String returns the codec's name.
func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case S2:
		return "s2"
	case Zstd:
		return "zstd"
	default:
		return fmt.Sprintf("codec %d", uint8(c))
	}
}

// Parse returns the codec of a name. It fails with ErrUnknown.
func Parse(name string) (Codec, error) {
	for _, c := range []Codec{None, S2, Zstd} {
		if c.String() == name {
			return c, nil
		}
	}
	return None, fmt.Errorf("%w: %q; there are none, s2 and zstd", ErrUnknown, name)
}

// Encode appends src, compressed, to dst, which it may move. It borrows src; the two must not overlap. It fails with
// ErrUnknown, and with ErrTooLarge beyond MaxBody; dst is returned as it was then. It may be called by several goroutines
// and starts none.
func Encode(dst, src []byte, c Codec) ([]byte, error) {
	if len(src) > MaxBody {
		return dst, fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, len(src), MaxBody)
	}
	switch c {
	case None:
		return append(dst, src...), nil
	case S2:
		dst = slices.Grow(dst, s2.MaxEncodedLen(len(src)))
		out := s2.Encode(dst[len(dst):cap(dst)], src)
		return dst[:len(dst)+len(out)], nil
	case Zstd:
		return encodeZstd(dst, src), nil
	default:
		return dst, unknown(c)
	}
}

// Decode appends to dst, which it may move, what src was before Encode. It borrows src; the two must not overlap. It
// fails with ErrTooLarge when that would be more than limit bytes, or the limit is not between 0 and MaxBody, with
// ErrCorrupt when src is not what Encode makes, and with ErrUnknown. dst is returned with the length that it had then;
// what is behind that may have changed. It may be called by several goroutines and starts none.
func Decode(dst, src []byte, c Codec, limit int) ([]byte, error) {
	if limit < 0 || limit > MaxBody {
		return dst, fmt.Errorf("%w: the limit %d is not between 0 and %d", ErrTooLarge, limit, MaxBody)
	}
	switch c {
	case None:
		if len(src) > limit {
			return dst, tooLarge(uint64(len(src)), limit)
		}
		return append(dst, src...), nil
	case S2:
		return decodeS2(dst, src, limit)
	case Zstd:
		return decodeZstd(dst, src, limit)
	default:
		return dst, unknown(c)
	}
}

func decodeS2(dst, src []byte, limit int) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if n > limit {
		return dst, tooLarge(uint64(n), limit)
	}
	dst = slices.Grow(dst, n)
	if _, err := s2.Decode(dst[len(dst):len(dst)+n:len(dst)+n], src); err != nil {
		return dst, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return dst[:len(dst)+n], nil
}

func unknown(c Codec) error { return fmt.Errorf("%w: %d", ErrUnknown, uint8(c)) }

func tooLarge(n uint64, limit int) error {
	return fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, n, limit)
}
