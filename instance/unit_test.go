package instance

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ardea-stream/ardea/internal/invariants"
	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/pool"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// socketPair returns two connected sockets.
func socketPair(tb testing.TB) (a, b *net.UnixConn) {
	tb.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatal(err)
	}
	conns := [2]*net.UnixConn{}
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socketpair")
		c, err := net.FileConn(f)
		if err != nil {
			tb.Fatal(err)
		}
		f.Close()
		tb.Cleanup(func() { c.Close() })
		conns[i] = c.(*net.UnixConn)
	}
	return conns[0], conns[1]
}

// stepped is a bolt's task whose loop the test takes step by step, over a socket pair.
type stepped struct {
	*bolt

	peer *peer
	got  []string
}

func newStepped(tb testing.TB, user *userBolt, change ...func(*Config)) *stepped {
	tb.Helper()
	return newSteppedIn(tb, testTopology(tb, nil, user), user, change...)
}

// stillTask makes a task that does not run, over a socket pair.
func stillTask(tb testing.TB, topo *topology.Topology, task uint32, change ...func(*Config)) (*task, *peer) {
	tb.Helper()
	l := plan.NewLogical(topo)
	p := plan.New(l, plan.PackRoundRobin(l, 1), testEpoch, 42, func(uint32) (string, string) { return "", "" })
	cfg := Config{Plan: p, Topology: topo, Task: task}
	for _, f := range change {
		f(&cfg)
	}
	i, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	t := newTask(tb.Context(), i)
	ours, theirs := socketPair(tb)
	if t.link, err = newLink(ours); err != nil {
		tb.Fatal(err)
	}
	t.credit = plenty
	tb.Cleanup(t.release)
	return t, &peer{tb: tb, conn: theirs, buf: make([]byte, 1<<20)}
}

// newSteppedIn is newStepped in a topology whose work is user.
func newSteppedIn(tb testing.TB, topo *topology.Topology, user *userBolt, change ...func(*Config)) *stepped {
	tb.Helper()
	t, p := stillTask(tb, topo, workTask, change...)
	s := &stepped{bolt: t.worker.(*bolt), peer: p}
	if user.execute == nil {
		user.execute = func(tu *topology.Tuple, _ *topology.Collector) error {
			w, err := tu.String(0)
			s.got = append(s.got, w)
			return err
		}
	}
	if err := s.open(tb.Context(), t.info()); err != nil {
		tb.Fatal(err)
	}
	now := s.clock()
	s.pace.begin(now)
	s.lap = s.pace.lap
	return s
}

// arrive sends bytes and has the task read and handle them.
func (s *stepped) arrive(b []byte) error {
	s.peer.send(b)
	for {
		got, err := s.poll(s.in.room())
		if err != nil || !got {
			return err
		}
		if err := s.consume(); err != nil {
			return err
		}
	}
}

// TestFramesCutAnywhere has every prefix of a stream of frames arrive before the rest.
func TestFramesCutAnywhere(t *testing.T) {
	leaktest.Check(t)
	words := []string{"one", strings.Repeat("long", 60), "three", "", "five"}
	ping := wire.AppendHeader(nil, wire.Header{Kind: wire.KindPing, Count: 3, Epoch: testEpoch})
	empty := altered(dataFrame(), func(h *wire.Header) { h.Count = 0 })
	stream := slices.Concat(dataFrame(words[:3]...), ping, empty, dataFrame(words[3:]...), endFrame())
	check := func(t *testing.T, s *stepped) {
		t.Helper()
		if !slices.Equal(s.got, words) || s.inputs.open != 0 || s.in.left != 0 || s.in.open {
			t.Errorf("got %q, input is %+v", s.got, s.in)
		}
		if h, _ := s.peer.frame(); h.Kind != wire.KindPong {
			t.Errorf("frame is %+v", h)
		}
		data := int64(len(stream) - 2*wire.HeaderSize)
		if s.unpaid != data+wire.HeaderSize || s.count.bytesIn != data || s.count.framesIn != 3 {
			t.Errorf("%d bytes unpaid of %d, want %d and the end frame", s.unpaid, s.count.bytesIn, data)
		}
	}
	for cut := range stream {
		t.Run(strconv.Itoa(cut), func(t *testing.T) {
			s := newStepped(t, &userBolt{})
			for _, part := range [][]byte{stream[:cut], stream[cut:]} {
				if err := s.arrive(part); err != nil {
					t.Fatal(err)
				}
			}
			check(t, s)
		})
	}
	t.Run("everywhere", func(t *testing.T) {
		s := newStepped(t, &userBolt{})
		for i := range stream {
			if err := s.arrive(stream[i : i+1]); err != nil {
				t.Fatal(err)
			}
		}
		check(t, s)
	})
}

// TestLargeRecords checks that records above the size of the receive buffer pass, and that it shrinks again.
func TestLargeRecords(t *testing.T) {
	leaktest.Check(t)
	var s *stepped
	var words, got []string
	largest := 0
	s = newStepped(t, &userBolt{execute: func(tu *topology.Tuple, _ *topology.Collector) error {
		w, err := tu.String(0)
		got = append(got, w)
		largest = max(largest, cap(s.in.buf.B))
		return err
	}})
	for _, n := range []int{receiveSize - 100, receiveSize, 1, wire.MaxTuple - 100, 5} {
		words = append(words, strings.Repeat("x", n))
	}
	frame := dataFrame(words...)
	for part := range slices.Chunk(frame, 50_000) {
		if err := s.arrive(part); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, words) {
		t.Errorf("%d words, or other ones", len(got))
	}
	if largest < wire.MaxTuple || largest > 4*wire.MaxTuple {
		t.Errorf("the buffer grew to %d bytes", largest)
	}
	if s.in.room(); cap(s.in.buf.B) != receiveSize {
		t.Errorf("the buffer still holds %d bytes", cap(s.in.buf.B))
	}
}

// TestInputAgainstAModel reads a random stream of bytes, some of it ahead, and
// compares what is consumed and what is borrowed with the stream itself.
func TestInputAgainstAModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var in input
	in.init()
	written, read := uint32(0), uint32(0)
	fill := func(room []byte) {
		n := min(len(room), 1+r.IntN(300_000)) &^ 3
		if len(in.rest()) > 1<<20 {
			n = 24 // the window is full, only control frames come
		}
		for i := 0; i < n; i += 4 {
			binary.LittleEndian.PutUint32(room[i:], written)
			written++
		}
		in.take(n)
	}
	for range 500 {
		in.settle()
		if room := in.room(); len(room) < 4 {
			t.Fatalf("room of %d bytes", len(room))
		}
		fill(in.room())
		for len(in.rest()) >= 4 && r.IntN(20) > 0 {
			in.settle()
			n := min(len(in.rest())/4, 1+r.IntN(5000)) * 4
			record := in.rest()[:n]
			in.pos += n
			before := bytes.Clone(record)
			for range r.IntN(4) * r.IntN(2) {
				fill(in.roomAhead())
			}
			if !bytes.Equal(record, before) {
				t.Fatal("borrowed bytes changed")
			}
			for i := 0; i < n; i += 4 {
				if got := binary.LittleEndian.Uint32(record[i:]); got != read {
					t.Fatalf("read %d, want %d", got, read)
				}
				read++
			}
			if at := in.at(); at != int64(read)*4 {
				t.Fatalf("offset is %d, want %d", at, read*4)
			}
		}
	}
	in.release()
	if n := pool.Outstanding(); invariants.Enabled && n != 0 {
		t.Errorf("%d buffers are not released", n)
	}
}

func TestRecordNeed(t *testing.T) {
	word := appendWord(nil, strings.Repeat("w", 300))
	for n := 1; n <= len(word); n++ {
		need, err := recordNeed(word[:n], int64(len(word)))
		if err != nil || need <= n && n < len(word) || need > len(word) || n >= 3 && need != len(word) {
			t.Errorf("%d bytes of %d: need %d, error %v", n, len(word), need, err)
		}
		if _, err := recordNeed(word[:n], int64(len(word)-1)); n >= 3 && !errors.Is(err, wire.ErrRecord) {
			t.Errorf("%d bytes of a record that leaves its frame: error %v", n, err)
		}
	}
}

func TestTicksKeepTheirPhase(t *testing.T) {
	k := ticks{every: 10, next: 10}
	for _, step := range []struct {
		now  int64
		due  bool
		next int64
	}{{9, false, 10}, {10, true, 20}, {11, false, 20}, {27, true, 30}, {30, true, 40}, {95, true, 100}, {99, false, 100}} {
		if due := k.due(step.now); due != step.due || k.next != step.next {
			t.Errorf("at %d: due %v, next %d; want %v, %d", step.now, due, k.next, step.due, step.next)
		}
	}
	if never := (ticks{}); never.due(1 << 60) {
		t.Error("a bolt without ticks got one")
	}
}

func TestPace(t *testing.T) {
	var p pace
	p.begin(0)
	now := int64(0)
	lap := func(perCall int64) int {
		now += int64(p.lap) * perCall
		p.next(now)
		return p.lap
	}
	for range 20 {
		lap(25)
	}
	if p.lap != maxLap {
		t.Errorf("fast calls make laps of %d, want %d", p.lap, maxLap)
	}
	if got := lap(10_000_000); got != 1 {
		t.Errorf("after one slow lap the next has %d calls, want 1", got)
	}
	for range 20 {
		lap(10_000)
	}
	if took := int64(p.lap) * 10_000; took < int64(checkEvery)/2 || took > 2*int64(checkEvery) {
		t.Errorf("calls of 10 µs make laps of %d", p.lap)
	}
}

func TestAging(t *testing.T) {
	const (
		idle    = false
		pending = true
	)
	for _, single := range []bool{true, false} {
		a := aging{maxAge: 100, single: single}
		last := int64(1)
		for _, step := range []struct {
			pending     bool
			now, frames int64
			due         bool
		}{
			{idle, 20, 0, false},
			{pending, 30, 0, false}, // begun at 20 or later
			{pending, 119, 0, false},
			{pending, 120, 0, true},
			{pending, 130, 1, false},
			{idle, 230, 2, false},
			{pending, 240, 2, false},
			{pending, 300, 3, false}, // a full batch was sent, so what is pending may be younger
			{pending, 335, 3, !single},
			{idle, 360, 4, false},
			{pending, 400, 4, false},
			{pending, 459, 4, false},
			{pending, 460, 4, true},
			{idle, 470, 5, false},
			{pending, 600, 5, true}, // a lap that took long
		} {
			if due := a.due(step.pending, last, step.now, step.frames); due != step.due {
				t.Errorf("single %v, at %d: due %v, want %v", single, step.now, due, step.due)
			}
			last = step.now
		}
	}
}

func TestReportsAreRare(t *testing.T) {
	var r report
	got := []bool{r.ready(1), r.ready(2), r.ready(reportEvery), r.ready(reportEvery + 1), r.ready(reportEvery + 2)}
	if want := []bool{true, false, false, true, false}; !slices.Equal(got, want) || r.suppressed != 3 {
		t.Errorf("got %v and %d suppressed, want %v and 3", got, r.suppressed, want)
	}
}
