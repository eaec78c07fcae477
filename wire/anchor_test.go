package wire

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/wire/wirepb"
)

// TestAnchorsAreReadInAnyOrder compares what Anchors finds with what the
// protobuf library does, for tuples as Ardea writes them and in other orders.
func TestAnchorsAreReadInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.Uint64Min(1).Draw(t, "edge")
		roots := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *wirepb.Root {
			return &wirepb.Root{Task: rapid.Uint32Min(1).Draw(t, "task"), Seq: rapid.Uint64Min(1).Draw(t, "seq")}
		}), 1, 4).Draw(t, "roots")
		hashes := make([]uint64, rapid.IntRange(0, 3).Draw(t, "hashes"))
		value := String("a word")
		canonical := AppendEdge(AppendKeyHashes(nil, len(hashes)), edge)
		for _, r := range roots {
			canonical = AppendRoot(canonical, r.GetTask(), r.GetSeq())
		}
		inFront := len(canonical)
		canonical = AppendValue(canonical, &value)
		var m wirepb.Tuple
		if err := proto.Unmarshal(canonical, &m); err != nil || m.GetEdge() != edge || len(m.GetRoots()) != len(roots) {
			t.Fatalf("the library reads %v, %v", &m, err)
		}
		checkAnchors(t, canonical, inFront, edge, roots)

		foreign := AppendValue(nil, &value)
		for _, r := range roots {
			foreign = AppendRoot(foreign, r.GetTask(), r.GetSeq())
		}
		checkAnchors(t, AppendEdge(foreign, edge), 0, edge, roots)
		behind := AppendKeyHashes(nil, len(hashes))
		for _, r := range roots {
			behind = AppendRoot(behind, r.GetTask(), r.GetSeq())
		}
		behind = AppendEdge(behind, edge) // behind the roots
		checkAnchors(t, behind, 0, edge, roots)
		checkAnchors(t, AppendValue(behind, &value), 0, edge, roots)

		moved := bytes.Clone(canonical)
		if err := NextEdges(append(AppendRecordHeader(nil, len(moved)), moved...)); err != nil {
			t.Fatal(err)
		}
	})
}

func checkAnchors(t *rapid.T, tuple []byte, values int, edge uint64, want []*wirepb.Root) {
	gotEdge, roots, at, err := Anchors(tuple)
	if err != nil || gotEdge != edge || at != values {
		t.Fatalf("edge %#x, values at %d, %v; want %#x, %d", gotEdge, at, err, edge, values)
	}
	if task, seq, ok := OnlyRoot(roots); ok != (len(want) == 1) || ok && (task != want[0].GetTask() || seq != want[0].GetSeq()) {
		t.Fatalf("only root: %d %d %v of %v", task, seq, ok, want)
	}
	for _, r := range want {
		task, seq, rest, err := NextRoot(roots)
		if err != nil || task != r.GetTask() || seq != r.GetSeq() {
			t.Fatalf("root %d %d, %v; want %v", task, seq, err, r)
		}
		roots = rest
	}
	if len(roots) != 0 {
		t.Fatalf("%d bytes of roots are left", len(roots))
	}
}

func TestNextEdgesReplacesEachEdgeOnce(t *testing.T) {
	var body []byte
	word, plain := String("word"), String("untracked")
	record := func(tuple []byte) { body = append(AppendRecordHeader(body, len(tuple)), tuple...) }
	record(AppendValue(AppendRoot(AppendEdge(AppendKeyHashes(nil, 1), 7), 1, 300), &word))
	record(AppendValue(nil, &plain))
	record(AppendEdge(AppendValue(nil, &word), 9)) // another order
	before := bytes.Clone(body)
	if err := NextEdges(body); err != nil {
		t.Fatal(err)
	}
	changed := 0
	for off, want := 0, []uint64{NextEdge(7), 0, NextEdge(9)}; off < len(body); want = want[1:] {
		tuple, end, _ := NextRecord(body, off)
		edge, _, _, err := Anchors(body[tuple:end])
		if err != nil || edge != want[0] {
			t.Errorf("edge %#x, %v; want %#x", edge, err, want[0])
		}
		off = end
	}
	for i := range body {
		if body[i] != before[i] {
			changed++
		}
	}
	if changed > 16 {
		t.Errorf("%d bytes changed, two edges have 16", changed)
	}
	if err := NextEdges([]byte{tagRecord, 3, tagRoot, 9, 0}); !errors.Is(err, ErrAnchors) {
		t.Errorf("a root beyond its tuple gives %v", err)
	}
	if err := NextEdges([]byte{tagRecord, 3, 0}); !errors.Is(err, ErrRecord) {
		t.Errorf("half a record gives %v", err)
	}
}

func TestEdgeSumIsThatOfTheCopies(t *testing.T) {
	const edge = 0xFEED
	second := NextEdge(edge)
	if got, want := EdgeSum(edge, 3), uint64(edge)^second^NextEdge(second); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
	if EdgeSum(edge, 1) != edge {
		t.Error("the only copy has another edge")
	}
}

// TestAnchorsInOnePass compares the one-pass functions with the others.
func TestAnchorsInOnePass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		task, seq := rapid.Uint32Range(0, 1<<21).Draw(t, "task"), rapid.Uint64Min(1).Draw(t, "seq")
		seq >>= rapid.IntRange(0, 63).Draw(t, "shift")
		edge := rapid.Uint64().Draw(t, "edge")
		hashes := rapid.IntRange(0, MaxShortHashes).Draw(t, "hashes")
		var dst [ShortRecord]byte
		w := ShortAnchor(hashes)
		var own OwnRoots
		for n := range uint64(300) {
			if end, want := own.Put(&dst, w, seq+n), AppendRoot(nil, 0, seq+n); !bytes.Equal(dst[w:end], want) {
				t.Fatalf("number %d behind %d: % x, want % x", n, seq, dst[w:end], want)
			}
		}
		other := rapid.Uint64().Draw(t, "other")
		if end, want := own.Put(&dst, w, other), AppendRoot(nil, 0, other); !bytes.Equal(dst[w:end], want) {
			t.Fatalf("% x, want % x", dst[w:end], want)
		}
		want := AppendRoot(nil, task, seq)
		if end := PutAnchor(&dst, w, edge, want); !bytes.Equal(dst[w:end], append(AppendEdge(nil, edge), want...)) {
			t.Fatalf("% x, want % x", dst[w:end], want)
		}
		value := Bytes(make([]byte, rapid.IntRange(0, 9).Draw(t, "size")))
		tuple := AppendRoot(AppendKeyHashes(nil, hashes), 0, seq)
		at := len(tuple)
		tuple = AppendValue(tuple, &value)
		off := rapid.IntRange(0, 3).Draw(t, "offset")
		body := append(AppendRecordHeader(make([]byte, off), len(tuple)), tuple...)
		size := len(body)
		body = append(body, make([]byte, rapid.IntRange(0, ownRoom).Draw(t, "behind"))...)
		end, values, got, ok := OwnRecord(body, off)
		common := hashes < 2 && seq < 1<<56 && len(body) >= off+ownRoom
		if ok != common || ok && (end != size || values != off+2+at || got != seq) {
			t.Fatalf("record to %d, values at %d, number %d, %v; want %d, %d, %d, %v", end, values, got, ok, size, off+2+at, seq, common)
		}
	})
	if PutAnchor(new([ShortRecord]byte), 2, 1, make([]byte, AnchorSize)) != 0 {
		t.Error("roots beyond the room are written")
	}
}

// TestOwnRecordRefusesWhatIsNotOfTheForm leaves to Anchors what it cannot read.
func TestOwnRecordRefusesWhatIsNotOfTheForm(t *testing.T) {
	value := String("a word")
	for name, tuple := range map[string][]byte{
		"an edge":           AppendValue(AppendRoot(AppendEdge(nil, 7), 0, 9), &value),
		"a task":            AppendValue(AppendRoot(nil, 3, 9), &value),
		"two roots":         AppendValue(AppendRoot(AppendRoot(nil, 0, 9), 0, 10), &value),
		"no root":           AppendValue(AppendKeyHashes(nil, 1), &value),
		"an edge behind":    AppendEdge(AppendRoot(nil, 0, 9), 7),
		"a root of nothing": AppendValue([]byte{tagRoot, 0}, &value),
		"no number":         AppendValue([]byte{tagRoot, 1, tagRootSeq}, &value),
		"a number too long": AppendValue([]byte{tagRoot, 2, tagRootSeq, 0x80, 1}, &value),
		"two numbers":       AppendValue([]byte{tagRoot, 4, tagRootSeq, 1, tagRootSeq, 2}, &value),
		"a number cut":      AppendValue([]byte{tagRoot, 9, tagRootSeq, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88}, &value),
		"nothing":           {},
		"no values":         AppendRoot(nil, 0, 9),
		"two hashes":        AppendValue(AppendRoot(AppendKeyHashes(nil, 2), 0, 9), &value),
	} {
		body := append(append(AppendRecordHeader(nil, len(tuple)), tuple...), make([]byte, ownRoom)...)
		if _, _, seq, ok := OwnRecord(body, 0); ok {
			t.Errorf("%s is read as number %d", name, seq)
		}
	}
}

func TestOwnRecordRefusesOtherRecords(t *testing.T) {
	value := String("a word that is long enough")
	tuple := AppendValue(AppendRoot(nil, 0, 9), &value)
	good := append(AppendRecordHeader(nil, len(tuple)), tuple...)
	if _, _, _, ok := OwnRecord(good, 0); !ok {
		t.Fatal("a good record is refused")
	}
	other, cut, long := bytes.Clone(good), bytes.Clone(good), bytes.Clone(good)
	other[0] = tagRoot
	cut[1]++
	long[1] |= 0x80
	for name, body := range map[string][]byte{"another field": other, "a record cut short": cut, "a long record": long} {
		if _, _, _, ok := OwnRecord(body, 0); ok {
			t.Errorf("%s is read", name)
		}
	}
}

func TestRootsAreResolved(t *testing.T) {
	named := AppendRoot(AppendRoot(nil, 3, 9), 1<<20, 1<<40)
	got, err := ResolveRoots([]byte("x"), named, 5)
	if err != nil || &got[0] != &named[0] {
		t.Errorf("roots with tasks become % x, %v", got, err)
	}
	got, err = ResolveRoots([]byte{}, AppendRoot(AppendRoot(nil, 3, 9), 0, 10), 5)
	if want := AppendRoot(AppendRoot(nil, 3, 9), 5, 10); err != nil || !bytes.Equal(got, want) {
		t.Errorf("% x, %v; want % x", got, err, want)
	}
	if _, err := ResolveRoots(nil, []byte{tagRoot, 3, 0xff, 0xff, 0xff}, 5); !errors.Is(err, ErrAnchors) {
		t.Errorf("garbage gives %v", err)
	}
}

func TestAcksComeBackAsTheyWere(t *testing.T) {
	type ack struct{ seq, word uint64 }
	rapid.Check(t, func(t *rapid.T) {
		acks := rapid.SliceOf(rapid.Custom(func(t *rapid.T) ack {
			a := ack{rapid.Uint64Max(MaxSeq).Draw(t, "seq"), rapid.Uint64().Draw(t, "word")}
			if rapid.Bool().Draw(t, "own") {
				a.word = OwnEdge(a.seq)
			}
			return a
		})).Draw(t, "acks")
		var body []byte
		prev := uint64(0)
		for _, a := range acks {
			n := len(body)
			body = AppendAck(body, prev, a.seq, a.word)
			if prev = a.seq; len(body)-n > MaxAck {
				t.Fatalf("an ack takes %d bytes", len(body)-n)
			}
		}
		if n, err := CountAcks(body); n != len(acks) || err != nil {
			t.Fatalf("counted %d, %v", n, err)
		}
		prev = 0
		for _, want := range acks {
			seq, word, rest, ok := NextAck(body, prev)
			if !ok || seq != want.seq || word != want.word {
				t.Fatalf("got %d %#x %v, want %+v", seq, word, ok, want)
			}
			body, prev = rest, seq
		}
	})
	for _, bad := range [][]byte{{1}, {0x80}, bytes.Repeat([]byte{0xff}, 11), {0, 0, 1, 2, 3, 4, 5, 6, 7}} {
		if _, err := CountAcks(bad); !errors.Is(err, ErrAcks) {
			t.Errorf("% x gives %v", bad, err)
		}
	}
}

func TestFailureIsCutToAFrame(t *testing.T) {
	long := string(bytes.Repeat([]byte("\xff"), MaxBody/100))
	frame := AppendFailure(nil, Header{Source: 3, Dest: 1, Epoch: 1}, Failure{Seq: 9, Text: long, Stack: long, Payload: []byte(long)})
	h, err := ParseHeader(frame)
	if err != nil || h.Kind != KindFail || h.Source != 3 || h.Dest != 1 || h.Count != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
	f, err := ParseFailure(frame[HeaderSize:])
	if err != nil || f.Seq != 9 || f.Size != len(long) || len(f.Payload) != MaxFailurePayload || f.Text == "" || f.Stack == "" {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := ParseFailure([]byte{0xff}); !errors.Is(err, ErrAcks) {
		t.Errorf("garbage gives %v", err)
	}
}
