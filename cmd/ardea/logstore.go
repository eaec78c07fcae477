package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ardea-stream/ardea/dlog"
	"github.com/ardea-stream/ardea/dlog/serve"
)

// logStore is what the commands need of a store, be it open here or served by another process.
type logStore interface {
	Create(ctx context.Context, log string, o dlog.LogOptions) error
	Logs(ctx context.Context, prefix string) ([]dlog.Info, error)
	Info(ctx context.Context, log string) (dlog.Info, error)
	Subscriptions(ctx context.Context, log string) ([]dlog.SubscriptionInfo, error)
	Subscribe(ctx context.Context, log, name string, from dlog.From) (uint64, error)
	Commit(ctx context.Context, log, name string, offset uint64) error
	Truncate(ctx context.Context, log string, offset uint64) error
	Fork(ctx context.Context, log, to string, offset uint64) error
	Rename(ctx context.Context, from, to string) error
	Delete(ctx context.Context, log string) error
	Seal(ctx context.Context, log string) error
	MaxBatch() int
	Close() error

	read(ctx context.Context, log string, from dlog.From) (logStream, error)
	writer(ctx context.Context, log string) (logWriter, error)
}

// logStream reads a log. next fails with dlog.ErrEnd where it would have to wait, unless it may.
type logStream interface {
	next(ctx context.Context, wait bool) (logBatch, error)
	Skip() uint64
	Close() error
}

// logBatch is records, which are borrowed until the next call of the stream.
type logBatch struct {
	txid, time int64
	next       uint64
	records    iter.Seq2[uint64, []byte]
}

// logWriter appends bodies, which it may borrow until the next call.
type logWriter interface {
	append(body []byte, count uint32, txid int64, level dlog.Level) (logFuture, error)
}

// logFuture is a batch on its way.
type logFuture interface {
	Wait(ctx context.Context) (dlog.Result, error)
}

// commandJournal is the size of journal files that a command makes for itself: small, so that it is soon done.
const commandJournal = 8 << 20

// openLogStore opens the store in a folder, or connects to the process that serves it. A folder that is no store is made
// one only if create is set.
func openLogStore(ctx context.Context, dir string, create bool) (logStore, error) {
	if !create {
		if err := isLogStore(dir); err != nil {
			return nil, err
		}
	}
	s, _, err := dlog.Open(dir, dlog.Options{JournalFile: commandJournal})
	if err == nil {
		return ownLogs{s}, nil
	}
	if !errors.Is(err, dlog.ErrLocked) {
		return nil, err
	}
	c, dialErr := serve.Dial(ctx, dir)
	if errors.Is(dialErr, serve.ErrNotServed) {
		return nil, fmt.Errorf("%w, which does not serve it to others: stop it, or let ardea log serve have the store", err)
	}
	if dialErr != nil {
		return nil, dialErr
	}
	return servedLogs{c}, nil
}

// isLogStore returns an error that says what to do unless a folder is a store.
func isLogStore(dir string) error {
	_, err := os.Stat(filepath.Join(dir, "STORE"))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return notAStore(dir)
	}
	return err
}

func notAStore(dir string) error {
	return usagef("%s is no store: ardea log create %s LOG makes one", dir, dir)
}

// withLogs opens a store, calls a function with it, and closes it.
func withLogs(ctx context.Context, dir string, use func(logStore) error) error {
	s, err := openLogStore(ctx, dir, false)
	if err != nil {
		return err
	}
	return errors.Join(explained(use(s), dir), s.Close())
}

// explained adds to an error what to do about it.
func explained(err error, dir string) error {
	if errors.Is(err, dlog.ErrNotFound) {
		return fmt.Errorf("%w: ardea log ls %s lists the logs, ardea log create %s LOG makes one", err, dir, dir)
	}
	return err
}

// servedLogs is a store that another process serves.
type servedLogs struct{ *serve.Client }

func (s servedLogs) read(ctx context.Context, log string, from dlog.From) (logStream, error) {
	r, err := s.Read(ctx, log, from, serve.ReadOptions{})
	if err != nil {
		return nil, err
	}
	return servedStream{r}, nil
}

func (s servedLogs) writer(ctx context.Context, log string) (logWriter, error) {
	w, err := s.OpenWriter(ctx, log, 0)
	if err != nil {
		return nil, err
	}
	return servedWriter{w}, nil
}

type servedStream struct{ *serve.Stream }

func (s servedStream) next(ctx context.Context, wait bool) (logBatch, error) {
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

type servedWriter struct{ *serve.Writer }

func (w servedWriter) append(body []byte, count uint32, txid int64, level dlog.Level) (logFuture, error) {
	return w.Append(body, count, txid, level)
}
