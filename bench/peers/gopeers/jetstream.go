package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

// user code: jetstream

const ackEvery = 1000 // messages

// jetStream counts from a stream in a file: sources publish asynchronously, each counting task has a durable consumer that
// acks everything up to each thousandth message.
func jetStream(ctx context.Context, run *adapter.Run) (*contract.Result, error) {
	url, stop, err := startNATS(run, true)
	if err != nil {
		return nil, err
	}
	defer stop()
	conn, err := nats.Connect(url, nats.NoReconnect())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "WORDS", Subjects: []string{wordsSubject + "*"}, Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
	})
	if err != nil {
		return nil, err
	}
	l := newLead(run.Parallelism)
	tasks := make([]*task, run.Parallelism)
	for i := range tasks {
		if tasks[i], err = consume(ctx, run, stream, i, l); err != nil {
			return nil, err
		}
	}
	err = publishStream(ctx, url, run, l)
	if err == nil {
		err = consumed(ctx, stream, l, func() error { return nil })
	}
	for _, t := range tasks {
		err = errors.Join(err, t.finish(ctx, err == nil))
	}
	return nil, err
}

// task is a counting task. Its handler is called by one goroutine, of which all but consuming is until it is closed.
type task struct {
	consuming jetstream.ConsumeContext
	unacked   int
	last      jetstream.Msg // nil if there was none
	err       error
}

func consume(ctx context.Context, run *adapter.Run, stream jetstream.Stream, i int, l *lead) (*task, error) {
	t, counter := &task{}, run.Counter()
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "count-" + strconv.Itoa(i), FilterSubject: wordsSubject + strconv.Itoa(i),
		AckPolicy: jetstream.AckAllPolicy, MaxAckPending: 64 * ackEvery, AckWait: time.Minute,
	})
	if err != nil {
		return nil, err
	}
	t.consuming, err = consumer.Consume(func(m jetstream.Msg) {
		text, due := decode(m.Data(), run.Rate > 0)
		counter.AddBytes(text, due)
		counter.Tell()
		t.last = m
		if t.unacked++; t.unacked == ackEvery {
			t.unacked = 0
			t.err = errors.Join(t.err, m.Ack())
		}
		l.give()
	}, jetstream.PullMaxMessages(16*ackEvery))
	return t, err
}

// finish ends the task, and acks what it has seen.
func (t *task) finish(ctx context.Context, ack bool) error {
	t.consuming.Stop()
	<-t.consuming.Closed()
	if !ack || t.unacked == 0 {
		return t.err
	}
	return errors.Join(t.err, t.last.DoubleAck(ctx))
}

// end of user code
