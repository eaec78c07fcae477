package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ardea-stream/ardea/bench/rivals/adapter"
	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

// user code: jetstream-pipeline

const (
	countsSubject = "counts."
	unpublished   = 4096 // messages of a client that the server has not acknowledged
)

// jetPipeline counts from a stream in a file, and has each task publish the counts that have changed to another one each
// second. What a task has read is acknowledged when the counts that hold it are.
func jetPipeline(ctx context.Context, run *adapter.Run) (*contract.Result, error) {
	url, stop, err := startNATS(run, true)
	if err != nil {
		return nil, err
	}
	defer stop()
	conn, js, err := connectStream(url)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "WORDS", Subjects: []string{wordsSubject + "*"}, Storage: jetstream.FileStorage})
	if err != nil {
		return nil, err
	}
	out, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "COUNTS", Subjects: []string{countsSubject + "*"}, Storage: jetstream.FileStorage})
	if err != nil {
		return nil, err
	}
	l := newLead(run.Parallelism)
	tasks := make([]*publishingTask, run.Parallelism)
	for i := range tasks {
		if tasks[i], err = countAndPublish(ctx, run, url, in, i, l); err != nil {
			return nil, err
		}
		defer tasks[i].close()
	}
	ticking, endTicks := context.WithCancel(ctx)
	var ticks sync.WaitGroup
	for _, t := range tasks {
		ticks.Go(func() { t.publishEachSecond(ticking) })
	}
	err = publishStream(ctx, url, run, l)
	if err == nil {
		err = consumed(ctx, in, l, func() error { return failed(tasks) })
	}
	endTicks()
	ticks.Wait()
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if err := t.publish(); err != nil {
			return nil, err
		}
	}
	counts, err := newest(ctx, out)
	run.ReadBack(counts)
	return nil, err
}

// publishingTask is a counting task.
type publishingTask struct {
	conn      *nats.Conn
	js        *publishing // its own: it waits for all that it has published
	subject   string      // of its counts
	consumer  jetstream.Consumer
	consuming jetstream.ConsumeContext

	mu      sync.Mutex
	counter *adapter.Counter
	last    jetstream.Msg // that is not acknowledged, nor any since the one before
	err     error
}

func countAndPublish(ctx context.Context, run *adapter.Run, url string, in jetstream.Stream, i int, l *lead) (*publishingTask, error) {
	t := &publishingTask{counter: run.Counter(), subject: countsSubject + strconv.Itoa(i)}
	var err error
	if t.conn, t.js, err = connectStream(url); err != nil {
		return nil, err
	}
	t.consumer, err = in.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "count-" + strconv.Itoa(i), FilterSubject: wordsSubject + strconv.Itoa(i),
		AckPolicy: jetstream.AckAllPolicy, MaxAckPending: -1, AckWait: time.Minute,
	})
	if err != nil {
		return nil, err
	}
	t.consuming, err = t.consumer.Consume(func(m jetstream.Msg) {
		text, due := decode(m.Data(), run.Rate > 0)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.counter.AddBytes(text, due)
		t.counter.Tell()
		t.last = m
		l.give()
	}, jetstream.PullMaxMessages(16*ackEvery))
	return t, err
}

func (t *publishingTask) close() {
	t.consuming.Stop()
	t.conn.Close()
}

func (t *publishingTask) publishEachSecond(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if t.publish() != nil {
				return
			}
		}
	}
}

// publish publishes the counts that have changed, waits until the server has them, and acknowledges what they hold.
// Counting goes on meanwhile.
func (t *publishingTask) publish() error {
	var changed [][]byte
	t.mu.Lock()
	last := t.last
	t.last = nil
	err := t.counter.Changed(func(word string, n uint64) error {
		changed = append(changed, append(binary.LittleEndian.AppendUint64(nil, n), word...))
		return nil
	})
	t.mu.Unlock()
	for i := 0; i < len(changed) && err == nil; i++ {
		_, err = t.js.PublishAsync(t.subject, changed[i], jetstream.WithStallWait(natsPatience))
	}
	if err == nil && last != nil {
		if err = t.js.complete(); err == nil {
			err = last.Ack()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = errors.Join(t.err, err)
	return t.err
}

func connectStream(url string) (*nats.Conn, *publishing, error) {
	conn, err := nats.Connect(url, nats.NoReconnect())
	if err != nil {
		return nil, nil, err
	}
	js, err := asynchronous(conn)
	return conn, js, err
}

// publishing is a connection that publishes asynchronously, and the first failure of that.
type publishing struct {
	jetstream.JetStream
	failure chan error // holds one
}

func asynchronous(conn *nats.Conn) (*publishing, error) {
	p := &publishing{failure: make(chan error, 1)}
	var err error
	p.JetStream, err = jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(unpublished),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) {
			select {
			case p.failure <- err:
			default: // it is not the first
			}
		}))
	return p, err
}

// complete waits until the server has answered all messages, and returns the first failure, if there was one. After a
// failure p is not to be used.
func (p *publishing) complete() error {
	late := time.After(natsPatience)
	handled := make(chan struct{})
	select {
	case <-p.PublishAsyncComplete():
	case <-late:
		return fmt.Errorf("the server has not acknowledged all messages in %v", natsPatience)
	}
	if err := p.Conn().Barrier(func() { close(handled) }); err != nil { // the last answer may be in its handler
		return err
	}
	select {
	case <-handled:
	case <-late:
		return fmt.Errorf("the answers of the server were not handled in %v", natsPatience)
	}
	select {
	case err := <-p.failure:
		return fmt.Errorf("publish: %w", err)
	default:
		return nil
	}
}

// failed returns what tasks have failed of.
func failed(tasks []*publishingTask) error {
	var all error
	for _, t := range tasks {
		t.mu.Lock()
		all = errors.Join(all, t.err)
		t.mu.Unlock()
	}
	return all
}

// end of user code

// newest returns the newest count of each word in a stream: counts only rise.
func newest(ctx context.Context, counts jetstream.Stream) (map[string]uint64, error) {
	info, err := counts.Info(ctx)
	if err != nil {
		return nil, err
	}
	consumer, err := counts.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(16 * ackEvery))
	if err != nil {
		return nil, err
	}
	defer messages.Stop()
	all := map[string]uint64{}
	for range info.State.Msgs {
		m, err := messages.Next()
		if err != nil {
			return nil, err
		}
		word, n := string(m.Data()[8:]), binary.LittleEndian.Uint64(m.Data())
		all[word] = max(all[word], n)
	}
	return all, nil
}

// consumed waits until all messages of a stream are counted, or failed says that they will not be.
func consumed(ctx context.Context, in jetstream.Stream, l *lead, failed func() error) error {
	info, err := in.Info(ctx)
	if err != nil {
		return err
	}
	for l.counted() < info.State.Msgs {
		if err := failed(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond): // consumers tell of messages only
		}
	}
	return failed()
}
