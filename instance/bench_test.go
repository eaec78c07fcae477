package instance

import (
	"io"
	"testing"

	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// benchFrame is a large batch of words of eight letters.
func benchFrame(size int) (frame []byte, tuples int) {
	words := []string{"amberish", "borehole", "cascades", "driftage", "eventual", "feathers", "gratings", "halfways"}
	frame = make([]byte, wire.HeaderSize)
	for len(frame) < size-32 {
		frame = appendWord(frame, words[tuples%len(words)])
		tuples++
	}
	dataHeader(len(frame)-wire.HeaderSize, tuples).Put(frame)
	return frame, tuples
}

// window is how many bytes a stream manager sends before they are handled.
const window = 1 << 20

// readCredit reads, in the background, the credit that a bolt without output
// returns. The channel is closed at the end of the connection.
func readCredit(p *peer) <-chan int {
	credit := make(chan int, 1000)
	go func() {
		defer close(credit)
		for {
			h, _, err := p.next()
			if err != nil {
				return
			}
			credit <- int(h.Count)
		}
	}()
	return credit
}

// BenchmarkReceive is a counting bolt behind a real socket: b.N is tuples.
func BenchmarkReceive(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"frame=4KiB", 4 << 10}, {"frame=32KiB", 32 << 10}, {"frame=128KiB", 128 << 10}} {
		b.Run(size.name, func(b *testing.B) {
			frame, tuples := benchFrame(size.bytes)
			letters := 0
			m := newManager(b, testTopology(b, nil, &userBolt{execute: func(t *topology.Tuple, _ *topology.Collector) error {
				w, err := t.Bytes(0)
				letters += len(w)
				return err
			}}))
			r := m.run(workTask)
			p := m.welcome(plenty)
			credit := readCredit(p)
			b.SetBytes(int64(len(frame) / tuples))
			b.ReportAllocs()
			b.ResetTimer()
			sent, room := 0, window
			for ; sent < b.N; sent += tuples {
				for room < len(frame) {
					room += <-credit
				}
				room -= len(frame)
				if _, err := p.conn.Write(frame); err != nil {
					b.Fatal(err)
				}
			}
			p.end()
			for range credit {
				continue
			}
			p.conn.Close()
			if err := r.wait(); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "tuples/s")
			if letters != 8*sent {
				b.Errorf("%d letters, want %d", letters, 8*sent)
			}
		})
	}
}

// BenchmarkReceiveAcked is BenchmarkReceive where tuples are tracked: the bolt
// acks each, and the peer forgets the acks.
func BenchmarkReceiveAcked(b *testing.B) {
	words := make([]string, 3000)
	for i := range words {
		words[i] = "amberish"
	}
	frame := anchored(words, func(int) uint64 { return 0 }, func(i int) []wireRoot { return []wireRoot{{0, uint64(5_000_000 + i)}} })
	letters := 0
	work := &userBolt{execute: func(t *topology.Tuple, _ *topology.Collector) error {
		w, err := t.Bytes(0)
		letters += len(w)
		return err
	}}
	m := newManager(b, trackedTopology(b, &userSpout{}, work, delivery, false))
	r := m.run(workTask)
	p := m.welcome(plenty)
	credit := make(chan int, 1000)
	go func() {
		defer close(credit)
		for {
			h, _, err := p.next()
			if err != nil || h.Kind == wire.KindEnd {
				return
			}
			if h.Kind == wire.KindCredit {
				credit <- int(h.Count)
			}
		}
	}()
	b.SetBytes(int64(len(frame) / len(words)))
	b.ReportAllocs()
	b.ResetTimer()
	sent, room := 0, window
	for ; sent < b.N; sent += len(words) {
		for room < len(frame) {
			room += <-credit
		}
		room -= len(frame)
		if _, err := p.conn.Write(frame); err != nil {
			b.Fatal(err)
		}
	}
	p.end()
	for range credit {
		continue
	}
	p.conn.Close()
	if err := r.wait(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "tuples/s")
	if letters != 8*sent {
		b.Errorf("%d letters, want %d", letters, 8*sent)
	}
}

// BenchmarkSpoutEmitID is BenchmarkSpoutEmit where tuples are tracked: the peer acks each.
func BenchmarkSpoutEmitID(b *testing.B) {
	words := []string{"amberish", "borehole", "cascades", "driftage", "eventual", "feathers", "gratings", "halfways"}
	n := 0
	d := topology.Delivery{Guarantee: topology.AtLeastOnce}
	m := newManager(b, trackedTopology(b, &userSpout{next: func(out *topology.Collector) error {
		if n >= b.N {
			return io.EOF
		}
		n++
		return out.EmitID(uint64(n), topology.String(words[n&7]))
	}}, nil, d, false))
	b.ReportAllocs()
	b.ResetTimer()
	r := m.run(srcTask)
	p := m.welcome(1 << 20)
	frame := make([]byte, wire.HeaderSize, 256<<10)
	for {
		h, body, err := p.next()
		if err != nil || h.Kind == wire.KindEnd {
			break
		}
		p.grant(wire.HeaderSize + len(body))
		count := int(h.Count)
		if frame = appendAcks(frame[:wire.HeaderSize], body); len(frame) > wire.MaxControlBody {
			b.Fatalf("%d bytes of acks", len(frame))
		}
		p.send(ackHeader(frame, count))
	}
	p.conn.Close()
	if err := r.wait(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tuples/s")
}

// BenchmarkSpoutEmit is a spout of words of eight letters that a peer reads and forgets: b.N is tuples.
func BenchmarkSpoutEmit(b *testing.B) {
	words := []string{"amberish", "borehole", "cascades", "driftage", "eventual", "feathers", "gratings", "halfways"}
	n := 0
	m := newManager(b, testTopology(b, &userSpout{next: func(out *topology.Collector) error {
		if n >= b.N {
			return io.EOF
		}
		n++
		return out.Emit(topology.String(words[n&7]))
	}}, nil))
	b.ReportAllocs()
	b.ResetTimer()
	r := m.run(srcTask)
	p := m.welcome(1 << 20)
	grant := make(chan int, 1)
	go grantAll(p, grant)
	<-grant
	p.conn.Close()
	if err := r.wait(); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tuples/s")
}

// grantAll reads everything and gives back credit for it, until the end.
func grantAll(p *peer, done chan int) {
	buf, total, granted := make([]byte, 256<<10), 0, 0
	for {
		n, err := p.conn.Read(buf)
		total += n
		if err != nil {
			break
		}
		if total-granted >= 128<<10 {
			p.tell(wire.KindCredit, 0, uint32(total-granted))
			granted = total
		}
	}
	done <- total
}
