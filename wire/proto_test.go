package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ardea-stream/ardea/wire/wirepb"
)

// message is the generated message of a value.
func (v *Value) message() *wirepb.Value {
	switch v.typ {
	case TypeInt:
		return &wirepb.Value{Kind: &wirepb.Value_Int{Int: int64(v.num)}}
	case TypeFloat:
		return &wirepb.Value{Kind: &wirepb.Value_Float{Float: floatOf(v)}}
	case TypeString:
		return &wirepb.Value{Kind: &wirepb.Value_Str{Str: v.str}}
	case TypeBytes:
		return &wirepb.Value{Kind: &wirepb.Value_Raw{Raw: []byte(v.str)}}
	case TypeBool:
		return &wirepb.Value{Kind: &wirepb.Value_Flag{Flag: v.num != 0}}
	case TypeTime:
		return &wirepb.Value{Kind: &wirepb.Value_Time{Time: int64(v.num)}}
	default:
		return &wirepb.Value{}
	}
}

func floatOf(v *Value) float64 {
	var r Record
	r.Reset(AppendValue(nil, v))
	f, err := r.Float(0)
	if err != nil {
		panic(err)
	}
	return f
}

// valueOf is the value that a generated message stands for.
func valueOf(m *wirepb.Value) Value {
	switch k := m.GetKind().(type) {
	case *wirepb.Value_Int:
		return Int(k.Int)
	case *wirepb.Value_Float:
		return Float(k.Float)
	case *wirepb.Value_Str:
		return String(k.Str)
	case *wirepb.Value_Raw:
		return Bytes(k.Raw)
	case *wirepb.Value_Flag:
		return Bool(k.Flag)
	case *wirepb.Value_Time:
		return Time(time.Unix(0, k.Time))
	default:
		return Null()
	}
}

// agree compares what a Record says of a tuple's bytes with how protobuf reads them.
func agree(tuple []byte, m *wirepb.Tuple) error {
	for i, want := range m.GetKeyHash() {
		if got, ok := KeyHash(tuple, i); !ok || got != want {
			return fmt.Errorf("key hash %d is %#x, %v, protobuf reads %#x", i, got, ok, want)
		}
	}
	if got, ok := KeyHash(tuple, len(m.GetKeyHash())); ok {
		return fmt.Errorf("there is a key hash %#x beyond the %d that protobuf reads", got, len(m.GetKeyHash()))
	}
	var forward, backward Record
	forward.Reset(tuple)
	backward.Reset(tuple)
	n := len(m.GetValues())
	for i, pv := range m.GetValues() {
		v := valueOf(pv)
		if err := sameValue(&forward, i, &v); err != nil {
			return err
		}
		v = valueOf(m.GetValues()[n-1-i])
		if err := sameValue(&backward, n-1-i, &v); err != nil {
			return err
		}
	}
	if forward.Len() != n {
		return fmt.Errorf("the tuple has %d fields, protobuf reads %d", forward.Len(), n)
	}
	return nil
}

func TestBytesAreThoseOfProtobuf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ours []byte
		m := &wirepb.TupleBatch{}
		for range rapid.IntRange(0, 5).Draw(t, "tuples") {
			hashes := rapid.SliceOfN(rapid.Uint64(), 0, 3).Draw(t, "hashes")
			values := rapid.SliceOfN(rapid.Custom(drawValue), 0, 15).Draw(t, "values")
			ours = appendTuple(ours, hashes, values...)
			tuple := &wirepb.Tuple{KeyHash: hashes}
			for i := range values {
				tuple.Values = append(tuple.Values, values[i].message())
			}
			m.Tuples = append(m.Tuples, tuple)
		}
		theirs, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(ours, theirs) {
			t.Fatalf("we write\n% x, protobuf writes\n% x", ours, theirs)
		}
	})
}

// TestAnyOrderReadsAsProtobufReadsIt shuffles the fields of tuples, adds
// unknown ones and gives values several kinds.
func TestAnyOrderReadsAsProtobufReadsIt(t *testing.T) {
	values := oneOfEach()
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		var fields [][]byte
		for range rng.IntN(4) {
			fields = append(fields, field(1, rng.Uint64()))
		}
		for range rng.IntN(3) {
			fields = append(fields, field(2, rng.Uint64()), field(3, "\x08\x05\x10\x07"))
		}
		for range rng.IntN(20) {
			fields = append(fields, field(4, string(randomMessage(rng, values))))
		}
		unknown := [][]byte{field(1, "0123456789abcdef"), field(1, 3), field(4, 3), field(4, uint64(3)), field(5, "x"), field(1000, float32(2))}
		for range rng.IntN(4) {
			fields = append(fields, unknown[rng.IntN(len(unknown))])
		}
		rng.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		tuple := join(fields...)
		var m wirepb.Tuple
		if err := proto.Unmarshal(tuple, &m); err != nil {
			t.Fatal(err)
		}
		if err := agree(tuple, &m); err != nil {
			t.Fatalf("%v\n% x", err, tuple)
		}
		body := append(AppendRecordHeader(nil, len(tuple)), tuple...)
		if n, err := CheckBatch(body); n != 1 || err != nil {
			t.Fatalf("CheckBatch says %d, %v", n, err)
		}
	})
}

// randomMessage returns a Value message of zero to three kinds, in which unknown fields may stand.
func randomMessage(rng *rand.Rand, values []Value) []byte {
	var b []byte
	for range rng.IntN(4) {
		switch rng.IntN(6) {
		case 0:
			b = append(b, field(9, "unknown")...)
		case 1:
			b = append(b, field(1, "an int of another wire type")...)
		case 2: // a varint in more bytes than it needs, which is legal
			b = append(b, 0x08, 0x85, 0x80, 0x00)
		case 3: // so may a tag and a length be
			b = append(b, 0x9a, 0x00, 0x82, 0x00, 'o', 'k')
		default:
			v := values[rng.IntN(len(values))]
			e := AppendValue(nil, &v)
			_, n := protowire.ConsumeBytes(e[1:])
			if n < 0 {
				panic("no value")
			}
			message, _ := protowire.ConsumeBytes(e[1:])
			b = append(b, message...)
		}
	}
	return b
}

func TestLongStringsAgree(t *testing.T) {
	for _, n := range []int{0, 1, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16379, 16380, 16381, 16384, 70000} {
		v := String(strings.Repeat("x", n))
		body := appendTuple(nil, []uint64{1}, v)
		var m wirepb.TupleBatch
		if err := proto.Unmarshal(body, &m); err != nil {
			t.Fatal(n, err)
		}
		tuple, end, ok := NextRecord(body, 0)
		if !ok || end != len(body) {
			t.Fatalf("string of %d bytes: no record", n)
		}
		if err := agree(body[tuple:], m.GetTuples()[0]); err != nil {
			t.Errorf("string of %d bytes: %v", n, err)
		}
	}
}
