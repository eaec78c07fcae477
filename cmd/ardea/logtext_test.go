package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

func TestLogUsage(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, tc := range []struct{ args, want string }{
		{"fly", "unknown command"},
		{"ls", "name a folder"},
		{"ls a b c", "name a folder"},
		{"create " + none, "want 2"},
		{"create " + none + " a --codec lzma", "use none, s2 or zstd"},
		{"create " + none + " a --retain-age -1s", "must not be negative"},
		{"create " + none + " a --retain-bytes -1", "must not be negative"},
		{"create " + none + " a --retain-bytes 1G", "invalid argument"},
		{"ls " + none, "makes one"},
		{"cat " + none + " a", "makes one"},
		{"append " + none + " a", "makes one"},
		{"serve " + none, "makes one"},
		{"check " + none, "makes one"},
		{"info " + none + " a", "makes one"},
		{"append " + none + " a --level fast", "use disk, os or memory"},
		{"append " + none + " a --batch 0", "the least is 1"},
		{"append " + none + " a --txid x", "invalid argument"},
		{"cat " + none + " a --from yesterday", "use first, last, an offset"},
		{"cat " + none + " a --from -5", "use first, last, an offset"},
		{"cat " + none + " a --from time:soon", "-10m for ten minutes ago"},
		{"cat " + none + " a --from 99999-01-01", "use first, last, an offset"},
		{"cat " + none + " a --from 2500-01-01", "use first, last, an offset"},
		{"cat " + none + " a --null --json", "none of the others can be"},
		{"truncate " + none + " a -5", "numbers must not be negative"},
		{"create " + none + " -a", "put -- before a name that begins with -"},
		{"create " + none + " a --retain-age 3x", "write 90s, 10m, 24h, 7d or 2w"},
		{"check " + filepath.Dir(none), "makes one"},
		{"cat " + none + " a -n -1", "invalid argument"},
		{"truncate " + none + " a", "want 3: DIR LOG OFFSET"},
		{"check", "want 1"},
		{"seal " + none + " a --at 1", "unknown flag"},
	} {
		out, errs := ardeaLog(t, statusUsage, "", strings.Fields(tc.args)...)
		if out != "" || !strings.Contains(errs, tc.want) || !strings.Contains(errs, "--help") {
			t.Errorf("ardea log %s: %s%s", tc.args, out, errs)
		}
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("a wrong command line has made a folder")
	}
	ardeaLog(t, statusOK, "", "create", none, "a")
	for _, args := range []string{"truncate DIR a x", "fork DIR a b --at -1"} {
		if _, errs := ardeaLog(t, statusUsage, "", strings.Fields(strings.ReplaceAll(args, "DIR", none))...); !strings.Contains(errs, "is no offset") {
			t.Errorf("%s: %s", args, errs)
		}
	}
}

// TestLogOfOddRecords takes records as they are: empty ones, carriage returns, NUL bytes, newlines, a MiB, more than fits.
func TestLogOfOddRecords(t *testing.T) {
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a")
	long := strings.Repeat("x", 1<<20)
	text := "\r\n\n\x00\xff<&>\n" + long + "\n"
	ardeaLog(t, statusOK, text, "append", dir, "a")
	if out, _ := ardeaLog(t, statusOK, "", "cat", dir, "a"); out != text {
		t.Errorf("got %.60q", out)
	}
	if out, _ := ardeaLog(t, statusOK, "", "cat", dir, "a", "--json", "--from", "2", "-n", "1"); !strings.Contains(out, `"base64":"AP88Jj4="`) {
		t.Errorf("got %s", out)
	}
	ardeaLog(t, statusOK, "", "create", dir, "b")
	ardeaLog(t, statusOK, "two\nlines\x00<p>", "append", dir, "b", "--null")
	if out, _ := ardeaLog(t, statusOK, "", "cat", dir, "b", "-0"); out != "two\nlines\x00<p>\x00" {
		t.Errorf("got %q", out)
	}
	if out, _ := ardeaLog(t, statusOK, "", "tail", dir, "b", "--json", "-n", "1"); !strings.Contains(out, `"<p>"`) {
		t.Errorf("got %s", out)
	}
	out, errs := ardeaLog(t, statusError, "good\n"+strings.Repeat("y", 5<<20)+"\nlost\n", "append", dir, "b")
	if !strings.Contains(out, "appended 1 records") || !strings.Contains(errs, "record 2 of the input has more than") {
		t.Errorf("%s%s", out, errs)
	}
}

// TestLogFromATime reads from a time in all forms.
func TestLogFromATime(t *testing.T) {
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a")
	ardeaLog(t, statusOK, "one\n", "append", dir, "a")
	for from, want := range map[string]string{
		"-10m": "one\n", "-2d": "one\n", "time:-1h30m": "one\n", "2020-01-31": "one\n", "2020-01-31T12:00": "one\n", "time:2020-01-31T12:00:00Z": "one\n",
		"2020-01-31 12:00:00": "one\n", "time:1600000000.5": "one\n", "0": "one\n", "offset:0": "one\n", "1": "", "2200-01-01": "", "time:7000000000": "",
	} {
		if out, _ := ardeaLog(t, statusOK, "", "cat", dir, "a", "--from", from); out != want {
			t.Errorf("--from %s: %q", from, out)
		}
	}
}

// TestLogOutputOfWhichNobodyReadsMore ends in order when the pipe is closed that it writes to.
func TestLogOutputOfWhichNobodyReadsMore(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a")
	ardeaLog(t, statusOK, strings.Repeat("line\n", 50_000), "append", dir, "a")
	for _, args := range []string{"cat DIR a", "cat DIR a --json", "ls DIR", "info DIR a", "check DIR", "check DIR --json"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		var errs bytes.Buffer
		a := &app{stdout: w, stderr: &errs}
		if status := a.execute(t.Context(), append([]string{"log"}, strings.Fields(strings.ReplaceAll(args, "DIR", dir))...)); status != statusOK || errs.Len() > 0 {
			t.Errorf("%s: status %d, %s", args, status, &errs)
		}
		_ = w.Close()
	}
	for _, err := range []error{errors.Join(errOutputGone, io.ErrUnexpectedEOF), fmt.Errorf("%w: x", io.EOF), nil} {
		if isOutputGone(err) {
			t.Errorf("%v is no reason to be silent", err)
		}
	}
}

// TestLogTellsOfALogThatIsMissing says what to do.
func TestLogTellsOfALogThatIsMissing(t *testing.T) {
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a", "--retain-age", "2w", "--retain-bytes", "1.5GiB")
	if out, _ := ardeaLog(t, statusOK, "", "info", dir, "a"); !strings.Contains(out, "336h") || !strings.Contains(out, "1610612736") {
		t.Errorf("info says %s", out)
	}
	if _, errs := ardeaLog(t, statusError, "", "cat", dir, "b"); !strings.Contains(errs, "ardea log create "+dir+" LOG makes one") {
		t.Errorf("cat says %s", errs)
	}
	ardeaLog(t, statusOK, "", "create", dir, "--", "-odd name/../é")
	if out, _ := ardeaLog(t, statusOK, "", "ls", dir); !strings.Contains(out, "-odd name/../é") {
		t.Errorf("ls says %s", out)
	}
	if _, errs := ardeaLog(t, statusUsage, "", "ls", ""); !strings.Contains(errs, "empty") {
		t.Errorf("ls of nothing says %s", errs)
	}
}

func TestLogHelp(t *testing.T) {
	var all strings.Builder
	for _, name := range []string{"", "create", "ls", "info", "append", "cat", "tail", "truncate", "seal", "fork", "rename", "rm", "serve", "check"} {
		args := append(strings.Fields(name), "--help")
		out, errs := ardeaLog(t, statusOK, "", args...)
		if errs != "" || !strings.Contains(out, "Examples:\n") || name != "" && !strings.Contains(out, "--json") {
			t.Errorf("ardea log %s --help: %s%s", name, out, errs)
		}
		if name != "" {
			all.WriteString("$ ardea log " + name + " --help\n" + out + "\n")
		}
	}
	checkGolden(t, "log-help.txt", all.String())
}
