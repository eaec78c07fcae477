package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	gengo "google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	root := flag.String("root", ".", "root of the repository; directories and imports are relative to it")
	check := flag.Bool("check", false, "write nothing, fail when a generated file on disk differs")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "protogen: name at least one directory with .proto files")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Stdout, *root, *check, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

// run generates the code of the schemas in dirs, which are slash-separated and relative to root.
func run(ctx context.Context, out io.Writer, root string, check bool, dirs []string) error {
	var protos, present []string
	for _, dir := range dirs {
		inDir, err := glob(root, dir, "*.proto")
		if err != nil {
			return err
		}
		if len(inDir) == 0 {
			return fmt.Errorf("no .proto file in %s", dir)
		}
		protos = append(protos, inDir...)
		generated, err := glob(root, dir, "*.pb.go")
		if err != nil {
			return err
		}
		present = append(present, generated...)
	}
	want, err := generate(ctx, root, protos)
	if err != nil {
		return err
	}
	if check {
		return compare(root, want, present)
	}
	return write(out, root, want, present)
}

// glob lists the files in root/dir that match pattern, as slash-separated paths relative to root.
func glob(root, dir, pattern string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(root), path.Join(path.Clean(filepath.ToSlash(dir)), pattern))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	return names, nil
}

// generate returns the generated files by path relative to root.
func generate(ctx context.Context, root string, protos []string) (map[string][]byte, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(ctx, protos...)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	var descriptors []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	for _, f := range files {
		descriptors = appendWithImports(descriptors, seen, f)
	}
	plugin, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: protos,
		Parameter:      new("paths=source_relative"),
		ProtoFile:      descriptors,
	})
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	for _, f := range plugin.Files {
		if f.Generate {
			gengo.GenerateFile(plugin, f)
		}
	}
	response := plugin.Response()
	if response.Error != nil {
		return nil, fmt.Errorf("generate: %s", response.GetError())
	}
	out := map[string][]byte{}
	for _, f := range response.GetFile() {
		out[f.GetName()] = []byte(f.GetContent())
	}
	return out, nil
}

// appendWithImports appends f's descriptor after those of everything it imports, each once: the order that the
// generator asks for.
func appendWithImports(list []*descriptorpb.FileDescriptorProto, seen map[string]bool, f protoreflect.FileDescriptor) []*descriptorpb.FileDescriptorProto {
	if seen[f.Path()] {
		return list
	}
	seen[f.Path()] = true
	imports := f.Imports()
	for i := range imports.Len() {
		list = appendWithImports(list, seen, imports.Get(i).FileDescriptor)
	}
	return append(list, protoutil.ProtoFromFileDescriptor(f))
}

// compare reports every file in which the disk and a fresh generation differ.
func compare(root string, want map[string][]byte, present []string) error {
	var faults []error
	for _, name := range sortedNames(want) {
		have, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			faults = append(faults, fmt.Errorf("%s is missing: run make generate", name))
		case err != nil:
			faults = append(faults, err)
		case !bytes.Equal(have, want[name]):
			faults = append(faults, fmt.Errorf("%s is not what its schema generates: run make generate", name))
		}
	}
	for _, name := range present {
		if _, ok := want[name]; !ok {
			faults = append(faults, fmt.Errorf("%s has no schema any more: run make generate", name))
		}
	}
	return errors.Join(faults...)
}

// write stores the files that differ and removes those whose schema is gone.
func write(out io.Writer, root string, want map[string][]byte, present []string) error {
	for _, name := range sortedNames(want) {
		file := filepath.Join(root, filepath.FromSlash(name))
		if have, err := os.ReadFile(file); err == nil && bytes.Equal(have, want[name]) {
			continue
		}
		if err := os.WriteFile(file, want[name], 0o644); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(out, "wrote", name)
	}
	for _, name := range present {
		if _, ok := want[name]; ok {
			continue
		}
		if err := os.Remove(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(out, "removed", name)
	}
	return nil
}

func sortedNames(files map[string][]byte) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
