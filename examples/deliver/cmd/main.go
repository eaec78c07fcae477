// Command deliver copies the lines of a file that contain a text, at least once.
//
//	go run ./examples/deliver/cmd --input book.txt --output lines.txt --text whale -- --containers 2
//
// The flags behind the "--" that stands alone are those of every Ardea program.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/ardea-stream/ardea"
	"github.com/ardea-stream/ardea/examples/deliver"
)

func main() {
	var o deliver.Options
	flag.StringVar(&o.Input, "input", "", "read `FILE`")
	flag.StringVar(&o.Output, "output", "", "append to `FILE`")
	flag.StringVar(&o.Text, "text", "", "deliver lines that contain `TEXT`")
	flag.IntVar(&o.Bolts, "bolts", 1, "look for it with `N` tasks")
	flag.IntVar(&o.Pending, "pending", 0, "have at most `N` lines under way (0: a default)")
	flag.Parse()
	t, err := deliver.Topology(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ardea.Main(t)
}
