package bench

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestMitigations(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"spectre_v2": "Mitigation: Retpolines\n", "spectre_v1": "Mitigation: barriers\n",
		"retbleed": "Vulnerable\n", "mds": "Not affected\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := mitigations(dir), "mitigated: spectre_v1, spectre_v2; vulnerable: retbleed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := mitigations(filepath.Join(dir, "none")); got != "" {
		t.Errorf("without files: %q", got)
	}
}

func TestParseProcessors(t *testing.T) {
	// user nice system idle iowait irq softirq steal guest guest_nice, in hundredths of a second
	got := parseProcessors("cpu  1000 100 200 5000 300 10 20 70 999 999")
	if want := (processors{busy: 13.3, stolen: 0.7, total: 67}); math.Abs(got.busy-want.busy) > 1e-9 || got.stolen != want.stolen || math.Abs(got.total-want.total) > 1e-9 {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, line := range []string{"", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3 4 5 6 7 x"} {
		if got := parseProcessors(line); got != (processors{}) {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

func TestNoise(t *testing.T) {
	before := processors{busy: 10, stolen: 1, total: 100}
	for _, tc := range []struct {
		name  string
		after processors
		own   float64
		want  Noise
	}{
		{"nothing else", processors{busy: 18, stolen: 1, total: 110}, 8, Noise{}},
		{"host", processors{busy: 18, stolen: 1.5, total: 110}, 8, Noise{StealShare: 0.05, Noisy: true}},
		{"others", processors{busy: 18, stolen: 1, total: 110}, 6, Noise{OthersShare: 0.2, Noisy: true}},
		{"clocks that differ a little", processors{busy: 18, stolen: 1, total: 110}, 8.1, Noise{}},
		{"unknown", processors{}, 5, Noise{}},
	} {
		if got := noiseBetween(before, tc.after, tc.own); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func TestProcNumber(t *testing.T) {
	text := []byte("Name:\tx\nVmHWM:\t  123 kB\nnonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t5\n")
	for name, want := range map[string]uint64{
		"VmHWM": 123, "voluntary_ctxt_switches": 5, "nonvoluntary_ctxt_switches": 7, "VmRSS": 0, "Name": 0,
	} {
		if got := procNumber(text, name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

func TestOwnFiguresAreThere(t *testing.T) {
	if n, ok := contextSwitches(os.Getpid()); !ok || n.voluntary == 0 {
		t.Errorf("context switches: %+v, %v", n, ok)
	}
	if n := readsAndWrites([]int{os.Getpid()}); n[os.Getpid()] == 0 {
		t.Errorf("reads and writes: %v", n)
	}
	if p := readProcessors(); p.total <= 0 || p.busy <= 0 || p.busy > p.total {
		t.Errorf("processors: %+v", p)
	}
	m := ThisMachine()
	if m.Cores < 1 || m.MemoryBytes == 0 || m.Kernel == "" || m.Go == "" {
		t.Errorf("machine: %+v", m)
	}
}
