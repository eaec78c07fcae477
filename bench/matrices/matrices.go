package matrices

import (
	"embed"
	"slices"
	"strings"
)

const extension = ".yaml"

//go:embed *.yaml
var files embed.FS

// Names returns the names of all matrices, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the files are part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), extension))
	}
	slices.Sort(names)
	return names
}

// Text returns the YAML of a matrix, and whether there is one of that name.
func Text(name string) (string, bool) {
	text, err := files.ReadFile(name + extension)
	return string(text), err == nil
}
