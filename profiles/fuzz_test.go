package profiles_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/profiles"
)

// FuzzRead reads arbitrary bytes: what is taken for a profile must be explained in full.
func FuzzRead(f *testing.F) {
	small, err := io.ReadAll(cpuProfile(f, "runtime.memmove main.f", "main.g"))
	if err != nil {
		f.Fatal(err)
	}
	recorded, err := os.ReadFile("testdata/naive-spouts.pb.gz")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Add(recorded)
	f.Add(recorded[:100])
	f.Add([]byte{})
	known := []error{profiles.ErrEmpty, profiles.ErrNotProfile, profiles.ErrTruncated, profiles.ErrTooLarge, profiles.ErrNotCPU}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := profiles.Read(bytes.NewReader(data))
		if err != nil {
			for _, e := range known {
				if errors.Is(err, e) {
					return
				}
			}
			t.Fatalf("no error that a caller can know: %v", err)
		}
		s, err := profiles.Summarize("fuzzed", "all", nil, []*profiles.Profile{p, p}, 7)
		if errors.Is(err, profiles.ErrNoSamples) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Shares[len(s.Shares)-1].Share, s.Shares[0].Share = 0, s.Shares[0].Share+s.Shares[len(s.Shares)-1].Share
		if err := s.Check(); err != nil {
			t.Error(err)
		}
		if d := profiles.Diff(s, s); d.Flame.Before != d.Flame.After {
			t.Errorf("differs from itself: %+v", d.Flame)
		}
	})
}

// FuzzRules loads arbitrary rule files: what is not an error can be applied.
func FuzzRules(f *testing.F) {
	f.Add("[encode]\nframe ^main\\.\n[pass]\nframe .\n")
	f.Add("[garbage collection]\nanywhere gc # no comment\n")
	f.Add("[encode\nframe (\nanywhere")
	whole, err := os.ReadFile("rules.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(whole))
	p, err := profiles.Read(cpuProfile(f, "runtime.memmove main.f", "main.g runtime.main"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := profiles.LoadRules(strings.NewReader(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "profiles: rule file") {
				t.Errorf("got %v", err)
			}
			return
		}
		s, err := profiles.Summarize("fuzzed", "all", rules, []*profiles.Profile{p}, 0)
		if err != nil {
			t.Fatal(err)
		}
		seconds := 0.0
		for _, share := range s.Shares {
			seconds += share.Seconds
		}
		if seconds < 0.0199 || seconds > 0.0201 {
			t.Errorf("%v s in %+v, want 0.02 s", seconds, s.Shares)
		}
	})
}
