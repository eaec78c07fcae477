package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ardea-stream/ardea/dlog/check"
)

func TestLogCheckFindsDamage(t *testing.T) {
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a")
	ardeaLog(t, statusOK, "first\n", "append", dir, "a")
	ardeaLog(t, statusOK, "second\n", "append", dir, "a")
	files, _ := filepath.Glob(filepath.Join(dir, "segments", "*.segment"))
	if len(files) != 1 {
		t.Fatalf("files are %q", files)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(files[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bad := bytes.Clone(b)
	bad[bytes.Index(bad, []byte("first"))] ^= 1
	write(bad)
	out, errs := ardeaLog(t, statusError, "", "check", dir)
	if !strings.Contains(out, "DAMAGED") || !strings.Contains(out, "are corrupt") || !strings.Contains(out, "bytes 512 to before") || !strings.Contains(errs, "damaged") {
		t.Errorf("a flipped bit: %s%s", out, errs)
	}
	out, errs = ardeaLog(t, statusError, "", "cat", dir, "a")
	if out != "second\n" || !strings.Contains(errs, "going on at 1") {
		t.Errorf("cat of it: %q, %s", out, errs)
	}
	write(b[:len(b)-1])
	if out, _ := ardeaLog(t, statusError, "", "check", dir); !strings.Contains(out, "must be there") {
		t.Errorf("a short file: %s", out)
	}
	write(append(bytes.Clone(b), "half a batch"...))
	if out, _ := ardeaLog(t, statusOK, "", "check", dir); !strings.Contains(out, "torn (left over)") || !strings.Contains(out, "no damage") {
		t.Errorf("what a crash leaves: %s", out)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	out, _ = ardeaLog(t, statusError, "", "check", dir, "--json")
	var found check.Report
	if err := json.Unmarshal([]byte(out), &found); err != nil || !found.Damaged || found.Totals.Kinds[check.Segment] != 1 || !strings.Contains(out, "the file is missing") {
		t.Errorf("a missing file: %s, %v", out, err)
	}
}

// TestLogCheckWritesNothing checks a store that was closed and one whose process was killed: files, folders and their times
// are what they were, and so is the number that the lock holds.
func TestLogCheckWritesNothing(t *testing.T) {
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a")
	for _, args := range [][]string{{"check", dir}, {"check", dir, "--json"}, {"check", dir, "--ranges"}} {
		before := treeOf(t, dir)
		ardeaLog(t, statusOK, "", args...)
		if after := treeOf(t, dir); after != before {
			t.Errorf("%q: before\n%s\nafter\n%s", args, before, after)
		}
	}
	cmd, _, _ := program(t, "log", "serve", dir)
	ardeaLog(t, statusOK, "1\n2\n", "append", dir, "a")
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	before := treeOf(t, dir)
	if out, _ := ardeaLog(t, statusOK, "", "check", dir); !strings.Contains(out, "not closed") || !strings.Contains(out, "SOCKET") {
		t.Errorf("check says %s", out)
	}
	if after := treeOf(t, dir); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// treeOf returns names, times and contents of all below a folder.
func treeOf(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	if err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		var b []byte
		if info.Mode().IsRegular() {
			if b, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		_, _ = fmt.Fprintf(&all, "%s %v %v %x\n", path, info.Mode(), info.ModTime(), sha256.Sum256(b))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestLogCheckListsAllRanges lists every byte of every file.
func TestLogCheckListsAllRanges(t *testing.T) {
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a")
	ardeaLog(t, statusOK, strings.Repeat("line\n", 5), "append", dir, "a", "--batch", "1", "--txid", "7")
	out, _ := ardeaLog(t, statusOK, "", "check", dir, "--ranges")
	for _, want := range []string{"STORE\n", "0 to before 1", "4 to before 5", "entry", "closed", "batch", "chunks", "header", "5 batches, 5 records", "journal: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for args, joined := range map[string]bool{"check DIR --json": true, "check DIR --json --ranges": false} {
		out, _ := ardeaLog(t, statusOK, "", strings.Fields(strings.ReplaceAll(args, "DIR", dir))...)
		var r check.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.Damaged || r.Totals.Logs != 1 {
			t.Fatalf("%s, %v", out, err)
		}
		entries := 0
		for _, f := range r.Files {
			at := int64(0)
			for _, got := range f.Ranges {
				if got.From != at {
					t.Errorf("%s: after %d comes %+v", f.Name, at, got)
				}
				at = got.To
				if got.What == "entry" {
					entries++
				}
			}
			if at != f.Bytes {
				t.Errorf("%s: %d bytes of %d", f.Name, at, f.Bytes)
			}
		}
		if joined != (entries == 1) {
			t.Errorf("%s: %d ranges of entries", args, entries)
		}
	}
}

// TestLogOfAReadOnlyStore is done by a process of somebody who may read all files of the store and write none.
func TestLogOfAReadOnlyStore(t *testing.T) {
	dir, err := os.MkdirTemp("", "ardea-test-") //nolint:usetesting // others can get at this one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ardeaLog(t, statusOK, "", "create", dir, "a")
	mode := map[bool]os.FileMode{true: 0o555, false: 0o444}
	if err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		return errors.Join(err, os.Chmod(path, mode[e.IsDir()]))
	}); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"check DIR", "ls DIR", "append DIR a", "serve DIR"} {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", append([]string{"log"}, strings.Fields(strings.ReplaceAll(command, "DIR", dir))...)...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		if command == "check DIR" {
			if err != nil || !strings.Contains(string(out), "no damage") {
				t.Errorf("%s: %v, %s", command, err, out)
			}
			continue
		}
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != statusError || !strings.Contains(string(out), "cannot be written") {
			t.Errorf("%s: %v, %s", command, err, out)
		}
	}
}
