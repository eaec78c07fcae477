package pipe

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
	"github.com/ardea-stream/ardea/topology"
)

// TestGoesOnInTheNextRun reads a log in three runs, and expects each record once.
func TestGoesOnInTheNextRun(t *testing.T) {
	for _, d := range []topology.Delivery{{}, tracked} {
		t.Run(d.Guarantee.String(), func(t *testing.T) {
			leaktest.Check(t)
			h := host(t, t.TempDir())
			src := Source{Dir: h.store.Dir(), Log: "numbers", Subscription: "test"}
			s := newSeen()
			at := 0
			for _, n := range []int{5000, 0, 12} {
				h.write(t, "numbers", numbers(at, at+n)...)
				at += n
				ok(t, read(t, src, d, s))
				s.check(t, 0, at, true)
				if p := h.position(t, "numbers", "test"); p != uint64(at) {
					t.Fatalf("position is %d, want %d", p, at)
				}
			}
			h.stop()
		})
	}
}

// TestReadsAllContainers divides three logs among tasks.
func TestReadsAllContainers(t *testing.T) {
	for _, tasks := range []int{1, 2, 3} {
		t.Run(strconv.Itoa(tasks), func(t *testing.T) {
			leaktest.Check(t)
			dir := t.TempDir()
			var hosts []*served
			for i := range 3 {
				h := host(t, filepath.Join(dir, strconv.Itoa(i+1)))
				h.write(t, "numbers", numbers(1000*i, 1000*(i+1))...)
				hosts = append(hosts, h)
			}
			s := newSeen()
			src := Source{Dir: dir, Log: "numbers", Subscription: "test"}
			ok(t, read(t, src, tracked, s, topology.Parallelism(tasks)))
			s.check(t, 0, 3000, true)
			for _, h := range hosts {
				if p := h.position(t, "numbers", "test"); p != 1000 {
					t.Errorf("position is %d, want 1000", p)
				}
				h.stop()
			}
		})
	}
}

// TestFollowsThroughServersThatGoAway stops the server three times while a topology reads, and seals the log in the end.
func TestFollowsThroughServersThatGoAway(t *testing.T) {
	leaktest.Check(t)
	dir := t.TempDir()
	h := host(t, dir)
	s := newSeen()
	reached := make(chan int, 100)
	s.onSeen = func(total int) {
		if total%1000 == 0 {
			reached <- total
		}
	}
	ended := make(chan error)
	src := Source{Dir: dir, Log: "numbers", Subscription: "test", Follow: true}
	go func() { ended <- read(t, src, tracked, s) }() // waits for the log to be made
	for i := range 3 {
		h.write(t, "numbers", numbers(1000*i, 1000*(i+1))...)
		select {
		case <-reached:
		case err := <-ended:
			t.Fatal(err)
		}
		h.stop()
		h = host(t, dir)
	}
	w, err := h.log(t, "numbers").OpenWriter(0)
	ok(t, err)
	ok(t, w.Seal(t.Context()))
	ok(t, <-ended)
	s.check(t, 0, 3000, true)
	if p := h.position(t, "numbers", "test"); p != 3000 {
		t.Errorf("position is %d, want 3000", p)
	}
	h.stop()
}

// TestReplaysWhatFails fails tuples and expects them again, but for one that is given up.
func TestReplaysWhatFails(t *testing.T) {
	leaktest.Check(t)
	h := host(t, t.TempDir())
	h.write(t, "numbers", numbers(0, 500)...)
	s := newSeen()
	tries := map[int64]int{}
	topo := reading(t, Source{Dir: h.store.Dir(), Log: "numbers", Subscription: "test"}, func() topology.Bolt {
		return &reader{seen: s, fail: func(n int64) error {
			if tries[n]++; n%7 == 0 && tries[n] < 3 || n == 250 {
				return errors.New("not now")
			}
			return nil
		}}
	}, tracked)
	_, err := local.Run(t.Context(), topo, local.Options{InProcess: true})
	ok(t, err)
	if tries[250] != topology.DefaultMaxRetries+1 || len(s.counts) != 499 {
		t.Errorf("a number that always fails was tried %d times, %d others were seen", tries[250], len(s.counts))
	}
	if p := h.position(t, "numbers", "test"); p != 500 {
		t.Errorf("position is %d, want 500: what is given up is done", p)
	}
	h.stop()
}

// TestRecordsThatDoNotFit reads what cannot be emitted.
func TestRecordsThatDoNotFit(t *testing.T) {
	leaktest.Check(t)
	h := host(t, t.TempDir())
	src := Source{Dir: h.store.Dir(), Subscription: "test"}
	for _, c := range []struct {
		log  string
		rec  []byte
		says string
	}{
		{"no tuple", []byte("hello"), "it is no tuple"},
		{"two fields", tuple(topology.Int(1), topology.Int(2)), "2 values for the 1 fields"},
		{"no field", tuple(), "0 values for the 1 fields"},
		{"no text", []byte{0x22, 3, 0x1a, 1, 0xff}, "not valid UTF-8"},
	} {
		h.write(t, c.log, append(numbers(0, 130), c.rec)...)
		src.Log = c.log
		s := newSeen()
		wantError(t, read(t, src, tracked, s), ErrSchema.Error(), fmt.Sprintf("record 130 of log %q", c.log), c.says)
	}
	h.write(t, "bytes", []byte("7"), nil, []byte("\xff"))
	src.Log, src.Decode = "bytes", Raw
	var got []string
	topo := reading(t, src, func() topology.Bolt { return &collecting{got: &got} }, tracked)
	_, err := local.Run(t.Context(), topo, local.Options{InProcess: true})
	ok(t, err)
	if !slices.Equal(got, []string{"7", "", "\xff"}) {
		t.Errorf("got %q", got)
	}
	h.stop()
}

// collecting is a bolt that keeps bytes.
type collecting struct {
	reader
	got *[]string
}

func (b *collecting) Execute(t *topology.Tuple) error {
	v, err := t.Bytes(0)
	*b.got = append(*b.got, string(v))
	return err
}

// TestAllTypesComeBack appends a tuple of all types and reads it.
func TestAllTypesComeBack(t *testing.T) {
	at := time.Unix(12, 34).UTC()
	values := []topology.Value{
		topology.Null(), topology.Int(-5), topology.Float(1.5), topology.String("ü"), topology.Bytes([]byte{0xff}), topology.Bool(true), topology.Time(at),
	}
	var d decoder
	got, err := d.decode(tuple(values...))
	ok(t, err)
	if again := tuple(got...); !slices.Equal(again, tuple(values...)) {
		t.Errorf("%x, want %x", again, tuple(values...))
	}
}

// TestSourceThatIsWrong tries what cannot be read.
func TestSourceThatIsWrong(t *testing.T) {
	leaktest.Check(t)
	h := host(t, t.TempDir())
	h.write(t, "numbers", numbers(0, 300)...)
	dir := h.store.Dir()
	good := Source{Dir: dir, Log: "numbers", Subscription: "test"}
	with := func(change func(*Source)) Source {
		s := good
		change(&s)
		return s
	}
	ok(t, h.log(t, "numbers").Truncate(100))
	ok(t, h.log(t, "numbers").Subscription("old").Commit(5))
	for _, c := range []struct {
		src     Source
		options []topology.Option
		says    string
	}{
		{src: Source{}, says: "Subscription \"\" has 0 bytes"},
		{src: with(func(s *Source) { s.Decode = 9 }), says: "Decode is 9"},
		{src: with(func(s *Source) { s.PendingBytes = -1 }), says: "PendingBytes is -1"},
		{src: with(func(s *Source) { s.Dir = filepath.Join(dir, "no") }), says: "no is none"},
		{src: with(func(s *Source) { s.Subscription = "other" }), options: []topology.Option{topology.Parallelism(2)}, says: "use a parallelism of up to 1"},
		{src: with(func(s *Source) { s.Log = "letters" }), says: dlog.ErrNotFound.Error()},
		{src: with(func(s *Source) { s.Subscription = "old" }), says: "at 5: dlog: truncated: the log begins at 100"},
		{src: with(func(s *Source) { s.From = dlog.Offset(301) }), says: dlog.ErrBeyondEnd.Error()},
	} {
		wantError(t, read(t, c.src, tracked, newSeen(), c.options...), c.says)
	}
	s := newSeen()
	ok(t, read(t, good, tracked, s))
	s.check(t, 100, 300, true)
	h.stop()
}

// TestPendingBytes reads with a bound that lets one batch be under way at a time.
func TestPendingBytes(t *testing.T) {
	leaktest.Check(t)
	h := host(t, t.TempDir())
	h.write(t, "numbers", numbers(0, 1000)...)
	s := newSeen()
	ok(t, read(t, Source{Dir: h.store.Dir(), Log: "numbers", Subscription: "test", PendingBytes: 1}, tracked, s))
	s.check(t, 0, 1000, true)
	h.stop()
}
