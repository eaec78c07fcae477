package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// ahead is how many words of each source may be published and not counted: neither the client nor the server bounds what
// waits for a subscriber that is too slow, but by dropping it.
const ahead = 65_536

// lead keeps sources from being too far ahead of the counting tasks. Any goroutine may call its methods.
type lead struct {
	most int64
	room chan struct{} // a source that waits may look again
	_    line
	out  atomic.Int64 // words published
	seen atomic.Int64 // words counted, when a source has last looked
	_    line
	in   atomic.Int64 // words counted
	_    line
	wait atomic.Bool // a source waits
}

// line keeps what sources change apart from what counting tasks change, so that they do not share a line of the cache.
type line [64]byte

func newLead(sources int) *lead {
	return &lead{most: int64(sources) * ahead, room: make(chan struct{}, 1)}
}

// take waits until there is room for some words that are about to be published: once there is none, until half is free.
func (l *lead) take(ctx context.Context, words int64) error {
	out := l.out.Add(words)
	if out-l.seen.Load() <= l.most {
		return nil
	}
	l.seen.Store(l.in.Load())
	if out-l.seen.Load() <= l.most {
		return nil
	}
	patience := time.NewTimer(natsPatience)
	defer patience.Stop()
	for before := l.seen.Load(); ; {
		l.wait.Store(true)
		now := l.in.Load()
		if l.half(now) {
			l.seen.Store(now)
			l.wake() // another source may wait as well
			return nil
		}
		select {
		case <-l.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-patience.C:
			if now = l.in.Load(); now == before {
				return fmt.Errorf("nothing was counted in %v with %d words on their way: the server may have dropped them", natsPatience, l.out.Load()-before)
			}
			before = now
			patience.Reset(natsPatience)
		}
	}
}

// half reports whether half of the lead is free when so many words are counted.
func (l *lead) half(in int64) bool { return l.out.Load()-in <= l.most/2 }

// give tells that a word was counted.
func (l *lead) give() {
	if in := l.in.Add(1); l.wait.Load() && l.half(in) && l.wait.CompareAndSwap(true, false) {
		l.wake()
	}
}

func (l *lead) wake() {
	select {
	case l.room <- struct{}{}:
	default: // one who waits is told already
	}
}

// counted returns how many words were counted.
func (l *lead) counted() uint64 { return uint64(l.in.Load()) }

// publishAll publishes the draws of all sources, each by a connection of its own.
func publishAll(ctx context.Context, url string, run *adapter.Run, l *lead) error {
	return eachSource(url, run, func(conn *nats.Conn, source *adapter.Source) error {
		p := publisher{run: run, conn: conn}
		sentences := run.Workload == words.Sentences
		for {
			d, more := source.Next()
			if !more {
				return errors.Join(source.Err(), conn.FlushTimeout(natsPatience))
			}
			n := int64(1)
			if sentences {
				n += int64(strings.Count(d.Text, " "))
			}
			if err := l.take(ctx, n); err != nil {
				return err
			}
			if err := p.publish(d, sentences); err != nil {
				return err
			}
		}
	})
}

// publishStream publishes the draws of all sources and waits until the server has them all.
func publishStream(ctx context.Context, url string, run *adapter.Run, l *lead) error {
	return eachSource(url, run, func(conn *nats.Conn, source *adapter.Source) error {
		js, err := asynchronous(conn)
		if err != nil {
			return err
		}
		for {
			d, more := source.Next()
			if !more {
				break
			}
			if err := l.take(ctx, 1); err != nil {
				return err
			}
			message := encode(nil, d.Text, d.Due, run.Rate > 0) // the client keeps it until it is acknowledged
			if _, err := js.PublishAsync(subjectOf(d.Text, run.Parallelism), message, jetstream.WithStallWait(natsPatience)); err != nil {
				return err
			}
		}
		return errors.Join(source.Err(), js.complete())
	})
}

// eachSource calls publish for each source, in a goroutine and with a connection of its own, and waits for all.
func eachSource(url string, run *adapter.Run, publish func(*nats.Conn, *adapter.Source) error) error {
	errs := make(chan error, run.Parallelism)
	for range run.Parallelism {
		conn, err := connect(url)
		if err != nil {
			return err
		}
		defer conn.Close()
		source, err := run.Source()
		if err != nil {
			return err
		}
		go func() { errs <- publish(conn, source) }()
	}
	var all error
	for range run.Parallelism {
		all = errors.Join(all, <-errs)
	}
	return all
}

// encode appends a message: at a rate 8 bytes of the instant at which it was due, then the text.
func encode(to []byte, text string, due int64, stamped bool) []byte {
	if stamped {
		to = binary.LittleEndian.AppendUint64(to, uint64(due))
	}
	return append(to, text...)
}

func decode(message []byte, stamped bool) (text []byte, due int64) {
	if !stamped {
		return message, 0
	}
	return message[8:], int64(binary.LittleEndian.Uint64(message))
}
