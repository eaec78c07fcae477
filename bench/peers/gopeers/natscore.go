package main

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
	"github.com/ardea-stream/ardea/bench/rivals/words"
)

// user code: nats

// Subjects: words.N goes to counting task N.
const (
	sentencesSubject = "sentences"
	wordsSubject     = "words."
)

// natsCore counts by subscriptions of a server of its own: publishers and subscribers are connections of this process, and
// every word is a message.
func natsCore(ctx context.Context, run *adapter.Run) (*contract.Result, error) {
	url, stop, err := startNATS(run, false)
	if err != nil {
		return nil, err
	}
	defer stop()
	l := newLead(run.Parallelism)
	for i := range run.Parallelism {
		conn, err := connect(url)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		counter := run.Counter()
		if err := subscribe(conn, wordsSubject+strconv.Itoa(i), func(m *nats.Msg) {
			text, due := decode(m.Data, run.Rate > 0)
			counter.AddBytes(text, due)
			counter.Tell()
			l.give()
		}); err != nil {
			return nil, err
		}
		if run.Workload == words.Sentences {
			if err := splitByNATS(url, run); err != nil {
				return nil, err
			}
		}
	}
	if err := publishAll(ctx, url, run, l); err != nil {
		return nil, err
	}
	return nil, settled(ctx, l)
}

// seed is that of the hashes by which words go to tasks.
var seed = maphash.MakeSeed()

// publisher publishes draws.
type publisher struct {
	run  *adapter.Run
	conn *nats.Conn
	buf  []byte
}

func (p *publisher) publish(d adapter.Draw, sentence bool) error {
	p.buf = encode(p.buf[:0], d.Text, d.Due, p.run.Rate > 0)
	if sentence {
		return p.conn.Publish(sentencesSubject, p.buf)
	}
	return p.conn.Publish(subjectOf(d.Text, p.run.Parallelism), p.buf)
}

// subjectOf returns the subject of the task that counts a word.
func subjectOf(word string, tasks int) string {
	if tasks == 1 {
		return wordsSubject + "0"
	}
	return wordsSubject + strconv.Itoa(int(maphash.String(seed, word)%uint64(tasks)))
}

// splitByNATS subscribes to sentences, with the other splitting tasks, and publishes their words.
func splitByNATS(url string, run *adapter.Run) error {
	conn, err := connect(url)
	if err != nil {
		return err
	}
	p := publisher{run: run, conn: conn}
	_, err = conn.QueueSubscribe(sentencesSubject, "split", func(m *nats.Msg) {
		sentence, due := decode(m.Data, run.Rate > 0)
		for word := range bytes.SplitSeq(sentence, []byte{' '}) {
			_ = p.publish(adapter.Draw{Text: string(word), Due: due}, false) // what is lost is missing in the counts
		}
	})
	return err
}

func connect(url string) (*nats.Conn, error) { return nats.Connect(url, nats.NoReconnect()) }

// subscribe subscribes and waits until the server knows of it.
func subscribe(conn *nats.Conn, subject string, handle nats.MsgHandler) error {
	if _, err := conn.Subscribe(subject, handle); err != nil {
		return err
	}
	return conn.FlushTimeout(natsPatience)
}

// end of user code

// settled waits until nothing is counted any more: what a server has dropped never comes.
func settled(ctx context.Context, l *lead) error {
	const pause = 500 * time.Millisecond
	for last := uint64(0); ; {
		select {
		case <-ctx.Done():
			return fmt.Errorf("ended while messages were on their way: %w", context.Cause(ctx))
		case <-time.After(pause):
		}
		now := l.counted()
		if now == last {
			return nil
		}
		last = now
	}
}
