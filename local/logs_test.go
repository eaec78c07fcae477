package local

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dataplane"
	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/identity"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
)

// durable is a topology with a durable stream, of which nothing is ever run.
func durable(t *testing.T) *topology.Topology {
	t.Helper()
	top, err := topology.NewBuilder("durable").
		Spout("s", func() topology.Spout { panic("is run") }, topology.Parallelism(2), topology.Output("n"), topology.Durable("log")).Build()
	if err != nil {
		t.Fatal(err)
	}
	return top
}

// refuse starts the topology and returns why it was refused. Nothing may have been started.
func refuse(t *testing.T, o Options) error {
	t.Helper()
	o.Program = "/nonexistent" // what is started is found
	_, err := Start(t.Context(), durable(t), o)
	if _, ok := errors.AsType[*StartError](err); !ok {
		t.Errorf("the error is %T: %v", err, err)
	}
	return err
}

// TestDurableStreamsNeedALogDir has topologies with durable streams refused that have no place for them, or whose stream
// managers could not append.
func TestDurableStreamsNeedALogDir(t *testing.T) {
	leaktest.Check(t)
	for _, mode := range append([]string{""}, dataplane.Modes...) {
		if err := refuse(t, Options{Mode: mode}); !errors.Is(err, ErrNoLogDir) {
			t.Errorf("mode %q: %v", mode, err)
		}
	}
	for _, mode := range []string{"naive", "naive-unbatched", "heron2017", "naive+lazy"} {
		err := refuse(t, Options{Mode: mode, LogDir: t.TempDir()})
		if e, ok := errors.AsType[*dataplane.DurableModeError](err); !ok || e.Mode.String() != mode {
			t.Errorf("mode %q: %v", mode, err)
		}
	}
}

// TestLogDirsThatWillNotDo has the folders of logs be something else.
func TestLogDirsThatWillNotDo(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	foreign, damaged, readOnly := filepath.Join(dir, "foreign"), filepath.Join(dir, "damaged"), filepath.Join(dir, "read-only")
	for path, text := range map[string]string{
		file: "text", filepath.Join(foreign, "2", "letter"): "dear", filepath.Join(damaged, "1", "STORE"): "no store",
		filepath.Join(readOnly, "else"): "",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(readOnly, 0o500); err != nil {
		t.Fatal(err)
	}
	held, _, err := dlog.Open(filepath.Join(dir, "held", "2"), dlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for name, c := range map[string]struct {
		dir, store string
		is         func(error) bool
	}{
		"a file":        {file, filepath.Join(file, "1"), func(err error) bool { return strings.Contains(err.Error(), "not a directory") }},
		"foreign":       {foreign, filepath.Join(foreign, "2"), func(err error) bool { return errors.Is(err, identity.ErrOccupied) }},
		"damaged":       {damaged, filepath.Join(damaged, "1"), func(err error) bool { return errors.Is(err, identity.ErrDamaged) }},
		"open":          {filepath.Join(dir, "held"), filepath.Join(dir, "held", "2"), isHeldHere},
		"not writeable": {readOnly, filepath.Join(readOnly, "1"), func(err error) bool { return errors.Is(err, identity.ErrReadOnly) }},
	} {
		if c.dir == readOnly && os.Getuid() == 0 {
			continue // root may write everywhere
		}
		err := refuse(t, Options{Containers: 2, LogDir: c.dir})
		e, ok := errors.AsType[*LogDirError](err)
		if !ok || e.Dir != c.store || !c.is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(foreign, "2", "letter")); err != nil || string(text) != "dear" {
		t.Errorf("the foreign file has %q, %v", text, err)
	}
}

// isHeldHere reports whether an error names this process as the one that has a store.
func isHeldHere(err error) bool {
	e, ok := errors.AsType[*dlog.LockedError](err)
	return ok && e.PID == os.Getpid()
}

// TestLogsThatStopAreLeftToTheNextProcess has a role end with errors: all end the run but that of a log that has stopped.
func TestLogsThatStopAreLeftToTheNextProcess(t *testing.T) {
	stopped := &dataplane.LogError{Log: "log", Err: fmt.Errorf("%w: EIO", dlog.ErrStopped)}
	for _, c := range []struct {
		err       error
		inProcess bool
		reported  bool
	}{
		{stopped, false, false},
		{stopped, true, true},
		{&dataplane.LogError{Log: "log", Err: dlog.ErrSealed}, false, true},
		{errors.New("else"), false, true},
		{nil, false, false},
	} {
		var said strings.Builder
		h := &host{logger: slog.New(slog.DiscardHandler), inProcess: c.inProcess}
		h.out.w = &said
		h.ended(c.err)
		if got := said.Len() > 0; got != c.reported {
			t.Errorf("%v, in process %v: the parent was told %q", c.err, c.inProcess, said.String())
		}
	}
}
