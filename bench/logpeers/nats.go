package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	natsModule     = "github.com/nats-io/nats-server/v2"
	natsStream     = "LOG"
	natsSubject    = "log"
	natsPatience   = 30 * time.Second
	natsConns      = 8
	natsDurability = "sync_interval always: the stream's block file is synced (fsync) after each message, before it is acknowledged"
)

var natsEngine = engine{
	name: "nats",
	setting: "JetStream embedded, file storage, one replica, at most 8 in-process connections; " +
		"an append publishes its records one by one without waiting in between, then waits for all acknowledgements",
	durability: natsDurability,
	version:    builtWith(natsModule),
	open:       func(s setting) (store, error) { return openNATS(s, natsKind{}) },
}

var natsTCPEngine = engine{
	name:       "nats-tcp",
	setting:    "as nats, over loopback TCP",
	durability: natsDurability,
	version:    builtWith(natsModule),
	open:       func(s setting) (store, error) { return openNATS(s, natsKind{tcp: true}) },
}

var natsAtomicEngine = engine{
	name:       "nats-atomic",
	setting:    "as nats, an append is one atomic batch publish",
	durability: "sync_interval always: the stream's block file is synced (fsync) once a batch, before its commit is acknowledged",
	version:    builtWith(natsModule),
	maxBatch:   1000, // of the server
	open:       func(s setting) (store, error) { return openNATS(s, natsKind{atomic: true}) },
}

// natsKind is how the stream is reached.
type natsKind struct {
	tcp    bool
	atomic bool
}

type natsStore struct {
	kind   natsKind
	server *server.Server
	conns  []*nats.Conn
	js     []jetstream.JetStream // of the connections
	given  int                   // writers that have a connection
}

func openNATS(s setting, kind natsKind) (store, error) {
	o := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, DontListen: !kind.tcp, NoLog: true, NoSigs: true, MaxPending: 1 << 30,
		JetStream: true, StoreDir: filepath.Join(s.dir, "nats"), SyncInterval: 2 * time.Minute, SyncAlways: true,
		JetStreamMaxStore: 1 << 40, JetStreamMaxMemory: 1 << 30,
	}
	o.JetStreamLimits.MaxBatchInflightPerStream = s.writers + 1
	o.JetStreamLimits.MaxBatchInflightTotal = s.writers + 1
	running, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	n := &natsStore{kind: kind, server: running}
	go running.Start()
	if err := n.connect(s); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// connect makes the connections, and the stream if there is none.
func (n *natsStore) connect(s setting) error {
	if !n.server.ReadyForConnections(natsPatience) {
		return fmt.Errorf("nats server is not ready after %v", natsPatience)
	}
	for range min(s.writers, natsConns) {
		how := nats.InProcessServer(n.server)
		if n.kind.tcp {
			how = func(*nats.Options) error { return nil }
		}
		conn, err := nats.Connect(n.server.ClientURL(), how, nats.NoReconnect())
		if err != nil {
			return err
		}
		n.conns = append(n.conns, conn)
		js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(s.writers*s.batch+1))
		if err != nil {
			return err
		}
		n.js = append(n.js, js)
	}
	ctx, cancel := patient()
	defer cancel()
	_, err := n.js[0].CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: natsStream, Subjects: []string{natsSubject}, Storage: jetstream.FileStorage, AllowAtomicPublish: n.kind.atomic,
	})
	return err
}

// patient returns the context of one exchange with the server. A run that is interrupted waits for it.
func patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), natsPatience)
}

func (n *natsStore) writer() (func([][]byte) error, error) {
	i := n.given % len(n.conns)
	n.given++
	switch js := n.js[i]; {
	case n.kind.atomic:
		return newAtomicWriter(n.conns[i], n.given).append, nil
	default:
		var acks []jetstream.PubAckFuture
		return func(records [][]byte) error {
			if len(records) == 1 {
				ctx, cancel := patient()
				defer cancel()
				_, err := js.Publish(ctx, natsSubject, records[0])
				return err
			}
			acks = acks[:0]
			for _, r := range records {
				ack, err := js.PublishAsync(natsSubject, r)
				if err != nil {
					return err
				}
				acks = append(acks, ack)
			}
			return natsWait(acks)
		}, nil
	}
}

// natsWait waits for all acknowledgements.
func natsWait(acks []jetstream.PubAckFuture) error {
	late := time.NewTimer(natsPatience)
	defer late.Stop()
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return err
		case <-late.C:
			return fmt.Errorf("%w: no acknowledgement in %v", ErrStuck, natsPatience)
		}
	}
	return nil
}

func (n *natsStore) read(visit func([]byte) error) error {
	ctx, cancel := patient()
	defer cancel()
	stream, err := n.js[0].Stream(ctx, natsStream)
	if err != nil {
		return err
	}
	left := stream.CachedInfo().State.Msgs
	if left == 0 {
		return nil
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(4096))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for ; left > 0; left-- {
		m, err := messages.Next(jetstream.NextMaxWait(natsPatience))
		if err != nil {
			return err
		}
		if err := visit(m.Data()); err != nil {
			return err
		}
	}
	return nil
}

func (n *natsStore) syncs() int64 { return -1 }

func (n *natsStore) close() error {
	for _, conn := range n.conns {
		conn.Close()
	}
	n.server.Shutdown()
	n.server.WaitForShutdown()
	return nil
}
