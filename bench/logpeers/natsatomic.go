package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// atomicWriter publishes atomic batches: each message carries the batch's id and its number in it, the last one asks
// for the commit and is answered once for all.
type atomicWriter struct {
	conn    *nats.Conn
	number  int
	batches int
	message *nats.Msg
}

func newAtomicWriter(conn *nats.Conn, number int) *atomicWriter {
	return &atomicWriter{conn: conn, number: number, message: nats.NewMsg(natsSubject)}
}

func (w *atomicWriter) append(records [][]byte) error {
	w.batches++
	m := w.message
	m.Header.Del(server.JSBatchCommit)
	m.Header.Set(server.JSBatchId, fmt.Sprintf("%d-%d", w.number, w.batches))
	last := len(records) - 1
	for i, r := range records[:last] {
		m.Header.Set(server.JSBatchSeq, strconv.Itoa(i+1))
		m.Data = r
		if err := w.conn.PublishMsg(m); err != nil {
			return err
		}
	}
	m.Header.Set(server.JSBatchSeq, strconv.Itoa(last+1))
	m.Header.Set(server.JSBatchCommit, "1")
	m.Data = records[last]
	answer, err := w.conn.RequestMsg(m, natsPatience)
	if err != nil {
		return err
	}
	return w.committed(answer.Data, len(records))
}

// committed checks the answer to a commit.
func (w *atomicWriter) committed(data []byte, records int) error {
	var answer server.JSPubAckResponse
	if err := json.Unmarshal(data, &answer); err != nil {
		return fmt.Errorf("answer to a commit: %w", err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	if answer.PubAck == nil || answer.BatchSize != uint64(records) {
		return fmt.Errorf("answer to the commit of %d records: %s", records, data)
	}
	return nil
}
