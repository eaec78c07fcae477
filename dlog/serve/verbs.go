package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ardea-stream/ardea/dlog"
)

// call answers a call.
func (s *session) call(id uint64, payload []byte) error {
	var r request
	if err := json.Unmarshal(payload, &r); err != nil {
		return &ProtocolError{Reason: "a call: " + err.Error()}
	}
	var a answer
	if err := s.carryOut(id, &r, &a); err != nil {
		if errors.Is(err, ErrProtocol) {
			return err
		}
		if err := s.awaitRoom(); err != nil {
			return err
		}
		s.sendError(id, err)
		return nil
	}
	return s.sendJSON(kindReply, id, &a)
}

// carryOut does what a call asks for.
func (s *session) carryOut(id uint64, r *request, a *answer) error {
	switch r.Verb {
	case verbCreate:
		_, err := s.store.Create(r.Log, r.Options)
		return err
	case verbLogs:
		return s.list(r, a)
	case verbRename:
		return s.store.Rename(r.Log, r.Name)
	case verbDelete:
		return s.store.Delete(r.Log)
	case verbFlush, verbSeal, verbClose:
		return s.finish(r)
	default: // is about a log
	}
	l, err := s.store.Log(r.Log)
	if err != nil {
		return err
	}
	switch r.Verb {
	case verbInfo:
		info, err := l.Info()
		a.Info = &info
		return err
	case verbTruncate:
		return l.Truncate(r.Offset)
	case verbRetain:
		return l.Retain(r.Options.Retain)
	case verbFork:
		_, err := l.Fork(r.Name, r.Offset)
		return err
	case verbOpen:
		return s.open(id, l, r, a)
	default:
		return subscription(l, r, a)
	}
}

// subscription is carryOut for the verbs of subscriptions.
func subscription(l *dlog.Log, r *request, a *answer) (err error) {
	switch r.Verb {
	case verbSubscriptions:
		a.Subscriptions, err = l.Subscriptions()
		return err
	case verbSubscribe, verbPosition, verbCommit, verbUnsubscribe:
	default:
		return &ProtocolError{Reason: fmt.Sprintf("there is no verb %q", r.Verb)}
	}
	if r.Verb == verbSubscribe {
		from, err := dlog.ParseFrom(r.From)
		if err != nil {
			return &ProtocolError{Reason: err.Error()}
		}
		sub, err := l.Subscribe(r.Name, from)
		if err != nil {
			return err
		}
		a.Offset, err = sub.Position()
		return err
	}
	sub := l.Subscription(r.Name)
	switch r.Verb {
	case verbCommit:
		return sub.Commit(r.Offset)
	case verbUnsubscribe:
		return sub.Delete()
	default:
		a.Offset, err = sub.Position()
		return err
	}
}

// list lists logs in the order of names, a page at a time.
func (s *session) list(r *request, a *answer) error {
	logs := s.store.Logs(r.Log)
	if r.After != "" {
		at, found := slices.BinarySearchFunc(logs, r.After, func(l *dlog.Log, after string) int { return strings.Compare(l.Name(), after) })
		if found {
			at++
		}
		logs = logs[at:]
	}
	if a.More = len(logs) > maxPage; a.More {
		logs = logs[:maxPage]
	}
	for _, l := range logs {
		info, err := l.Info()
		if errors.Is(err, dlog.ErrDeleted) {
			continue
		}
		if err != nil {
			return err
		}
		a.Logs = append(a.Logs, info)
	}
	return nil
}

// open opens a writer under the number of the call.
func (s *session) open(id uint64, l *dlog.Log, r *request, a *answer) error {
	if len(s.writers) >= maxOpen {
		return fmt.Errorf("%w: %d writers", ErrTooMany, maxOpen)
	}
	if s.writers[id] != nil {
		return &ProtocolError{Reason: fmt.Sprintf("writer %d is open already", id)}
	}
	w, err := l.OpenWriter(r.Epoch)
	if err != nil {
		return err
	}
	s.writers[id] = &appending{w: w}
	a.Epoch = w.Epoch()
	return nil
}

// finish is carryOut for the verbs of a writer.
func (s *session) finish(r *request) error {
	w := s.writers[r.Writer]
	if w == nil {
		return &ProtocolError{Reason: fmt.Sprintf("there is no writer %d", r.Writer)}
	}
	switch r.Verb {
	case verbFlush:
		return w.w.Flush(s.ctx)
	case verbSeal:
		return w.w.Seal(s.ctx)
	default:
		delete(s.writers, r.Writer)
		return nil
	}
}
