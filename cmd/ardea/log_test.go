package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

// ardeaLog runs ardea log with an input, and fails the test unless it ends with a status.
func ardeaLog(t *testing.T, want int, input string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(input), stdout: &out, stderr: &errs}
	if status := a.execute(t.Context(), append([]string{"log"}, args...)); status != want {
		t.Fatalf("ardea log %q: status %d, want %d\n%s%s", args, status, want, &out, &errs)
	}
	return out.String(), errs.String()
}

// program starts the program itself, and returns its output when it has written a line.
func program(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader, string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), exe, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("%q has written no line: %v", args, err)
	}
	return cmd, r, line
}

// logScript is a conversation with a store, free or served.
func logScript(t *testing.T, dir string) {
	t.Helper()
	do := func(input string, args ...string) string {
		t.Helper()
		out, errs := ardeaLog(t, statusOK, input, args...)
		if errs != "" {
			t.Errorf("%q: %s", args, errs)
		}
		return out
	}
	same := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	do("", "create", dir, "b", "--codec", "s2", "--retain-age", "100h", "--retain-bytes", "1000000000")
	same(do("one\n\nthree\nfour", "append", dir, "b", "--batch", "3", "--txid", "5"), "appended 4 records to b, which ends at 4\n")
	var report appendReport
	if err := json.Unmarshal([]byte(do("five\n\xff\n", "append", dir, "b", "--level", "os", "--json")), &report); err != nil {
		t.Fatal(err)
	}
	if want := (appendReport{Log: "b", Records: 2, Batches: 1, First: 4, Next: 6, TxID: 5, Level: "os"}); report != want {
		t.Errorf("appended %+v, want %+v", report, want)
	}
	do("", "append", dir, "b")
	do("", "append", dir, "b", "--txid", "7") // nothing is appended, so it is not the last one
	same(do("", "cat", dir, "b"), "one\n\nthree\nfour\nfive\n\xff\n")
	same(do("", "cat", dir, "b", "--from", "offset:1", "-n", "2"), "\nthree\n")
	same(do("", "cat", dir, "b", "--from", "txid:6"), "")
	same(do("", "cat", dir, "b", "--from", "last"), "")
	same(do("", "tail", dir, "b", "-n", "2"), "five\n\xff\n")
	same(do("", "tail", dir, "b", "--from", "offset:3", "-n", "1"), "four\n")
	same(do("", "tail", dir, "b", "--from", "offset:1"), "\nthree\nfour\nfive\n\xff\n")
	var rec logRecord
	lines := strings.Split(do("", "cat", dir, "b", "--json", "--from", "offset:4"), "\n")
	if err := json.Unmarshal([]byte(lines[0]), &rec); err != nil || rec.Offset != 4 || rec.TxID != 5 || rec.Data == nil || *rec.Data != "five" || rec.Time.IsZero() {
		t.Errorf("%s, %v", lines[0], err)
	}
	rec = logRecord{}
	if err := json.Unmarshal([]byte(lines[1]), &rec); err != nil || rec.Offset != 5 || rec.Data != nil || string(rec.Base64) != "\xff" {
		t.Errorf("%s, %v", lines[1], err)
	}
	same(do("", "cat", dir, "b", "--subscription", "me", "-n", "2"), "one\n\n")
	same(do("", "cat", dir, "b", "--subscription", "me", "-n", "1"), "three\n")
	same(do("", "tail", dir, "b", "--subscription", "me"), "four\nfive\n\xff\n")
	do("", "fork", dir, "b", "f", "--at", "2")
	do("", "fork", dir, "b", "g")
	do("", "truncate", dir, "b", "3")
	do("", "rename", dir, "g", "a")
	do("", "seal", dir, "b", "--json")
	do("", "rm", dir, "a", "--json")
	same(do("", "cat", dir, "b", "--follow"), "four\nfive\n\xff\n") // to the end, as it is sealed
	same(do("", "cat", dir, "f"), "one\n\n")
	var all []logDescription
	if err := json.Unmarshal([]byte(do("", "ls", dir, "--json")), &all); err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	if b, f := all[0], all[1]; b.Name != "b" || b.First != 3 || b.End != 6 || !b.Sealed || *b.TxID != 5 || b.RetainAge != "100h0m0s" || f.Parent != b.ID || f.End != 2 {
		t.Errorf("%+v", all)
	}
	var d logDetails
	if err := json.Unmarshal([]byte(do("", "info", dir, "b", "--json")), &d); err != nil || len(d.Subscriptions) != 1 || d.Subscriptions[0].Offset != 6 {
		t.Errorf("%+v, %v", d, err)
	}
	for _, want := range []string{"sealed", "100h", "me wants 6", "3 to before 6"} {
		if text := do("", "info", dir, "b"); !strings.Contains(text, want) {
			t.Errorf("info says nothing of %q:\n%s", want, text)
		}
	}
	if text := do("", "ls", dir, "f"); !strings.Contains(text, "f ") || strings.Contains(text, "sealed") {
		t.Errorf("ls says %s", text)
	}
	for _, tc := range []struct{ args, want string }{
		{"append DIR b", "sealed"},
		{"append DIR f --txid 4", "transaction id goes back"},
		{"cat DIR none", "not found"},
		{"cat DIR b --from offset:1", "use --from first"},
		{"cat DIR f --from offset:9", "beyond the end"},
		{"create DIR b", "taken"},
		{"rm DIR none", "not found"},
		{"truncate DIR f 99", "beyond the end"},
		{"fork DIR f b", "taken"},
		{"fork DIR f x --at 99", "beyond the end"},
		{"rename DIR f b", "taken"},
		{"tail DIR none", "not found"},
		{"info DIR none", "not found"},
	} {
		out, errs := ardeaLog(t, statusError, "x\n", strings.Fields(strings.ReplaceAll(tc.args, "DIR", dir))...)
		if !strings.Contains(errs, tc.want) || strings.Contains(out, "{") {
			t.Errorf("%s: %s%s", tc.args, out, errs)
		}
	}
}

func TestLogOfAFreeStore(t *testing.T) {
	leaktest.Check(t)
	dir := filepath.Join(t.TempDir(), "s")
	logScript(t, dir)
	if out, _ := ardeaLog(t, statusOK, "", "check", dir); !strings.Contains(out, "2 logs") || !strings.Contains(out, "no damage") {
		t.Errorf("check says %s", out)
	}
}

func TestLogOfAServedStore(t *testing.T) {
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "z")
	cmd, out, line := program(t, "log", "serve", dir, "--json")
	var on servingStore
	if err := json.Unmarshal([]byte(line), &on); err != nil || on.PID != cmd.Process.Pid || on.Logs != 1 {
		t.Fatalf("%s, %v", line, err)
	}
	ardeaLog(t, statusOK, "", "rm", dir, "z")
	logScript(t, dir)
	if _, errs := ardeaLog(t, statusUsage, "", "check", dir); !strings.Contains(errs, "stop that process first") || strings.Contains(errs, "--help") {
		t.Errorf("check of a served store: %s", errs)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if _, err := os.Stat(on.Socket); err == nil {
		t.Error("the socket is left")
	}
	if out, _ := ardeaLog(t, statusOK, "", "check", dir, "--json"); !strings.Contains(out, `"damaged": false`) {
		t.Errorf("check says %s", out)
	}
}

// TestLogFollows follows a log that another command appends to, and ends with it.
func TestLogFollows(t *testing.T) {
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a")
	program(t, "log", "serve", dir)
	ardeaLog(t, statusOK, "0\n1\n2\n", "append", dir, "a")
	cmd, out, line := program(t, "log", "tail", dir, "a", "--follow", "-n", "1", "--json")
	for i := 2; ; i++ {
		var rec logRecord
		if err := json.Unmarshal([]byte(line), &rec); err != nil || rec.Offset != uint64(i) {
			t.Fatalf("line %d is %s, %v", i, line, err)
		}
		if i == 5 {
			break
		}
		ardeaLog(t, statusOK, "x\n", "append", dir, "a")
		var err error
		if line, err = out.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("following ended with %v", err)
	}
	_, out, _ = program(t, "log", "tail", dir, "a", "--follow", "-n", "1")
	ardeaLog(t, statusOK, "", "seal", dir, "a")
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("behind the end came %q, %v", rest, err)
	}
}

// TestLogSurvivesAKilledServer kills the process that serves a store, with a client that appends and one that follows.
func TestLogSurvivesAKilledServer(t *testing.T) {
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a")
	cmd, _, _ := program(t, "log", "serve", dir)
	ardeaLog(t, statusOK, strings.Repeat("record\n", 1000), "append", dir, "a")
	c, err := serve.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Read(t.Context(), "a", dlog.Last, serve.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context()); err == nil || !strings.Contains(err.Error(), serve.ErrGone.Error()) {
		t.Errorf("a stream of a killed server: %v", err)
	}
	_ = c.Close()
	_ = cmd.Wait()
	if _, err := os.Lstat(serve.SocketPath(dir)); err != nil {
		t.Errorf("the killed server has removed its socket: %v", err)
	}
	out, _ := ardeaLog(t, statusOK, "", "cat", dir, "a")
	if n := strings.Count(out, "record\n"); n != 1000 {
		t.Errorf("%d records are left", n)
	}
	ardeaLog(t, statusOK, "", "check", dir)
	program(t, "log", "serve", dir) // over the old socket
	if out, _ := ardeaLog(t, statusOK, "", "tail", dir, "a", "-n", "1"); out != "record\n" {
		t.Errorf("tail says %q", out)
	}
}

func TestLogOfAStoreInUse(t *testing.T) {
	dir := t.TempDir()
	s, _, err := dlog.Open(dir, dlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, args := range []string{"ls DIR", "cat DIR a", "create DIR a", "append DIR a"} {
		if _, errs := ardeaLog(t, statusError, "", strings.Fields(strings.ReplaceAll(args, "DIR", dir))...); !strings.Contains(errs, "let ardea log serve have the store") {
			t.Errorf("%s: %s", args, errs)
		}
	}
	if _, errs := ardeaLog(t, statusError, "", "serve", dir); !strings.Contains(errs, "open elsewhere") {
		t.Errorf("serve: %s", errs)
	}
}

func TestLogLeavesOtherFoldersAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs := ardeaLog(t, statusError, "", "create", dir, "a"); !strings.Contains(errs, "choose an empty folder") {
		t.Errorf("create says %s", errs)
	}
}

// TestLogAppendIsInterrupted interrupts a command whose input does not end.
func TestLogAppendIsInterrupted(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	ardeaLog(t, statusOK, "", "create", dir, "a")
	in, feed := io.Pipe()
	defer func() { _ = feed.Close() }()
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		_, _ = io.WriteString(feed, "one\ntwo\n")
		_, _ = io.WriteString(feed, "thr") // read when the lines before it were handed on
		interrupt()
	}()
	var out, errs bytes.Buffer
	a := &app{stdin: in, stdout: &out, stderr: &errs}
	if status := a.execute(ctx, []string{"log", "append", dir, "a"}); status != statusInterrupted {
		t.Errorf("status %d, %s%s", status, &out, &errs)
	}
	if out, _ := ardeaLog(t, statusOK, "", "cat", dir, "a"); out != "one\ntwo\n" {
		t.Errorf("appended %q", out)
	}
}
