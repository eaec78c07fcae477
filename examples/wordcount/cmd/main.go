// Command wordcount counts the words of a file.
//
//	go run ./examples/wordcount/cmd --input text --output counts --bolts 3 -- --containers 2
//
// The flags behind the "--" that stands alone are those of every Ardea program.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/ardea-stream/ardea"
	"github.com/ardea-stream/ardea/examples/wordcount"
)

func main() {
	var o wordcount.Options
	flag.StringVar(&o.Input, "input", "", "count the words of `FILE`")
	flag.StringVar(&o.Output, "output", "", "write the counts to `FILE`")
	flag.IntVar(&o.Spouts, "spouts", 1, "read with `N` tasks")
	flag.IntVar(&o.Splitters, "splitters", 1, "split lines with `N` tasks")
	flag.IntVar(&o.Bolts, "bolts", 1, "count with `N` tasks")
	flag.Parse()
	t, err := wordcount.Topology(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ardea.Main(t)
}
