package main

import (
	"fmt"
	"io"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/bench/matrix"
	"github.com/ardea-stream/ardea/bench/page"
)

// results are the files of a measured suite in their directory.
type results struct {
	dir    *matrix.Dir
	around *bench.Suite // what is measured takes its place in it, if it is not nil
	failed bool         // a file could not be written
}

// resultForms are the files, and what writes each.
var resultForms = []struct {
	name  string
	write func(io.Writer, *bench.Suite) error
}{
	{"suite.json", func(w io.Writer, s *bench.Suite) error { return s.WriteJSON(w) }},
	{"benchmark.txt", page.WriteBenchmark},
	{"report.md", page.WriteMarkdown},
	{"report.html", page.WriteHTML},
}

// openResults makes and locks the directory before anything is measured. The results are to be closed.
func openResults(path string) (*results, error) {
	var names []string
	for _, form := range resultForms {
		names = append(names, form.name)
	}
	dir, err := matrix.OpenDir(path, names...)
	if err != nil {
		return nil, usagef("--output: %w", err)
	}
	return &results{dir: dir}, nil
}

func (r *results) close() { r.dir.Close() }

// whole returns what is to be written of what was measured.
func (r *results) whole(measured *bench.Suite) (*bench.Suite, error) {
	if r.around == nil {
		return measured, nil
	}
	return r.around.With(measured)
}

// write makes or replaces all files, each as a whole.
func (r *results) write(measured *bench.Suite) error {
	s, err := r.whole(measured)
	if err != nil {
		r.failed = true
		return err
	}
	for _, form := range resultForms {
		if err := r.dir.Write(form.name, func(w io.Writer) error { return form.write(w, s) }); err != nil {
			r.failed = true
			return err
		}
	}
	return nil
}

// print names the files.
func (r *results) print(out io.Writer) error {
	for _, form := range resultForms {
		if _, err := fmt.Fprintln(out, r.dir.Path(form.name)); err != nil {
			return err
		}
	}
	return nil
}

// page is the path of what people read.
func (r *results) page() string { return r.dir.Path(resultForms[len(resultForms)-1].name) }
