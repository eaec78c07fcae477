package randomwords

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// toCount is a Sink that gives every tuple to a count bolt.
type toCount struct{ bolt *count }

func (s toCount) Send(_ uint16, _ uint32, _ bool, _ uint32, batch *pool.Buf) error {
	defer batch.Release()
	body := batch.B[wire.HeaderSize:]
	var t topology.Tuple
	for off := 0; off < len(body); {
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			return errors.New("bad record")
		}
		t.Reset(body[tuple:end], &topology.Source{})
		if err := s.bolt.Execute(&t); err != nil {
			return err
		}
		off = end
	}
	return nil
}

// published keeps the latest Tally of a task.
func published(t *testing.T, id uint32, into *Tally) *topology.Task {
	t.Helper()
	return &topology.Task{ID: id, Publish: func(_ string, data []byte) {
		if err := json.Unmarshal(data, into); err != nil {
			t.Error(err)
		}
	}}
}

func TestSentIsCounted(t *testing.T) {
	const tuples = 100_001 // no multiple of perNext
	var sent, counted Tally
	c := &count{}
	if err := c.Open(context.Background(), published(t, 2, &counted), nil); err != nil {
		t.Fatal(err)
	}
	spec := topology.OutputSpec{Name: topology.DefaultStream, Fields: []string{"word"}, Routed: true}
	out := topology.NewCollector(toCount{c}, 0, 0, 0, []topology.OutputSpec{spec})
	s := &words{o: Options{Words: 1000, Tuples: tuples}}
	if err := s.Open(context.Background(), published(t, 1, &sent), out); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		err = s.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if err := errors.Join(out.Flush(), s.Close(), c.Finish(), c.Close()); err != nil {
		t.Fatal(err)
	}
	if want := (Tally{Words: tuples, Distinct: 1000}); sent != want || counted != want {
		t.Errorf("sent %+v, counted %+v, want %+v", sent, counted, want)
	}
}

func TestDictionary(t *testing.T) {
	a := Dictionary(20_000, 1)
	if !slices.Equal(a, Dictionary(20_000, 1)) {
		t.Error("the same seed gives another dictionary")
	}
	if slices.Equal(a, Dictionary(20_000, 2)) {
		t.Error("another seed gives the same dictionary")
	}
	slices.Sort(a)
	if n := len(slices.Compact(a)); n != 20_000 {
		t.Errorf("%d different words of 20000", n)
	}
}

func TestTopology(t *testing.T) {
	topo, err := Topology(Options{Spouts: 2, Bolts: 3})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(topo.Components); n != 2 {
		t.Errorf("%d components", n)
	}
	if _, err := Topology(Options{Words: -1}); err == nil {
		t.Error("no error for a dictionary of -1 words")
	}
	var invalid *topology.InvalidError
	if _, err := Topology(Options{Spouts: -1}); !errors.As(err, &invalid) {
		t.Errorf("-1 spouts give %v", err)
	}
}
