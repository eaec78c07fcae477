package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ardea-stream/ardea/bench"
)

// Bounds of a matrix.
const (
	maxBytes    = 1 << 20
	maxSections = 100
	maxName     = 60
)

// namePattern is what names of matrices and sections look like: they become
// names of files and of Go benchmarks.
var namePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Load reads a matrix. The error is a *LoadError with everything that is wrong
// with it, or what r returned. Load does not close r.
func Load(r io.Reader) (*Matrix, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("matrix: read: %w", err)
	}
	f := &faults{}
	if len(text) > maxBytes {
		f.add(0, "the file has more than %d bytes: is it a matrix?", maxBytes)
		return nil, f.err()
	}
	document := f.parse(text)
	if document == nil {
		return nil, f.err()
	}
	m := f.matrix(document)
	if err := f.err(); err != nil {
		return nil, err
	}
	return m, nil
}

// parse returns the only document of a YAML file, nil if there is none.
func (f *faults) parse(text []byte) *yaml.Node {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, next yaml.Node
	switch err := d.Decode(&document); {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0:
		f.add(0, "the file is empty: a matrix has a name and sections")
		return nil
	case err != nil:
		f.syntax(err)
		return nil
	}
	switch err := d.Decode(&next); {
	case err == nil:
		f.add(next.Line, "a second document begins here: a file holds one matrix")
	case !errors.Is(err, io.EOF):
		f.syntax(err)
	}
	return document.Content[0]
}

// yamlLine is where the parser puts the line of an error.
var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)`)

// syntax adds an error of the parser.
func (f *faults) syntax(err error) {
	line, text := 0, strings.TrimPrefix(err.Error(), "yaml: ")
	if at := yamlLine.FindStringSubmatch(err.Error()); at != nil {
		line, _ = strconv.Atoi(at[1])
		text = at[2]
	}
	f.add(line, "this is not YAML: %s: check the indentation, and quote texts that hold a colon", text)
}

func (f *faults) matrix(n *yaml.Node) *Matrix {
	m := &Matrix{}
	pairs := f.mapping(n, "the matrix")
	defaults := standard()
	var sections *pair
	for i, p := range pairs {
		switch p.name {
		case "name":
			m.Name = f.name(p)
		case "title":
			m.Title = f.text(p)
		case "defaults":
			f.section(&defaults, f.mapping(p.value, "defaults"))
		case "sections":
			sections = &pairs[i]
		default:
			f.add(p.line, "the matrix has a field %s: use name, title, defaults or sections", shorten(p.name))
		}
	}
	if n.Kind != yaml.MappingNode {
		return m
	}
	if !has(pairs, "name") {
		f.add(n.Line, "the matrix has no name: add name, of lower-case letters, digits and dashes")
	}
	if sections == nil {
		f.add(n.Line, "the matrix has no sections: add sections, a list of what to measure")
		return m
	}
	m.Sections = f.sections(*sections, defaults)
	return m
}

func has(pairs []pair, name string) bool {
	return slices.ContainsFunc(pairs, func(p pair) bool { return p.name == name })
}

// name reads the name of a matrix or a section.
func (f *faults) name(p pair) string {
	// A name such as 2024 or true is a name all the same.
	if p.value.Kind != yaml.ScalarNode || len(p.value.Value) > maxName || !namePattern.MatchString(p.value.Value) {
		f.add(p.line, "%s is %s: use up to %d lower-case letters, digits and single dashes", p.name, describe(p.value), maxName)
		return ""
	}
	return p.value.Value
}

// sections reads the list of sections.
func (f *faults) sections(list pair, defaults Section) []Section {
	nodes := f.list(list, "- name: random-words")
	if len(nodes) > maxSections {
		f.add(list.line, "there are %d sections, allowed are %d: divide the matrix", len(nodes), maxSections)
		return nil
	}
	lines := map[string]int{}
	sections := make([]Section, 0, len(nodes))
	for i, n := range nodes {
		s := defaults
		s.Line = n.Line
		before := len(f.all)
		pairs := f.mapping(n, fmt.Sprintf("section %d", i+1))
		f.identify(&s, pairs, n)
		f.section(&s, pairs)
		f.promises(&s, pairs)
		if at, taken := lines[s.Name]; taken && s.Name != "" {
			f.add(s.Line, "section %s has the name of the section on line %d: give it another", s.Name, at)
		}
		lines[s.Name] = s.Line
		if len(f.all) == before {
			f.finish(&s)
		}
		sections = append(sections, s)
	}
	return sections
}

// promises looks at a section's guarantees, of which there may be others in the defaults.
func (f *faults) promises(s *Section, pairs []pair) {
	if has(pairs, "guarantee") && has(pairs, "guarantees") {
		f.add(s.Line, "section %s has guarantee and guarantees: leave one out", s.Name)
	}
	if s.Kind == bench.KindAblation && len(s.Config.Guarantees) > 1 { // it has one
		s.Config.Guarantees = nil
	}
	if !has(pairs, "pending") && !slices.ContainsFunc(s.Config.Guarantees, bench.Guarantee.Tracked) {
		s.Config.Pending = 0
	}
}

// identify reads what every section must say of itself.
func (f *faults) identify(s *Section, pairs []pair, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for _, p := range pairs {
		switch p.name {
		case "name":
			s.Name = f.name(p)
		case "kind":
			s.Kind = bench.SectionKind(p.value.Value)
			if _, known := kinds[s.Kind]; p.value.Kind != yaml.ScalarNode || !known {
				f.add(p.line, "kind is %s: use %s", describe(p.value), choices(slices.Sorted(maps.Keys(kinds))))
				s.Kind = ""
			}
		}
	}
	if !has(pairs, "name") {
		f.add(n.Line, "the section has no name: add name, of lower-case letters, digits and dashes")
	}
	if !has(pairs, "kind") {
		f.add(n.Line, "the section has no kind: add kind, one of %s", choices(slices.Sorted(maps.Keys(kinds))))
	}
}

// section reads the fields of a section, or of the defaults, which have no line.
func (f *faults) section(s *Section, pairs []pair) {
	for _, p := range pairs {
		known, is := fields[p.name]
		switch {
		case !is:
			f.add(p.line, "there is no field %s: use %s", shorten(p.name), choices(allowed(s)))
		case s.Line == 0 && !known.shared:
			f.add(p.line, "field %s cannot stand in defaults: write it in a section", p.name)
		case s.Kind != "" && known.kinds != nil && !slices.Contains(known.kinds, s.Kind):
			f.add(p.line, "field %s is of no use in a section of kind %s: it belongs to kind %s", p.name, s.Kind, choices(known.kinds))
		default:
			known.read(f, s, p)
		}
	}
}

// allowed lists the fields that a section, or the defaults, may have.
func allowed(s *Section) []string {
	var names []string
	for name, known := range fields {
		if s.Line == 0 && known.shared || s.Line != 0 && (s.Kind == "" || known.kinds == nil || slices.Contains(known.kinds, s.Kind)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// choices joins alternatives: a, b or c. One that holds a comma is quoted, as it must be in YAML.
func choices[S ~string](all []S) string {
	var b strings.Builder
	for i, s := range all {
		switch {
		case i == 0:
		case i == len(all)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		if strings.Contains(string(s), ",") {
			b.WriteString(strconv.Quote(string(s)))
		} else {
			b.WriteString(string(s))
		}
	}
	return b.String()
}
