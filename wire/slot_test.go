package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/wire/wirepb"
)

// slotTuples lists the encodings of tuples, those of Ardea and others.
func slotTuples(tb testing.TB) [][]byte {
	tb.Helper()
	encode := func(m *wirepb.Tuple) []byte {
		b, err := proto.Marshal(m)
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	str := func(s string) *wirepb.Value { return &wirepb.Value{Kind: &wirepb.Value_Str{Str: s}} }
	return [][]byte{
		nil,
		encode(&wirepb.Tuple{KeyHash: []uint64{1, 1 << 63}, Values: []*wirepb.Value{str("one"), str(""), str("three")}}),
		encode(&wirepb.Tuple{Edge: 7, Roots: []*wirepb.Root{{Task: 1, Seq: 1 << 60}, {}, {Seq: 3}}}),
		encode(&wirepb.Tuple{Values: []*wirepb.Value{
			{Kind: &wirepb.Value_Int{Int: -5}},
			{},
			{Kind: &wirepb.Value_Raw{Raw: []byte("raw")}},
			{Kind: &wirepb.Value_Raw{Raw: []byte{}}},
			{Kind: &wirepb.Value_Float{Float: -0.5}},
			{Kind: &wirepb.Value_Flag{Flag: true}},
			{Kind: &wirepb.Value_Flag{}},
			{Kind: &wirepb.Value_Time{Time: -1}},
			str("grüße"),
		}}),
		encode(&wirepb.Tuple{KeyHash: []uint64{5}, Values: []*wirepb.Value{str(string(bytes.Repeat([]byte("long "), 1000)))}}),
		{0x0a, 16, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0},   // packed key hashes
		{0x22, 3, 0x1a, 1, 'x', 0x09, 1, 0, 0, 0, 0, 0, 0, 0},        // a value before the key hash
		{0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0, 0, 0}, // two edges
		{0x22, 5, 0x1a, 1, 'x', 0x08, 2},                             // a value of two kinds
		{0x22, 5, 0x08, 2, 0x1a, 1, 'x'},
		{0x7a, 2, 1, 2, 0x22, 0}, // an unknown field
		{0x22, 2, 0x38, 1},       // an unknown kind of value
		{0x1a, 4, 0x08, 1, 0x18, 1},
		{0x9a, 0x80, 0x00, 0},          // a tag in three bytes
		{0x22, 0x82, 0x00, 0x28, 0x7f}, // a length in two bytes
		{0x22, 3, 0x28, 0x80, 0x01},    // a flag of 128
		{0x7b, 0x08, 1, 0x7c},          // a group
		{0x22, 3, 0x1a, 1, 0xff},       // not UTF-8
		{0x22, 3, 0x1a, 2, 'x'},        // cut short
		{0x22, 9, 0x1a},                //
		{0x09, 1, 2},                   //
		{0x22},                         //
		{0x02, 0},                      // field 0
		{0x22, 2, 0x08, 0x80},          // a varint without end
		{0x10, 1},                      // an edge of the wrong type
		append([]byte{0x22, 11, 0x08}, bytes.Repeat([]byte{0xff}, 10)...), // a varint of more than 64 bits
	}
}

// checkSlot parses with a slot that was used before and with the library, and compares.
func checkSlot(t *testing.T, s, other *TupleSlot, tuple []byte) {
	t.Helper()
	var want wirepb.Tuple
	wantErr := proto.Unmarshal(tuple, &want)
	mine := slices.Clone(tuple)
	err := s.Parse(mine)
	clear(mine) // the slot must keep nothing of it
	if (err == nil) != (wantErr == nil) || err != nil && !errors.Is(err, ErrRecord) {
		t.Fatalf("Parse(%x) returns %v, the library %v", tuple, err, wantErr)
	}
	if err != nil {
		return
	}
	other.Copy(s)
	for name, got := range map[string]*TupleSlot{"Parse": s, "Copy": other} {
		if !proto.Equal(&got.Tuple, &want) {
			t.Fatalf("%s of %x gives %v, the library %v", name, tuple, &got.Tuple, &want)
		}
		if n := got.Memory(); n < len(tuple)/4 {
			t.Fatalf("%s of %d bytes says that it holds %d", name, len(tuple), n)
		}
	}
	s.Clear()
	if !proto.Equal(&other.Tuple, &want) {
		t.Fatalf("a copy of %x changed with the original to %v", tuple, &other.Tuple)
	}
	if !proto.Equal(&s.Tuple, &wirepb.Tuple{}) {
		t.Fatalf("a slot that was cleared holds %v", &s.Tuple)
	}
}

func TestTupleSlotAgreesWithTheLibrary(t *testing.T) {
	tuples := slotTuples(t)
	rng := rand.New(rand.NewPCG(1, 1))
	var s, other TupleSlot
	for range 2000 {
		checkSlot(t, &s, &other, tuples[rng.IntN(len(tuples))])
	}
}

func FuzzTupleSlot(f *testing.F) {
	tuples := slotTuples(f)
	for i := range tuples {
		f.Add(tuples[i], tuples[(i+1)%len(tuples)])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var s, other TupleSlot
		checkSlot(t, &s, &other, a)
		checkSlot(t, &s, &other, b)
		checkSlot(t, &other, &s, a)
	})
}

func TestTupleSlotDoesNotAllocate(t *testing.T) {
	var s, other TupleSlot
	tuples := slotTuples(t)
	for _, tuple := range tuples[1:5] {
		turn := func() {
			if err := s.Parse(tuple); err != nil {
				t.Fatal(err)
			}
			other.Copy(&s)
		}
		turn()
		if n := testing.AllocsPerRun(100, turn); n != 0 {
			t.Errorf("%v allocations to parse and copy %x again", n, tuple)
		}
	}
}

func TestTupleSlotCountsItsMemory(t *testing.T) {
	raw := &wirepb.Tuple{Values: []*wirepb.Value{{Kind: &wirepb.Value_Raw{Raw: make([]byte, 50000)}}}}
	b, err := proto.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	var s TupleSlot
	if err := s.Parse(b); err != nil {
		t.Fatal(err)
	}
	s.Clear()
	if n := s.Memory(); n < 100000 { // the text and the value
		t.Errorf("a slot that keeps 100 kB says %d", n)
	}
}

func TestBatchesAndEnvelopes(t *testing.T) {
	var body []byte
	for _, tuple := range slotTuples(t)[1:5] {
		body = append(AppendRecordHeader(body, len(tuple)), tuple...)
	}
	var m wirepb.TupleBatch
	if err := ParseBatch(body, &m); err != nil {
		t.Fatal(err)
	}
	if n := BatchSize(&m); n != len(body) {
		t.Errorf("BatchSize is %d, want %d", n, len(body))
	}
	if got := AppendBatch([]byte("x"), &m); !bytes.Equal(got[1:], body) {
		t.Errorf("got %x, want %x", got[1:], body)
	}
	clone := CloneTuple(m.Tuples[0])
	m.Tuples[0].Values[0].Kind = &wirepb.Value_Str{Str: "changed"}
	if clone.Values[0].GetStr() != "one" {
		t.Error("a clone shares values with the original")
	}
	if err := ParseBatch(body[:len(body)-1], &m); !errors.Is(err, ErrRecord) {
		t.Errorf("ParseBatch of a body cut short returns %v", err)
	}

	e := &wirepb.Envelope{DestTask: 70000, Batch: body}
	if n, got := EnvelopeSize(e), AppendEnvelope(nil, e); n != len(got) {
		t.Errorf("EnvelopeSize is %d for %d bytes", n, len(got))
	}
	b := AppendEnvelope(nil, e)
	var fresh, reused wirepb.Envelope
	for _, b := range [][]byte{b, append([]byte{0x1a, 1, 9}, b...), nil, {8, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, append(slices.Clone(b), b...)} {
		if err := errors.Join(ParseEnvelope(b, &fresh), ReuseEnvelope(b, &reused)); err != nil {
			t.Fatal(err)
		}
		if fresh.DestTask != reused.DestTask || !bytes.Equal(fresh.Batch, reused.Batch) {
			t.Errorf("ReuseEnvelope reads %v, ParseEnvelope %v", &reused, &fresh)
		}
	}
	for _, bad := range [][]byte{b[:len(b)-1], {8}, {0xff}, {18, 200}} {
		if err := ParseEnvelope(bad, &fresh); !errors.Is(err, ErrRecord) {
			t.Errorf("ParseEnvelope(%x) returns %v", bad, err)
		}
		if err := ReuseEnvelope(bad, &reused); !errors.Is(err, ErrRecord) {
			t.Errorf("ReuseEnvelope(%x) returns %v", bad, err)
		}
	}
	if !invariants.Enabled {
		_ = ReuseEnvelope(b, &reused)
		if n := testing.AllocsPerRun(100, func() { _ = ReuseEnvelope(b, &reused) }); n != 0 {
			t.Errorf("%v allocations to read an envelope again", n)
		}
	}
}

func TestAppendBatchPanicsOnlyForOurBugs(t *testing.T) {
	m := &wirepb.TupleBatch{Tuples: []*wirepb.Tuple{{Values: []*wirepb.Value{{Kind: &wirepb.Value_Str{Str: "\xff"}}}}}}
	_ = BatchSize(m)
	defer func() {
		if recover() == nil {
			t.Error("a string that is not UTF-8 was encoded")
		}
	}()
	AppendBatch(nil, m)
}
