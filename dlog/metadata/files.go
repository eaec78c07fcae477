package metadata

import (
	"errors"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ardea-stream/ardea/dlog/disk"
)

// File is a file, or something else, in the folder of a DB.
type File struct {
	Name string // without the folder
	Kind string // what it is: "log", "manifest", "table", "options", "marker", "seen", "reserve", "lock", "unfinished" or "foreign"
	Size int64  // bytes
	Used bool   // whether its contents count: not those of a table that no row is in any more, nor of what is foreign
}

// FileRange is a part of a file that is one thing.
type FileRange struct {
	What     string // "chunks", "end", "block", "footer", "row", "text", "reserved", "zero", "torn", "corrupt", "unexplained"
	From, To int64
	Count    int   // chunks
	Err      error // what is wrong; nil for what is as it should be
}

// Kinds of files and ranges.
const (
	kindOfLog      = "log"
	kindOfManifest = "manifest"
	kindOfTable    = "table"
	kindOfSeen     = "seen"
	kindOfReserve  = "reserve"
	kindForeign    = "foreign"

	rangeZero    = "zero"
	rangeTorn    = "torn"
	rangeCorrupt = "corrupt"
)

// CheckFiles reads all files in the folder of a DB that nobody writes, and explains every byte of them to visit: the
// ranges of a file come from front to back without gaps. d is that DB, open with Options.ReadOnly, or nil if it cannot be
// opened: then each table counts. It writes nothing. Damage is no error, it is in the ranges.
//
// What is torn is what a crash may have left at the end of a log or manifest. Pebble stops there; Check finds out whether
// rows are missing.
func CheckFiles(from disk.FS, dir string, d *DB, visit func(File, FileRange) error) error {
	infos, err := from.List(dir)
	if err != nil {
		return err
	}
	var live map[uint64]bool
	if d != nil {
		if live, err = d.liveTables(); err != nil {
			live = nil
		}
	}
	for _, i := range infos {
		f, number := fileOf(i)
		if f.Kind == kindOfTable && live != nil {
			f.Used = live[number]
		}
		if !i.Regular {
			if err := visit(f, FileRange{What: "unexplained", Err: errors.New("not a regular file")}); err != nil {
				return err
			}
			continue
		}
		if f.Kind == kindOfReserve && i.Size > 0 { // it has no contents
			if err := visit(f, FileRange{What: "reserved", To: i.Size}); err != nil {
				return err
			}
			continue
		}
		b, err := readWhole(from, filepath.Join(dir, i.Name))
		if err != nil {
			return err
		}
		f.Size = int64(len(b))
		ranges := explain(d, &f, number, b)
		if len(ranges) == 0 {
			ranges = []FileRange{{What: rangeZero}}
		}
		for _, r := range ranges {
			if err := visit(f, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// fileOf says what a file is by its name, with the number in it.
func fileOf(i disk.Info) (f File, number uint64) {
	f = File{Name: i.Name, Kind: kindForeign, Size: i.Size}
	base, ext := strings.TrimSuffix(i.Name, filepath.Ext(i.Name)), filepath.Ext(i.Name)
	number, notANumber := strconv.ParseUint(base, 10, 64)
	switch {
	case !i.Regular:
	case notANumber == nil && ext == logSuffix:
		f.Kind, f.Used = kindOfLog, true
	case notANumber == nil && ext == tableSuffix:
		f.Kind, f.Used = kindOfTable, true
	case strings.HasPrefix(i.Name, "MANIFEST-"):
		f.Kind, f.Used, number = kindOfManifest, true, 0
	case strings.HasPrefix(i.Name, "OPTIONS-"):
		f.Kind, f.Used = "options", true
	case strings.HasPrefix(i.Name, "marker."):
		f.Kind, f.Used = "marker", true
	case i.Name == seenFile:
		f.Kind, f.Used = kindOfSeen, true
	case i.Name == reserveFile:
		f.Kind = kindOfReserve
	case i.Name == "LOCK":
		f.Kind = "lock"
	case i.Name == seenNew, strings.HasPrefix(i.Name, "temporary."), ext == ".dbtmp":
		f.Kind = "unfinished"
	}
	return f, number
}

// explain explains the bytes of a file.
func explain(d *DB, f *File, number uint64, b []byte) []FileRange {
	whole := FileRange{To: int64(len(b))}
	switch f.Kind {
	case kindOfLog, kindOfManifest:
		return chunks(b, uint32(number))
	case kindOfTable:
		return table(b)
	case kindOfSeen:
		return seenRows(d, b)
	case "options":
		whole.What = "text"
	default:
		whole.What = "unexplained"
		if len(b) == 0 {
			whole.What = rangeZero
		}
	}
	return []FileRange{whole}
}

// seenRows explains the file SEEN: two rows, the greater of which counts, with zeros between and behind.
func seenRows(d *DB, b []byte) (all []FileRange) {
	noted, _ := newest(b)
	for from := 0; from < len(b); {
		row := FileRange{What: "row", From: int64(from), To: int64(min(from+seenRow, len(b)))}
		n, err := parseNumber(seenKey, b[row.From:row.To])
		if err == nil && n == noted && d != nil {
			err = d.state.compareSeen(n)
		}
		if row.Err = err; err != nil {
			row.What = rangeCorrupt
		}
		all = append(all, row)
		from = min(from+disk.Sector, len(b))
		if row.To == int64(from) {
			continue
		}
		rest := FileRange{What: rangeZero, From: row.To, To: int64(from)}
		if !isZero(b[row.To:from]) {
			rest.What, rest.Err = rangeCorrupt, errNotZero
		}
		all = append(all, rest)
	}
	return all
}

var errNotZero = errors.New("not zero")

// readWhole returns the contents of a file.
func readWhole(from disk.FS, path string) ([]byte, error) {
	f, err := from.Open(path)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], errors.Join(err, f.Close())
}

// liveTables returns the numbers of the tables that rows are in.
func (d *DB) liveTables() (live map[uint64]bool, err error) {
	live = map[uint64]bool{}
	err = d.reading(func() error {
		return guard(func() error {
			levels, err := d.pebble.SSTables()
			for _, tables := range levels {
				for i := range tables {
					live[uint64(tables[i].BackingSSTNum)] = true
				}
			}
			return err
		})
	})
	return live, err
}
