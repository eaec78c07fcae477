package trending

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// toBolt is a Sink that gives every tuple to a bolt.
type toBolt struct {
	execute func(*topology.Tuple) error
	src     topology.Source
}

func (s *toBolt) Send(_ uint16, _ uint32, _ bool, _ uint32, batch *pool.Buf) error {
	defer batch.Release()
	body := batch.B[wire.HeaderSize:]
	var t topology.Tuple
	for off := 0; off < len(body); {
		tuple, end, ok := wire.NextRecord(body, off)
		if !ok {
			return errors.New("bad record")
		}
		t.Reset(body[tuple:end], &s.src)
		if err := s.execute(&t); err != nil {
			return err
		}
		off = end
	}
	return nil
}

func collector(task uint32, execute func(*topology.Tuple) error, fields ...string) *topology.Collector {
	spec := topology.OutputSpec{Name: topology.DefaultStream, Fields: fields, Routed: true}
	return topology.NewCollector(&toBolt{execute, topology.Source{Task: task}}, 0, 0, 0, []topology.OutputSpec{spec})
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// window is two count tasks with a ranking behind them.
type window struct {
	t       *testing.T
	tasks   []*counts
	in, out []*topology.Collector
	end     *ranking
	latest  []Entry
}

func newWindow(t *testing.T, buckets, top int) *window {
	t.Helper()
	w := &window{t: t, end: &ranking{top: top}}
	task := &topology.Task{Publish: func(_ string, data []byte) { check(t, json.Unmarshal(data, &w.latest)) }}
	check(t, w.end.Open(context.Background(), task, nil))
	for i := range 2 {
		c := &counts{buckets: buckets, top: top}
		out := collector(uint32(i+1), w.end.Execute, "place", "tag", "count")
		check(t, c.Open(context.Background(), nil, out))
		w.tasks, w.out = append(w.tasks, c), append(w.out, out)
		w.in = append(w.in, collector(9, c.Execute, "tag"))
	}
	return w
}

// use counts tags, each in the task that its last byte names.
func (w *window) use(tags string) {
	for tag := range strings.FieldsSeq(tags) {
		check(w.t, w.in[tag[len(tag)-1]%2].Emit(topology.String(tag)))
	}
}

// tick lets the second sec end and returns the ranking.
func (w *window) tick(sec int64) string {
	w.t.Helper()
	for i, c := range w.tasks {
		check(w.t, w.in[i].Flush(), c.Tick(time.Unix(sec, 0)), w.out[i].Flush())
	}
	check(w.t, w.end.Tick(time.Unix(sec, 0)))
	var places []string
	for _, e := range w.latest {
		places = append(places, fmt.Sprintf("%s:%d", e.Tag, e.Count))
	}
	return strings.Join(places, " ")
}

func TestWindowSlides(t *testing.T) {
	w := newWindow(t, 3, 3)
	for _, step := range []struct {
		sec        int64
		uses, want string
	}{
		{100, "a a a b", "a:3 b:1"},
		{101, "b b c d", "a:3 b:3 c:1"},
		{102, "e e", "a:3 b:3 e:2"},
		{103, "c", "b:2 c:2 e:2"},
		{104, "", "e:2 c:1"},
		{105, "", "c:1"},
		{106, "", ""},
		{107, "f", "f:1"},
		{112, "g", "f:1 g:1"}, // ticks were missed: counted when the next one came
		{113, "h", "h:1"},
	} {
		w.use(step.uses)
		if got := w.tick(step.sec); got != step.want {
			t.Errorf("second %d: got %q, want %q", step.sec, got, step.want)
		}
	}
	for _, c := range w.tasks {
		if len(c.tags) > 1 {
			t.Errorf("tags out of use are kept: %v", c.tags)
		}
	}
}

func TestHashtags(t *testing.T) {
	var got []string
	h := &hashtags{}
	check(t, h.Open(context.Background(), nil, collector(1, func(tag *topology.Tuple) error {
		text, err := tag.String(0)
		got = append(got, text)
		return err
	}, "tag")))
	in := collector(9, h.Execute, "text")
	check(t, in.Emit(topology.String("no tag # here, ##Go_1 #\u00c4gypten's #")), in.Flush(), h.out.Flush())
	if want := []string{"go_1", "\u00e4gypten"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestPopularityDrifts runs the spout and looks which tag leads, early and late.
func TestPopularityDrifts(t *testing.T) {
	run := func(seed uint64) (leaders []string) {
		uses := map[string]int{}
		sent := 0
		h := &hashtags{}
		check(t, h.Open(context.Background(), nil, collector(2, func(tag *topology.Tuple) error {
			text, err := tag.String(0)
			uses[text]++
			return err
		}, "tag")))
		s := &tweets{o: Options{Tags: 50, Tweets: 3 * drift, Seed: seed}.withDefaults()}
		check(t, s.Open(context.Background(), &topology.Task{ID: 1}, collector(1, func(text *topology.Tuple) error {
			if sent++; sent%drift == 0 {
				check(t, h.out.Flush())
				leader := ""
				for tag, n := range uses {
					if n > uses[leader] {
						leader = tag
					}
				}
				leaders = append(leaders, leader)
				clear(uses)
			}
			return h.Execute(text)
		}, "text")))
		var err error
		for err == nil {
			err = s.Next()
		}
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		check(t, s.out.Flush(), s.Close())
		return leaders
	}
	want := []string{"tag0", "tag1", "tag2"}
	if got := run(1); !slices.Equal(got, want) {
		t.Errorf("the leaders are %q, want %q", got, want)
	}
}

func TestRateIsKept(t *testing.T) {
	s := &tweets{o: Options{Rate: 1e-6}.withDefaults()}
	out := collector(1, func(*topology.Tuple) error { return nil }, "text")
	check(t, s.Open(context.Background(), &topology.Task{ID: 1}, out))
	if err := s.Next(); !errors.Is(err, topology.ErrIdle) {
		t.Errorf("a spout that is not due returns %v", err)
	}
	s.start = s.start.Add(-3_000_000 * time.Second)
	if err := s.Next(); err != nil || s.sent != 3 {
		t.Errorf("sent %d of 3 that are due, %v", s.sent, err)
	}
}

func TestTopology(t *testing.T) {
	if _, err := Topology(Options{}); err != nil {
		t.Error(err)
	}
	for _, bad := range []Options{{Tags: -1}, {Top: -1}, {Rate: -1}, {Window: time.Millisecond}, {Window: 1500 * time.Millisecond}, {Bolts: -1}} {
		if _, err := Topology(bad); err == nil {
			t.Errorf("no error for %+v", bad)
		}
	}
}
