// Command trending prints the hashtags that were used most in the last
// seconds, every second.
//
//	go run ./examples/trending/cmd --rate 20000 --window 5s -- --duration 30s
//
// The flags behind the "--" that stands alone are those of every Ardea program.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/ardea-stream/ardea"
	"github.com/ardea-stream/ardea/examples/trending"
)

func main() {
	o := trending.Options{Print: true}
	flag.IntVar(&o.Tags, "tags", 1000, "use `N` different hashtags")
	flag.Uint64Var(&o.Tweets, "tweets", 0, "end when every spout has sent `N` tweets (0: never)")
	flag.Float64Var(&o.Rate, "rate", 10_000, "send `N` tweets a second from every spout (0: as fast as it can)")
	flag.DurationVar(&o.Window, "window", 10*time.Second, "count the last `TIME`")
	flag.IntVar(&o.Top, "top", 10, "rank `N` hashtags")
	flag.IntVar(&o.Spouts, "spouts", 1, "send with `N` tasks")
	flag.IntVar(&o.Bolts, "bolts", 1, "count with `N` tasks")
	flag.Uint64Var(&o.Seed, "seed", 0, "make up other tweets for another `N`")
	flag.Parse()
	t, err := trending.Topology(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ardea.Main(t)
}
