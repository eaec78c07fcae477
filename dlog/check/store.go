package check

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/ardea-stream/ardea/dlog/disk"
	"github.com/ardea-stream/ardea/dlog/identity"
	"github.com/ardea-stream/ardea/dlog/journal"
	"github.com/ardea-stream/ardea/dlog/metadata"
)

// Options say how a store is checked.
type Options struct {
	// FS is the file system. Default: disk.OS.
	FS disk.FS
	// Each lists each batch, entry and chunk by itself. A report has as many ranges then.
	Each bool
	// Progress is called now and then with how many bytes were looked at, and how many there are. Default: nobody is.
	Progress func(done, total int64)
}

// The folders of a store.
const (
	journalFolder  = "journal"
	segmentsFolder = "segments"
	rowsFolder     = "meta"
)

// Store checks the store in a folder that nobody has open, and keeps others from opening it meanwhile. Damage is no error:
// it is in the report. An error says why the store could not be looked at: identity.ErrNotStore, identity.ErrHeld (an
// identity.HeldError), identity.ErrVersion, what the system says, or that the context has ended.
func Store(ctx context.Context, dir string, o Options) (*Report, error) {
	if o.FS == nil {
		o.FS = disk.OS{}
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	c := checker{o: o, fs: readOnly{o.FS}, dir: dir, report: &Report{Dir: dir, Problems: []string{}}, files: map[string]*File{}}
	c.report.Totals = Totals{States: map[State]int64{}, Kinds: map[Kind]int{}, What: map[string]int64{}}
	infos, err := c.isStore()
	if err != nil {
		return nil, err
	}
	id, lock, notStore, err := identity.Peek(c.fs, dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }() // nothing was written
	if notStore != nil && !errors.Is(notStore, identity.ErrDamaged) && !errors.Is(notStore, identity.ErrNotStore) {
		return nil, notStore
	}
	c.id = id
	if err := c.sizes(); err != nil {
		return nil, err
	}
	c.top(infos, notStore)
	defer c.close()
	for _, step := range []func(context.Context) error{c.rows, c.journal, c.segments} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return c.finish(), nil
}

// checker is one check.
type checker struct {
	o      Options
	fs     readOnly
	dir    string
	id     identity.Identity // zero if it is not known
	report *Report
	files  map[string]*File // by name
	done   int64            // bytes
	total  int64

	db     *metadata.DB // nil if it cannot be opened
	noted  journal.Position
	trash  uint64
	names  map[uint64]string           // of logs
	ends   map[uint64]uint64           // of logs: where their records in files end, and those in the journal must go on
	needed map[uint64]metadata.Segment // of files: the row that needs most of it
}

// close closes the database, to which nothing was written.
func (c *checker) close() {
	if c.db != nil {
		_ = c.db.Close()
	}
}

// isStore lists the folder, if it is that of a store: if not even STORE is there, something else that a store has must be.
func (c *checker) isStore() ([]disk.Info, error) {
	infos, err := c.fs.List(c.dir)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: %w", identity.ErrNotStore, c.dir, err)
	}
	if err != nil {
		return nil, err
	}
	parts := 0
	for _, i := range infos {
		switch i.Name {
		case "STORE":
			return infos, nil
		case journalFolder, segmentsFolder, rowsFolder:
			parts++
		}
	}
	if parts < 2 {
		return nil, fmt.Errorf("%w: %s", identity.ErrNotStore, c.dir)
	}
	return infos, nil
}

// list lists a folder of the store, which may be missing.
func (c *checker) list(folder string) ([]disk.Info, error) {
	infos, err := c.fs.List(filepath.Join(c.dir, folder))
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	return infos, err
}

// sizes sums up what there is to look at.
func (c *checker) sizes() error {
	for _, folder := range []string{journalFolder, segmentsFolder, rowsFolder} {
		infos, err := c.list(folder)
		if err != nil {
			return err
		}
		for _, i := range infos {
			c.total += i.Size
		}
	}
	return nil
}

// top explains what stands in the folder itself.
func (c *checker) top(infos []disk.Info, notStore error) {
	for _, i := range infos {
		f := c.file("", i.Name, ForeignFile, i.Size)
		f.State = LeftOver
		what := "unexplained"
		switch {
		case i.Name == journalFolder, i.Name == segmentsFolder, i.Name == rowsFolder:
			delete(c.files, i.Name) // what is in it is told of
			continue
		case !i.Regular && strings.HasPrefix(i.Name, "SOCKET"):
			f.Kind, f.State = Socket, Sound
		case !i.Regular:
			f.Fault = foreignThing
		case i.Name == "STORE":
			f.Kind, f.State, what = Identity, Sound, "identity"
		case i.Name == "LOCK":
			f.Kind, f.State, what = Lock, Sound, "number of a process"
		case i.Name == "STORE.new":
			f.Kind = Unfinished
		}
		r := Range{What: what, To: i.Size, State: f.State}
		if f.Kind == Identity && notStore != nil {
			f.State, f.Fault = Damaged, notStore.Error()
			r.State, r.What, r.Reason = Damaged, "corrupt", notStore.Error()
		}
		c.tell(f, r)
	}
	if errors.Is(notStore, identity.ErrNotStore) {
		c.problem("STORE is missing")
	}
	if c.id.Store != 0 {
		c.report.Store = fmt.Sprintf("%016x", c.id.Store)
	}
}

// file returns the file of a name, which is new if it was not met.
func (c *checker) file(folder, name string, kind Kind, size int64) *File {
	name = path.Join(folder, name)
	f := c.files[name]
	if f == nil {
		f = &File{Name: name, Kind: kind, Bytes: size, State: Sound}
		c.files[name] = f
	}
	return f
}

// tell adds a range to a file.
func (c *checker) tell(f *File, r Range) {
	if r.To == r.From {
		return
	}
	c.report.Totals.States[r.State] += r.To - r.From
	c.report.Totals.What[r.What] += r.To - r.From
	if n := len(f.Ranges); !c.o.Each && n > 0 && f.Ranges[n-1].join(&r) {
		return
	}
	f.Ranges = append(f.Ranges, r)
}

func (c *checker) problem(format string, args ...any) {
	c.report.Problems = append(c.report.Problems, fmt.Sprintf(format, args...))
}

// progress notes that so many bytes more were looked at.
func (c *checker) progress(n int64) {
	c.done += n
	c.o.Progress(min(c.done, c.total), c.total)
}

// finish sums up.
func (c *checker) finish() *Report {
	r := c.report
	for _, f := range c.files {
		r.Files = append(r.Files, f)
		r.Totals.Files++
		r.Totals.Kinds[f.Kind]++
		r.Totals.Bytes += f.Bytes
		if f.Kind == Segment {
			r.Totals.Batches += f.Batches
			r.Totals.Records += f.Records
		}
		r.Damaged = r.Damaged || f.State == Damaged
	}
	slices.SortFunc(r.Files, func(a, b *File) int { return strings.Compare(a.Name, b.Name) })
	r.Damaged = r.Damaged || len(r.Problems) > 0
	return r
}

// isLost says whether an error means that the disk cannot give back what it has.
func isLost(err error) bool { return errors.Is(err, syscall.EIO) }

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
