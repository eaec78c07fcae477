package main

import (
	"context"
	"errors"

	"github.com/ardea-stream/ardea/dlog"
)

// ownLogs is a store that this process has open.
type ownLogs struct{ s *dlog.Store }

func (o ownLogs) Create(_ context.Context, log string, opts dlog.LogOptions) error {
	_, err := o.s.Create(log, opts)
	return err
}

func (o ownLogs) Logs(_ context.Context, prefix string) ([]dlog.Info, error) {
	logs := o.s.Logs(prefix)
	infos := make([]dlog.Info, 0, len(logs))
	for _, l := range logs {
		info, err := l.Info()
		if errors.Is(err, dlog.ErrDeleted) {
			continue
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (o ownLogs) Info(_ context.Context, log string) (info dlog.Info, err error) {
	l, err := o.s.Log(log)
	if err != nil {
		return info, err
	}
	return l.Info()
}

func (o ownLogs) Subscriptions(_ context.Context, log string) ([]dlog.SubscriptionInfo, error) {
	l, err := o.s.Log(log)
	if err != nil {
		return nil, err
	}
	return l.Subscriptions()
}

func (o ownLogs) Subscribe(_ context.Context, log, name string, from dlog.From) (uint64, error) {
	l, err := o.s.Log(log)
	if err != nil {
		return 0, err
	}
	sub, err := l.Subscribe(name, from)
	if err != nil {
		return 0, err
	}
	return sub.Position()
}

func (o ownLogs) Commit(_ context.Context, log, name string, offset uint64) error {
	l, err := o.s.Log(log)
	if err != nil {
		return err
	}
	return l.Subscription(name).Commit(offset)
}

func (o ownLogs) Truncate(_ context.Context, log string, offset uint64) error {
	l, err := o.s.Log(log)
	if err != nil {
		return err
	}
	return l.Truncate(offset)
}

func (o ownLogs) Fork(_ context.Context, log, to string, offset uint64) error {
	l, err := o.s.Log(log)
	if err != nil {
		return err
	}
	_, err = l.Fork(to, offset)
	return err
}

func (o ownLogs) Rename(_ context.Context, from, to string) error { return o.s.Rename(from, to) }
func (o ownLogs) Delete(_ context.Context, log string) error      { return o.s.Delete(log) }
func (o ownLogs) MaxBatch() int                                   { return o.s.MaxBatch() }
func (o ownLogs) Close() error                                    { return o.s.Close() }

func (o ownLogs) Seal(ctx context.Context, log string) error {
	l, err := o.s.Log(log)
	if err != nil {
		return err
	}
	w, err := l.OpenWriter(0)
	if err != nil {
		return err
	}
	return w.Seal(ctx)
}

func (o ownLogs) read(_ context.Context, log string, from dlog.From) (logStream, error) {
	l, err := o.s.Log(log)
	if err != nil {
		return nil, err
	}
	r, err := l.NewReader(from, dlog.ReadOptions{})
	if err != nil {
		return nil, err
	}
	return ownStream{r}, nil
}

func (o ownLogs) writer(_ context.Context, log string) (logWriter, error) {
	l, err := o.s.Log(log)
	if err != nil {
		return nil, err
	}
	w, err := l.OpenWriter(0)
	if err != nil {
		return nil, err
	}
	return ownWriter{w}, nil
}

type ownStream struct{ *dlog.Reader }

func (s ownStream) next(ctx context.Context, wait bool) (logBatch, error) {
	next := s.TryNext
	if wait {
		next = s.Next
	}
	rec, err := next(ctx)
	if err != nil {
		return logBatch{}, err
	}
	return logBatch{rec.TxID, rec.Time, rec.Next(), rec.All()}, nil
}

type ownWriter struct{ *dlog.Writer }

func (w ownWriter) append(body []byte, count uint32, txid int64, level dlog.Level) (logFuture, error) {
	return w.Append(new(dlog.Batch).Body(body, count).TxID(txid), level)
}
