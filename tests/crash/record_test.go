package crash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A number is a tuple: the spout's index in the upper bits, its id in the lower.
const (
	idBits = 40
	idMask = 1<<idBits - 1
)

func number(spout int, id uint64) uint64 { return uint64(spout)<<idBits | id }

// way is the branch of a topology that a tuple came by, kept above the number.
const wayBits = 60

// recorder appends blocks to the file of one process of a task. A block is a
// time, the latest time at which one of its tuples was emitted, a count, and so
// many words, each of 8 bytes. It is written by one system call, so that it
// survives the death of the process; a torn one can only be the last.
type recorder struct {
	f     *os.File
	block []byte
	count int
	last  int64
}

const blockHeader = 24

// newRecorder makes the file. What kind of words are in it is its name's beginning.
func newRecorder(dir, kind, component string, index int) (*recorder, error) {
	name := fmt.Sprintf("%s_%s_%d_%d", kind, component, index, os.Getpid())
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &recorder{f: f, block: make([]byte, blockHeader)}, err
}

// add adds a word to the block, of a tuple that was emitted at some time.
func (r *recorder) add(word uint64, emitted int64) {
	r.block = binary.LittleEndian.AppendUint64(r.block, word)
	r.count++
	r.last = max(r.last, emitted)
}

// write writes the block, unless it is empty.
func (r *recorder) write() error {
	if r.count == 0 {
		return nil
	}
	binary.LittleEndian.PutUint64(r.block, uint64(time.Now().UnixNano()))
	binary.LittleEndian.PutUint64(r.block[8:], uint64(r.last))
	binary.LittleEndian.PutUint64(r.block[16:], uint64(r.count))
	_, err := r.f.Write(r.block)
	r.block, r.count, r.last = r.block[:blockHeader], 0, 0
	return err
}

func (r *recorder) close() error {
	err := r.write()
	return errors.Join(err, r.f.Close())
}

// block is what a recorder has written at once.
type block struct {
	at, emitted int64
	words       []byte // 8 bytes each
}

// record is the file of one process of a task.
type record struct {
	kind, component string
	index, pid      int
	blocks          []block
}

func (b *block) each(f func(word uint64)) {
	for w := b.words; len(w) > 0; w = w[8:] {
		f(binary.LittleEndian.Uint64(w))
	}
}

// readRecords reads the files of a directory that recorders have written.
func readRecords(dir string) ([]record, error) {
	var all []record
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		r := record{}
		parts := strings.Split(e.Name(), "_")
		if len(parts) != 4 {
			continue
		}
		r.kind, r.component = parts[0], parts[1]
		if _, err := fmt.Sscan(parts[2]+" "+parts[3], &r.index, &r.pid); err != nil {
			return nil, err
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		r.blocks = blocksOf(data)
		all = append(all, r)
	}
	return all, nil
}

// blocksOf returns the whole blocks in data.
func blocksOf(data []byte) (all []block) {
	for len(data) >= blockHeader {
		size := 8 * binary.LittleEndian.Uint64(data[16:])
		if size > uint64(len(data)-blockHeader) {
			break
		}
		all = append(all, block{
			at: int64(binary.LittleEndian.Uint64(data)), emitted: int64(binary.LittleEndian.Uint64(data[8:])),
			words: data[blockHeader : blockHeader+size],
		})
		data = data[blockHeader+size:]
	}
	return all
}

// blocksFrom returns the whole blocks of a file behind an offset, and how long they are.
func blocksFrom(path string, at int64) (all []block, n int64) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, at, 1<<40))
	if err != nil {
		return nil, 0
	}
	all = blocksOf(data)
	for i := range all {
		n += blockHeader + int64(len(all[i].words))
	}
	return all, n
}

// highMark is the id below which a spout task may have emitted, over all its
// processes. It is raised before the ids are used.
type highMark struct {
	f  *os.File
	at uint64
}

func openHighMark(dir, component string, index int) (*highMark, error) {
	f, err := os.OpenFile(highMarkPath(dir, component, index), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	h := &highMark{f: f}
	h.at, err = readHighMark(f.Name())
	return h, err
}

func highMarkPath(dir, component string, index int) string {
	return filepath.Join(dir, fmt.Sprintf("high-%s-%d", component, index))
}

func readHighMark(path string) (uint64, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(b) < 8 {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

func (h *highMark) raise(to uint64) error {
	h.at = to
	_, err := h.f.WriteAt(binary.LittleEndian.AppendUint64(nil, to), 0)
	return err
}
