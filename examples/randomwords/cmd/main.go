// Command randomwords counts words that are drawn at random.
//
//	go run ./examples/randomwords/cmd --spouts 2 --bolts 2 -- --containers 2 --duration 10s
//
// The flags behind the "--" that stands alone are those of every Ardea program.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/ardea-stream/ardea"
	"github.com/ardea-stream/ardea/examples/randomwords"
)

func main() {
	var o randomwords.Options
	flag.IntVar(&o.Words, "words", randomwords.DefaultWords, "draw from `N` words")
	flag.Uint64Var(&o.Tuples, "tuples", 0, "end when every spout has sent `N` words (0: never)")
	flag.IntVar(&o.Spouts, "spouts", 1, "send with `N` tasks")
	flag.IntVar(&o.Bolts, "bolts", 1, "count with `N` tasks")
	flag.Uint64Var(&o.Seed, "seed", 0, "draw other words for another `N`")
	flag.Parse()
	t, err := randomwords.Topology(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ardea.Main(t)
}
