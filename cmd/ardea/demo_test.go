package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
)

// cancelAt is a writer that calls cancel once something is written that holds text.
type cancelAt struct {
	bytes.Buffer
	text   string
	cancel func(error)
}

func (w *cancelAt) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if bytes.Contains(w.Bytes(), []byte(w.text)) {
		w.cancel(errors.New("ended by a test"))
	}
	return n, err
}

// TestInterruptedDemo ends the demo while it counts, before it measures, and when some is measured.
func TestInterruptedDemo(t *testing.T) {
	for _, tc := range []struct {
		at, stderr, stdout string
		report             bool
	}{
		{"1. Count the words", "interrupted in mode naive, before anything was measured, so no report is written: ended by a test", "", false},
		{"   naive ", "interrupted in mode heron2017, before anything", "", false},
		{"2. Count 175000", "interrupted in section random-words: ended by a test; nothing was measured, so no report is written", "", false},
		{"[2/", "interrupted in section random-words: ended by a test", "This is a partial result: interrupted in section random-words, 1 of ", true},
	} {
		t.Run(tc.at, func(t *testing.T) {
			if testing.Short() && tc.at != "[2/" {
				t.Skip("the last does what they do before it is interrupted")
			}
			leaktest.Check(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			dir := t.TempDir()
			out, errs := &cancelAt{text: tc.at, cancel: cancel}, &bytes.Buffer{}
			a := &app{stdout: out, stderr: errs}
			status := a.execute(ctx, []string{"demo", "--text", text, "--duration", "40ms", "--warm-up", "30ms", "--repeat", "1", "--output", dir})
			if status != statusInterrupted || !strings.Contains(errs.String(), tc.stderr) || !strings.Contains(out.String(), tc.stdout) {
				t.Errorf("status %d\n%s%s", status, &out.Buffer, errs)
			}
			if _, err := os.Stat(filepath.Join(dir, "report.html")); (err == nil) != tc.report {
				t.Errorf("the report: %v", err)
			}
		})
	}
}
