package metadata

import (
	"errors"
	iofs "io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// damaged calls try with damage done to the files of a DB in every place, one at a time: a flipped bit and, if asked for,
// the rest of the file cut off, zeroed, or turned to noise. It returns how often try has returned an error, by kind of file.
// The files are left as they were.
func damaged(t *testing.T, fs *disktest.FS, only string, tails bool, try func(left *disktest.FS) error) map[string]int {
	t.Helper()
	step := 97 // bits
	if testing.Short() || invariants.Enabled {
		step = 499
	}
	infos, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(29, 31))
	tries, noticed := 0, map[string]int{}
	for _, file := range infos {
		kind, _, _ := strings.Cut(file.Name, "-")
		kind = strings.TrimLeft(kind, "0123456789.")
		if only != "" && kind != only {
			continue
		}
		path := filepath.Join(dir, file.Name)
		good, err := fs.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// A log begins with what matters, zeros that were made in advance follow.
		used := 8 * min(len(good), 6000)
		stride := min(step, max(1, used/40))
		for bit := rng.IntN(stride); bit < used; bit += stride {
			for name, bad := range damage(good, bit, tails && rng.IntN(8) == 0, rng) {
				left := fs.Crash(0)
				if err := left.WriteFile(path, bad); err != nil {
					t.Fatal(err)
				}
				tries++
				switch err := try(left); {
				case errors.Is(err, errSilent):
					t.Errorf("%s, %s at bit %d of %d: %v", file.Name, name, bit, used, err)
				case err != nil && !errors.Is(err, ErrCorrupt):
					t.Errorf("%s, %s at bit %d of %d: not ErrCorrupt: %v", file.Name, name, bit, used, err)
				case err != nil:
					noticed[kind]++
				}
				if t.Failed() {
					t.FailNow()
				}
			}
		}
	}
	t.Logf("%d damages, noticed in %v", tries, noticed)
	return noticed
}

// damage returns a file with a bit flipped and, if asked for, with all behind it spoilt.
func damage(good []byte, bit int, tail bool, rng *rand.Rand) map[string][]byte {
	flipped := slices.Clone(good)
	flipped[bit/8] ^= 1 << (bit % 8)
	all := map[string][]byte{"flip": flipped}
	if tail {
		noise, zeros := slices.Clone(good), slices.Clone(good)
		clear(zeros[bit/8:])
		for i := bit / 8; i < len(noise); i++ {
			noise[i] = byte(rng.Uint32())
		}
		all["cut"], all["noise"], all["zeros"] = good[:bit/8], noise, zeros
	}
	return all
}

var errSilent = errors.New("rows are lost or changed, without an error")

// holds opens a DB and looks whether it holds what it must.
func holds(o Options, want *model) error {
	d, err := Open(o)
	if err != nil {
		return err
	}
	got, err := readAll(d)
	switch {
	case err == nil && !got.same(want):
		err = errSilent
	case err != nil && !o.ReadOnly: // Open should have said so
		err = errors.Join(errSilent, err)
	}
	return errors.Join(err, d.Close())
}

func mustNotice(t *testing.T, noticed map[string]int, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		if noticed[kind] == 0 {
			t.Errorf("no damage to %s was noticed", kind)
		}
	}
}

// session runs transactions on a DB.
func session(t *testing.T, d *DB, m *model, rng *rand.Rand) {
	t.Helper()
	for range 5 {
		update(t, d, func(tx *Tx) error { return m.transact(tx, rng) })
	}
}

// TestDamageToAClosedDB damages the files of a DB that was closed. Either that does no harm, and all rows are there, or
// Open says so: no row is lost or changed in silence, and nothing panics, hangs or is left running. What Open refuses it
// leaves as it was.
func TestDamageToAClosedDB(t *testing.T) {
	leaktest.Check(t)
	rng := rand.New(rand.NewPCG(1, 23))
	fs, want := disktest.New(), newModel()
	for range 3 { // sessions: logs that were made to tables, which were compacted, and one log that was not
		d := open(t, Options{FS: fs, Dir: dir})
		session(t, d, want, rng)
		mustClose(t, d)
	}
	noticed := damaged(t, fs, "", true, func(left *disktest.FS) error {
		before := contents(t, left)
		err := holds(Options{FS: left, Dir: dir}, want)
		if err != nil && !slices.Equal(before, contents(t, left)) {
			t.Errorf("Open has returned %v and changed the files", err)
		}
		return err
	})
	mustNotice(t, noticed, "log", "sst", "MANIFEST", "OPTIONS")
}

// contents returns names and contents of all files.
func contents(t *testing.T, fs *disktest.FS) (all []string) {
	t.Helper()
	infos, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		b, err := fs.ReadFile(filepath.Join(dir, i.Name))
		if errors.Is(err, iofs.ErrNotExist) {
			continue // Pebble has just removed it
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, i.Name+"\x00"+string(b))
	}
	return all
}

// TestDamageToAKilledDB does so with files of a DB that was not closed. No transaction that has returned may be missing,
// though the end of a damaged log looks to Pebble like one that was cut by a power failure.
func TestDamageToAKilledDB(t *testing.T) {
	leaktest.Check(t)
	rng := rand.New(rand.NewPCG(2, 23))
	fs, want := disktest.New(), newModel()
	d := open(t, Options{FS: fs, Dir: dir})
	for range 6 { // so often that logs of tables are gone, which are used again a few times
		session(t, d, want, rng)
		if err := d.pebble.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	session(t, d, want, rng)
	killed := fs.Crash(0)
	mustClose(t, d)
	noticed := damaged(t, killed, "log", true, func(left *disktest.FS) error { return holds(Options{FS: left, Dir: dir}, want) })
	mustNotice(t, noticed, "log")
	// The log of what was flushed is gone, and the manifest alone knows of the table. A log follows that has the newest
	// counters.
	for _, kind := range []string{"sst", "MANIFEST"} {
		noticed := damaged(t, killed, kind, true, func(left *disktest.FS) error { return holds(Options{FS: left, Dir: dir}, want) })
		mustNotice(t, noticed, kind)
	}
}

// TestDamageThatReadsMeet damages the files of a DB that is opened for reading only: here Open verifies nothing, so that
// Check has to say what is missing, and reads what is corrupt. Nothing is written.
func TestDamageThatReadsMeet(t *testing.T) {
	leaktest.Check(t)
	rng := rand.New(rand.NewPCG(3, 23))
	fs, want := disktest.New(), newModel()
	d := open(t, Options{FS: fs, Dir: dir})
	session(t, d, want, rng)
	if err := d.pebble.Flush(); err != nil {
		t.Fatal(err)
	}
	session(t, d, want, rng)
	mustClose(t, d)
	for _, kind := range []string{"sst", "MANIFEST"} {
		noticed := damaged(t, fs, kind, true, func(left *disktest.FS) error {
			before := contents(t, left)
			err := holds(Options{FS: left, Dir: dir, ReadOnly: true}, want)
			if !slices.Equal(before, contents(t, left)) {
				t.Error("files have changed")
			}
			return err
		})
		mustNotice(t, noticed, kind)
	}
}

// TestDamageWhileOpen damages all tables of a DB that is open. The compaction that meets it stops the DB, and is not begun
// again; reads find what is right or say that it is not.
func TestDamageWhileOpen(t *testing.T) {
	leaktest.Check(t)
	rng := rand.New(rand.NewPCG(6, 23))
	fs, want := disktest.New(), newModel()
	o := Options{FS: fs, Dir: dir}
	d := open(t, o)
	session(t, d, want, rng)
	mustClose(t, d)
	d = open(t, o)
	spoil := func() {
		for _, c := range contents(t, fs) {
			name, b, _ := strings.Cut(c, "\x00")
			if filepath.Ext(name) == tableSuffix && b != "" {
				if err := fs.WriteFile(filepath.Join(dir, name), append([]byte{b[0] ^ 1}, b[1:]...)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	flush := func() {
		k := key(kindTombstone, 1)
		if err := errors.Join(d.pebble.Set(k, numberRow(k, 1), nil), d.pebble.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	for flushes := 0; d.listener.failure() == nil; flushes++ {
		if flushes == 1000 {
			t.Fatal("no compaction has met the damage")
		}
		spoil()
		flush()
	}
	for range 20 { // to memory; after each Pebble looks for what there is to compact
		flush()
	}
	if err := addLog(d); !errors.Is(err, ErrStopped) || !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
	for range 20 {
		if _, err := readAll(d); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
	}
	if n := d.pebble.Metrics().Compact.FailedCount; n > 1 {
		t.Errorf("%d compactions have failed", n)
	}
	if err := d.Close(); err != nil && !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

// TestMissingFile removes each file in turn.
func TestMissingFile(t *testing.T) {
	leaktest.Check(t)
	rng := rand.New(rand.NewPCG(4, 23))
	fs, want := disktest.New(), newModel()
	for range 2 {
		d := open(t, Options{FS: fs, Dir: dir})
		session(t, d, want, rng)
		mustClose(t, d)
	}
	refused := 0
	for _, c := range contents(t, fs) {
		name, _, _ := strings.Cut(c, "\x00")
		left := fs.Crash(0)
		if err := left.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		switch err := holds(Options{FS: left, Dir: dir}, want); {
		case err != nil && !errors.Is(err, ErrCorrupt) || errors.Is(err, errSilent):
			t.Errorf("without %s: %v", name, err)
		case err != nil:
			refused++
		}
	}
	if refused < 4 { // log, table, manifest, its marker
		t.Errorf("%d files were missed", refused)
	}
}
