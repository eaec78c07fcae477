// Logpeers measures durable appends of the logs and stores that the durable log is held against: one engine, one setting
// and a bounded time a run, in an empty directory, told as one line of JSON.
//
//	logpeers run --engine pebble --dir DIR --writers 64 --batch 1 --bytes 100 --duration 10s
//	logpeers list
//
// It is a module of its own, so that whoever uses the product does not have to download its rivals. docs/log-peers.md
// says how each engine is set up, what its numbers mean, and what is unfair in whose favour.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"
)

const usage = `Usage:
  logpeers run --engine NAME --dir DIR [--writers N] [--batch B] [--bytes S] [--duration T]
  logpeers list [--json]

run appends with one engine for a bounded time, reads all back after reopening, and prints one line of JSON.
list prints the engines, their versions, whether they can run here, and what they sync before they acknowledge.

Exit status: 0 done, 1 the engine failed, 2 wrong flags, 3 what was read back is not what was acknowledged,
130 interrupted.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "logpeers:", err)
	}
	os.Exit(status(err))
}

// status returns the exit status of the program that ends with err.
func status(err error) int {
	var wrong *SettingError
	var check *CheckError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrInterrupted):
		return 130
	case errors.As(err, &check):
		return 3
	case errors.As(err, &wrong), errors.Is(err, ErrDirNotEmpty):
		return 2
	default:
		return 1
	}
}

func command(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return &SettingError{"command", "", "say run or list; logpeers help tells more"}
	}
	switch args[0] {
	case "run":
		return runCommand(ctx, args[1:], out)
	case "list":
		return listCommand(args[1:], out)
	case "help", "-h", "--help":
		_, err := io.WriteString(out, usage)
		return err
	default:
		return &SettingError{"command", args[0], "say run or list"}
	}
}

func runCommand(ctx context.Context, args []string, out io.Writer) error {
	var s setting
	var name string
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&name, "engine", "", "")
	flags.StringVar(&s.dir, "dir", "", "")
	flags.IntVar(&s.writers, "writers", 1, "")
	flags.IntVar(&s.batch, "batch", 1, "")
	flags.IntVar(&s.bytes, "bytes", 100, "")
	flags.DurationVar(&s.duration, "duration", 5*time.Second, "")
	if err := parse(flags, args); err != nil {
		return helped(err, out)
	}
	e, err := engineNamed(name)
	if err != nil {
		return err
	}
	r, err := run(ctx, e, s)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// parse parses flags that take no further arguments.
func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return &SettingError{"flags", "", err.Error()}
	}
	if flags.NArg() > 0 {
		return &SettingError{"argument", flags.Arg(0), "not expected"}
	}
	return nil
}

// helped prints the usage when it was asked for.
func helped(err error, out io.Writer) error {
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(out, usage)
	}
	return err
}

// listing is what list says of an engine.
type listing struct {
	Engine     string `json:"engine"`
	Version    string `json:"version"`
	Runs       bool   `json:"runs"`
	WhyNot     string `json:"why_not,omitempty"`
	Setting    string `json:"setting"`
	Durability string `json:"durability"`
}

func listCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("list", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "")
	if err := parse(flags, args); err != nil {
		return helped(err, out)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, e := range engines {
		l := listing{Engine: e.name, Setting: e.setting, Durability: e.durability, Runs: true}
		version, err := e.version()
		if err != nil {
			l.Runs, l.WhyNot, version = false, err.Error(), "-"
		}
		l.Version = version
		if *asJSON {
			if err := json.NewEncoder(out).Encode(l); err != nil {
				return err
			}
			continue
		}
		runs := "runs"
		if !l.Runs {
			runs = l.WhyNot
		}
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.Engine, l.Version, runs, l.Durability); err != nil {
			return err
		}
	}
	return table.Flush()
}
