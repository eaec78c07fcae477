package logbench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// envVictim makes the test program a process that is to be killed.
const envVictim = "ARDEA_LOGBENCH_VICTIM"

// envPeer makes it logpeers.
const envPeer = "ARDEA_LOGBENCH_PEER"

var long = flag.Duration("long", 0, "measure for `TIME` in each run")

func TestMain(m *testing.M) {
	if os.Getenv(envPeer) != "" {
		os.Exit(peer(os.Args[1:]))
	}
	if os.Getenv(envVictim) != "" {
		if err := Victim(context.Background(), os.Args[1], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tiny returns a configuration that measures one figure in no time.
func tiny(t *testing.T, name string) Config {
	t.Helper()
	t.Setenv(envVictim, "1")
	d := 20 * time.Millisecond
	if *long > 0 {
		d = *long
	}
	return Config{
		Dir: t.TempDir(), Only: []string{name}, Duration: d, Repeat: 2, ColdBytes: 1 << 20, Recover: 1 << 20, Logs: 20,
		VictimArgs: func(spec string) []string { return []string{spec} },
	}
}

func TestFigures(t *testing.T) {
	for name, rows := range map[string]int{Append: 3, Single: 2, Tail: 4, CatchUp: 5, Recovery: 2, Many: 8, Allocs: 2} {
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			c := tiny(t, name)
			r, err := Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Figures) != 1 || len(r.Figures[0].Rows) != rows {
				t.Fatalf("%d figures, rows: %v", len(r.Figures), r.Figures[0].Rows)
			}
			for _, row := range r.Figures[0].Rows {
				if row.Measured.N == 0 || row.Unit != AllocsPer && row.Measured.Median <= 0 || row.LimitIs != "" && row.Limit.N != row.Measured.N {
					t.Errorf("%+v", row)
				}
			}
			left, err := os.ReadDir(c.Dir)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			var table, text bytes.Buffer
			if err := errors.Join(r.WriteTable(&table), r.WriteJSON(&text)); err != nil {
				t.Fatal(err)
			}
			if !json.Valid(text.Bytes()) || !strings.Contains(table.String(), "Asked: ") || !strings.Contains(table.String(), r.Figures[0].Rows[0].Name) {
				t.Errorf("%s\n%s", &table, &text)
			}
			t.Log("\n" + table.String())
		})
	}
}

// peer plays logpeers.
func peer(args []string) int {
	switch {
	case args[0] == "list":
		fmt.Println(`{"engine":"stone","version":"1","runs":true,"durability":"chisels, then tells"}`)
		fmt.Println(`{"engine":"sand","runs":false,"why_not":"the tide is in"}`)
	case strings.Contains(strings.Join(args, " "), "--writers 64 --batch 100"):
		fmt.Fprintln(os.Stderr, "stone: too heavy for batches")
		return 2
	case os.Getenv(envPeer) == "lossy":
		fmt.Fprintln(os.Stderr, "10 records are lost")
		return 3
	default:
		fmt.Println(`{"engine":"stone","records_per_second":12.5,"append_us":{"p50":80000,"p99":90000},"checked":{"records":10}}`)
	}
	return 0
}

func TestPeers(t *testing.T) {
	leaktest.Check(t)
	c := tiny(t, Peers)
	t.Setenv(envPeer, "1")
	c.PeerProgram = os.Args[0]
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"64 writers, beside stone", "12 records/s (12 - 12)", "stone 1: chisels, then tells",
		"stone was not measured with 64 writers, batches of 100: stone: too heavy for batches", "sand was not measured: the tide is in",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, &table)
		}
	}
	t.Setenv(envPeer, "lossy")
	if _, err := Run(t.Context(), c); !errors.Is(err, ErrCheck) || !strings.Contains(err.Error(), "10 records are lost") {
		t.Errorf("a peer that loses records: %v", err)
	}
}

// TestCheck plants what a broken log would give back.
func TestCheck(t *testing.T) {
	leaktest.Check(t)
	for name, plant := range map[string]struct {
		says string
		do   func(w *dlog.Writer, g *group, o *outcome) error
	}{
		"nothing":     {"", func(*dlog.Writer, *group, *outcome) error { return nil }},
		"wrong count": {"were acknowledged", func(_ *dlog.Writer, _ *group, o *outcome) error { o.appends[1]++; return nil }},
		"invented": {"nobody has written", func(w *dlog.Writer, _ *group, _ *outcome) error {
			return appendOne(w, newRecord(99, 0, 100))
		}},
		"again": {"stands where", func(w *dlog.Writer, g *group, _ *outcome) error {
			return appendOne(w, newRecord(7, 1, g.bytes))
		}},
		"changed": {"was changed", func(w *dlog.Writer, g *group, o *outcome) error {
			record := newRecord(7, 1, g.bytes)
			number(record, o.appends[1])
			record[50]++
			return appendOne(w, record)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, err := dlog.Open(filepath.Join(t.TempDir(), "store"), dlog.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			g, err := newGroup(s, work{"checked", 2, 4, 3, 100})
			if err != nil {
				t.Fatal(err)
			}
			o, err := drive(t.Context(), g.appenders(7), 20*time.Millisecond)
			if err != nil || o.sum() == 0 {
				t.Fatal(o, err)
			}
			if err := plant.do(g.into[1], g, o); err != nil {
				t.Fatal(err)
			}
			err = g.check(t.Context(), 7, o)
			if plant.says == "" && err != nil || plant.says != "" && (!errors.Is(err, ErrCheck) || !strings.Contains(err.Error(), plant.says)) {
				t.Errorf("the check says %v", err)
			}
		})
	}
}

func appendOne(w *dlog.Writer, record []byte) error {
	f, err := w.Append(new(dlog.Batch).Add(record), dlog.Disk)
	if err == nil {
		_, err = f.Wait(context.Background())
	}
	return err
}

func TestSpace(t *testing.T) {
	c := tiny(t, CatchUp)
	c.ColdBytes = 1 << 49
	r, err := Run(t.Context(), c)
	short, is := errors.AsType[*SpaceError](err)
	if !is || short.Need < c.ColdBytes || len(r.Figures) > 0 || !strings.Contains(err.Error(), "this needs") {
		t.Errorf("%v, %+v", err, r)
	}
	if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestInterrupted ends each figure in the midst.
func TestInterrupted(t *testing.T) {
	for _, name := range Figures {
		if name == Peers || name == Allocs || name == Tail || name == Single {
			continue
		}
		t.Run(name, func(t *testing.T) {
			leaktest.Check(t)
			c := tiny(t, name)
			c.Repeat = 1000
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			lines := 0
			c.Progress = func(string) {
				if lines++; lines == 2 {
					stop()
				}
			}
			if _, err := Run(ctx, c); !errors.Is(err, context.Canceled) {
				t.Errorf("interrupted: %v", err)
			}
			if left, err := os.ReadDir(c.Dir); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestKeep(t *testing.T) {
	leaktest.Check(t)
	c := tiny(t, Single)
	c.Repeat, c.Keep = 1, true
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(c.Dir, "*", "*", "store", "STORE"))
	if err != nil || len(left) == 0 {
		t.Errorf("nothing was kept: %v", err)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []Config{
		{Only: []string{"speed"}}, {Only: []string{Peers}}, {Duration: -1}, {Repeat: -1}, {Logs: -1}, {ColdBytes: 1}, {Recover: -1},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%+v is valid", c)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
}
