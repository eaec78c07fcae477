package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ardea-stream/ardea/bench/matrix"
	"github.com/ardea-stream/ardea/local"
)

// resultFile is where --json goes. Its zero value is nowhere.
type resultFile struct {
	path string   // of a regular file, which is written as a whole at the end
	file *os.File // a pipe or device
}

// openResult tries the file before the work is done, so that a bad path costs nothing.
func openResult(path string) (resultFile, error) { return openNamed("--json", path) }

// openNamed is openResult for the file of any flag.
func openNamed(flag, path string) (resultFile, error) {
	if path == "" || local.InChild() {
		return resultFile{}, nil
	}
	r, err := tryResult(path)
	if output, is := errors.AsType[*matrix.OutputError](err); is {
		cause := output.Err
		if file, is := errors.AsType[*fs.PathError](cause); is {
			cause = file.Err // the name of a file that was only tried tells nothing
		}
		err = fmt.Errorf("no file can be made in %s: %w", output.Path, cause)
	}
	if err != nil {
		return r, usagef("%s: %w: name a file that can be written", flag, err)
	}
	return r, nil
}

func tryResult(path string) (resultFile, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the file is replaced, not what leads to it
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return resultFile{}, err
	default:
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return resultFile{}, err
		}
		if !info.Mode().IsRegular() {
			return resultFile{file: file}, nil
		}
		if err := file.Close(); err != nil {
			return resultFile{}, err
		}
	}
	return resultFile{path: path}, matrix.TryWriting(filepath.Dir(path))
}

// write writes the file. It is to be called once.
func (r resultFile) write(content func(io.Writer) error) error {
	switch {
	case r.file != nil:
		return errors.Join(content(r.file), r.file.Close())
	case r.path != "":
		return matrix.WriteFile(r.path, content)
	default:
		return nil
	}
}
