package metadata

import (
	"errors"
	"hash/crc32"
	"math/bits"
)

var (
	errChunk  = errors.New("no valid chunk")
	errBroken = errors.New("no valid chunk, and something behind it was synced")
)

// Pebble's logs and manifests: blocks of 32 KiB with chunks that do not cross their ends. A chunk is a checksum (u32), the
// length of what follows the header (u16), a type (u8) and, by its form, the low half of the file's number (u32), and how
// many bytes of the file were synced when the chunk was made (u64), as pebble.FormatWALSyncChunks has it.
const (
	logSuffix   = ".log"
	logBlock    = 32 << 10
	chunkSynced = 9 // the first type of the form that notes what was synced
	chunkLast   = 12
	chunkMask   = 0xa282ead8 // added to the checksum, turned by 17 bits
)

// chunkHeaders are the sizes of the headers of chunks, by form: that of manifests, that with the number of the file, and
// that which notes what was synced.
var chunkHeaders = [...]int{7, 11, chunkHeader}

const chunkHeader = 19 // the largest

// anyChunk returns the size of the chunk of any form that begins at a place, if there is one.
func anyChunk(b []byte, at int, number uint32) (size int, ok bool) {
	end := min(len(b), at+logBlock-at%logBlock)
	h := b[at:end]
	if len(h) < chunkHeaders[0] || h[6] < 1 || h[6] > chunkLast {
		return 0, false
	}
	form := int(h[6]-1) / 4
	header := chunkHeaders[form]
	size = header + int(le.Uint16(h[4:]))
	if size > len(h) || form > 0 && le.Uint32(h[7:]) != number {
		return 0, false
	}
	return size, bits.RotateLeft32(crc32.Checksum(h[6:size], castagnoli), 17)+chunkMask == le.Uint32(h)
}

// chunks explains a log or a manifest. What does not verify is corrupt if a chunk behind it says that it was synced, of a
// manifest also if there is any chunk behind it. Else it is torn, and so is all behind it: Pebble reads no further.
func chunks(b []byte, number uint32) (all []FileRange) {
	at := 0
	tell := func(what string, to, n int, err error) {
		last := len(all) - 1
		switch {
		case to == at:
			return
		case last >= 0 && all[last].What == what:
			all[last].To, all[last].Count = int64(to), all[last].Count+n
		default:
			all = append(all, FileRange{What: what, From: int64(at), To: int64(to), Count: n, Err: err})
		}
		at = to
	}
	for at < len(b) {
		if size, ok := anyChunk(b, at, number); ok {
			tell("chunks", at+size, 1, nil)
			continue
		}
		if isEnd(b[at:], number) {
			tell("end", at+chunkHeaders[1], 0, nil)
			continue
		}
		next := nextChunk(b, at, number)
		zero := isZero(b[at:next])
		if next == len(b) || !zero && number > 0 && syncedBehind(b, next, number) <= uint64(at) {
			end := lastByte(b, at)
			if end > at { // with the zeros at the end of a header
				end = max(end, min(at+chunkHeader, len(b)))
			}
			tell(rangeTorn, end, 0, errChunk)
			tell(rangeZero, len(b), 0, nil)
			return all
		}
		if zero && next-at < chunkHeader && next%logBlock == 0 {
			tell(rangeZero, next, 0, nil) // no chunk has room there
			continue
		}
		tell(rangeCorrupt, next, 0, errBroken)
	}
	return all
}

// isEnd says whether b begins with the mark that Pebble puts behind the last chunk of a log: an empty one without a
// checksum, of the next file.
func isEnd(b []byte, number uint32) bool {
	return len(b) >= chunkHeaders[1] && isZero(b[:6]) && b[6] == 5 && le.Uint32(b[7:]) == number+1 && number > 0
}

// nextChunk returns where the next chunk behind a place begins, or the end.
func nextChunk(b []byte, at int, number uint32) int {
	for next := at + 1; next < len(b); next++ {
		if _, ok := anyChunk(b, next, number); ok {
			return next
		}
	}
	return len(b)
}

// syncedBehind returns how much of a log was synced by what the chunks from a place on say.
func syncedBehind(b []byte, at int, number uint32) (synced uint64) {
	for ; at < len(b); at++ {
		if _, ok := anyChunk(b, at, number); ok && b[at+6] >= chunkSynced {
			synced = max(synced, le.Uint64(b[at+11:]))
		}
	}
	return synced
}

// lastByte returns where the bytes from a place on end that are followed by nothing but zeros.
func lastByte(b []byte, at int) int {
	end := len(b)
	for end > at && b[end-1] == 0 {
		end--
	}
	return end
}

func isZero(b []byte) bool { return lastByte(b, 0) == 0 }
