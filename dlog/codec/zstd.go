package codec

import (
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// window is how far back a compressed body refers: no batch that is of use is much larger, and coders stay small.
const window = 1 << 20

// Coders work on the goroutine of who calls them, and start none, so the pools may forget them.
var (
	encoders = sync.Pool{New: func() any {
		return must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithWindowSize(window), zstd.WithZeroFrames(true),
			zstd.WithSingleSegment(true))) // every frame says how large its content is
	}}
	decoders = sync.Pool{New: func() any {
		return &decoder{Decoder: must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxBody),
			zstd.WithDecoderMaxWindow(MaxBody), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderLowmem(true)))}
	}}
)

// decoder is a decoder, and a place for the header of what it is to decode.
type decoder struct {
	*zstd.Decoder

	header zstd.Header
}

// must returns a coder. Its options are constant, so that an error is a bug here.
func must[T any](coder T, err error) T {
	if err != nil {
		panic(err)
	}
	return coder
}

func encodeZstd(dst, src []byte) []byte {
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	return e.EncodeAll(src, dst)
}

// decodeZstd gives the decoder exactly the room that the frame asks for, which it does not go beyond.
func decodeZstd(dst, src []byte, limit int) ([]byte, error) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	switch err := d.header.Decode(src); {
	case err != nil:
		return dst, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case d.header.Skippable || !d.header.HasFCS:
		return dst, fmt.Errorf("%w: a frame of zstd that does not say how large it is", ErrCorrupt)
	case d.header.FrameContentSize > uint64(limit):
		return dst, tooLarge(d.header.FrameContentSize, limit)
	}
	n := int(d.header.FrameContentSize)
	dst = slices.Grow(dst, n)
	out, err := d.DecodeAll(src, dst[len(dst):len(dst):len(dst)+n])
	if err == nil && len(out) != n {
		err = fmt.Errorf("%d bytes instead of %d", len(out), n)
	}
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return dst[:len(dst)+n], nil
}
