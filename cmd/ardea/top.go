package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/ardea-stream/ardea/profiles"
)

// printedFunctions is how many functions --top prints.
const printedFunctions = 15

// printTop prints where the time of a CPU profile went: by category, and the
// costliest functions.
func printTop(out io.Writer, variant, path string) error {
	p, err := profiles.ReadFile(path)
	if err != nil {
		return err
	}
	s, err := profiles.Summarize(variant, "all", nil, []*profiles.Profile{p}, 0)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "\n%.2f CPU seconds\n\n", s.CPUSeconds)
	shares := slices.Clone(s.Shares)
	slices.SortStableFunc(shares, func(a, b profiles.Share) int { return cmp.Compare(b.Share, a.Share) })
	for _, share := range shares {
		if share.Share > 0 {
			_, _ = fmt.Fprintf(w, "%5.1f %%\t%s\n", 100*share.Share, share.Category)
		}
	}
	_, _ = fmt.Fprintln(w)
	top := slices.Clone(s.Top)
	slices.SortStableFunc(top, func(a, b profiles.Function) int { return cmp.Compare(b.Share, a.Share) })
	for _, f := range top[:min(printedFunctions, len(top))] {
		_, _ = fmt.Fprintf(w, "%5.1f %%\t%s\t%s\n", 100*f.Share, f.Category, f.Name)
	}
	return w.Flush()
}
