package profiles

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/pprof/profile"
)

func TestMergeKeepsAllTime(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.pb.gz"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d recorded profiles, %v", len(files), err)
	}
	var want float64
	size := 0
	for _, f := range files {
		p, err := ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		want += p.CPUSeconds()
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += int(info.Size())
	}
	var b bytes.Buffer
	if err := Merge(&b, files); err != nil {
		t.Fatal(err)
	}
	if b.Len() > size {
		t.Errorf("%d bytes, the parts have %d", b.Len(), size)
	}
	got, err := Read(bytes.NewReader(b.Bytes()))
	if err != nil || math.Abs(got.CPUSeconds()-want) > 1e-6 {
		t.Errorf("%v CPU seconds, want %v; %v", got.CPUSeconds(), want, err)
	}
	p, err := profile.ParseData(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Sample {
		if len(s.Label)+len(s.NumLabel) > 0 {
			t.Fatalf("a sample has the labels %v", s.Label)
		}
	}
	var again bytes.Buffer
	if err := Merge(&again, files); err != nil || !bytes.Equal(again.Bytes(), b.Bytes()) {
		t.Errorf("merged once more they are other bytes, %v", err)
	}
}

func TestMergeOfNothing(t *testing.T) {
	if err := Merge(&bytes.Buffer{}, nil); !errors.Is(err, ErrNoSamples) {
		t.Error(err)
	}
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("no profile"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Merge(&bytes.Buffer{}, []string{bad}); !errors.Is(err, ErrNotProfile) {
		t.Error(err)
	}
	if err := Merge(&bytes.Buffer{}, []string{filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
