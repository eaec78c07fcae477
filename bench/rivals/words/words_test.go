package words

import (
	"testing"

	"github.com/ardea-stream/ardea/bench"
)

// TestGolden holds the lists and draws against what the contract tells other languages.
func TestGolden(t *testing.T) {
	for _, want := range []struct {
		workload  string
		sum       uint64
		source    int
		first     uint64
		of        Summary
		last, one string
	}{
		{Words175k, 0x4885308196bc1f6f, 0, 64433, Summary{1_000_000, 0, 174_481, 0x892b97aa2e7c0d54, 0x74942013de9c4d77}, "xbbkfgqhj", "csasovph"},
		{Words175k, 0x4885308196bc1f6f, 1, 68637, Summary{1_000_000, 0, 174_465, 0x79b8d2beacc5c7fe, 0x9bc9fa6940e538fb}, "xbbkfgqhj", "csasovph"},
		{Words20, 0x06aee8065ca2b11f, 0, 48259, Summary{1_000_000, 0, 131_006, 0x4863c81c54cee753, 0x08624551784fdc77}, "ceyzlozocgsxyaxembru", "pcsasovphdmbzewgumvd"},
		{Words20, 0x06aee8065ca2b11f, 1, 51408, Summary{1_000_000, 0, 131_020, 0xbcaa18abf11d1077, 0x93aafce9e950d667}, "ceyzlozocgsxyaxembru", "pcsasovphdmbzewgumvd"},
		{Sentences, 0x16e130176cdaed55, 0, 1, Summary{6_401_616, 0, 27, 0x9b64787b93a47db2, 0x0e004cffe4bc0c3b}, "nature", "the"},
		{Sentences, 0x16e130176cdaed55, 1, 1, Summary{6_399_954, 0, 27, 0xcee14e49b12b0052, 0x81a0f6096cb81ce4}, "nature", "the"},
	} {
		l, err := NewList(want.workload, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Checksum(); got != want.sum {
			t.Errorf("%s: the list's checksum is %016x, the contract's %016x", want.workload, got, want.sum)
		}
		if one, last := l.Words[0], l.Words[len(l.Words)-1]; one != want.one || last != want.last {
			t.Errorf("%s: from %s to %s, the contract says from %s to %s", want.workload, one, last, want.one, want.last)
		}
		stream := l.Stream(1, want.source)
		if first := stream.Next(); first != want.first {
			t.Errorf("%s, source %d: the first draw is %d, the contract's %d", want.workload, want.source, first, want.first)
		}
		if got := l.Expect(uint64(1+want.source), []uint64{1_000_000}); got != want.of {
			t.Errorf("%s, source %d: %+v, the contract says %+v", want.workload, want.source, got, want.of)
		}
	}
}

// TestSameAsBench holds the draws against those of Ardea's own benchmark.
func TestSameAsBench(t *testing.T) {
	d := bench.NewDictionary(1000, 7)
	picker := bench.NewPicker(d, 9)
	const draws = 32 * 100 // whole groups, in which a picker hands words out in reverse
	for range draws {
		picker.Next()
	}
	l := fromDictionary(d)
	if got, want := l.Expect(9, []uint64{draws}).Checksum, picker.Tally().Checksum; got != want {
		t.Errorf("the checksum is %#x, that of bench.Picker %#x", got, want)
	}
}

// TestTableTellsWhatASumDoesNot plants counts that balance each other.
func TestTableTellsWhatASumDoesNot(t *testing.T) {
	l, err := NewList(Sentences, 1)
	if err != nil {
		t.Fatal(err)
	}
	right, split := NewTable(l), NewTable(l)
	right.Add("the", 4)
	split.Add("the", 1)
	split.Add("the", 3)
	a, b := right.Summary(), split.Summary()
	if a.Checksum != b.Checksum || a.Counted != b.Counted {
		t.Errorf("counts of two tasks do not add up: %+v, %+v", a, b)
	}
	if a.Table == b.Table {
		t.Error("the table does not tell that two tasks have counted a word")
	}
	split.Add("heron", 2)
	if got := split.Summary(); got.Foreign != 2 || got.Counted != 6 {
		t.Errorf("with 2 words that nobody sent: %+v", got)
	}
}
