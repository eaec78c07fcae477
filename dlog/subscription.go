package dlog

import (
	"errors"
	"fmt"
	"time"

	"github.com/ardea-stream/ardea/dlog/metadata"
)

// Subscription is a position in a log that is kept under a name: how far somebody has come. All methods may be called by
// several goroutines.
type Subscription struct {
	log  *Log
	name string
}

// SubscriptionInfo is what is known of a subscription.
type SubscriptionInfo struct {
	Name    string
	Offset  uint64 // of the next record that it wants
	Updated time.Time
}

// Subscribe returns the subscription of a name. If there is none it is made, with its position at from.
func (l *Log) Subscribe(name string, from From) (*Subscription, error) {
	sub := &Subscription{log: l, name: name}
	if _, err := sub.Position(); !errors.Is(err, ErrNotFound) {
		return sub, err
	}
	r, err := l.NewReader(from, ReadOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return sub, sub.Commit(r.Position())
}

// Subscription returns the subscription of a name, which need not be there: then Position fails with ErrNotFound, and
// Commit makes it.
func (l *Log) Subscription(name string) *Subscription { return &Subscription{log: l, name: name} }

// Name returns the subscription's name.
func (s *Subscription) Name() string { return s.name }

// Position returns the offset of the next record that the subscription wants. ErrNotFound says that it was deleted.
func (s *Subscription) Position() (uint64, error) {
	row, ok, err := s.log.store.db.Subscription(s.log.id, s.name)
	if err == nil && !ok {
		err = fmt.Errorf("%w: subscription %q", ErrNotFound, s.name)
	}
	return row.Offset, metaError(err)
}

// Commit stores a position, which may lie before the one that is stored, but not behind what is durable in the log. It is
// durable when Commit returns.
func (s *Subscription) Commit(offset uint64) error {
	if err := s.log.load(); err != nil {
		return err
	}
	if end := s.log.committed.Load(); offset > end {
		return &BeyondEndError{End: end}
	}
	return s.log.store.update(func(tx *metadata.Tx) error {
		return tx.PutSubscription(metadata.Subscription{
			Log: s.log.id, Name: s.name, Offset: offset, Updated: time.Now().UnixNano(),
		})
	})
}

// NewReader returns a reader that begins at the position.
func (s *Subscription) NewReader(o ReadOptions) (*Reader, error) {
	offset, err := s.Position()
	if err != nil {
		return nil, err
	}
	return s.log.NewReader(Offset(offset), o)
}

// Delete deletes the subscription.
func (s *Subscription) Delete() error {
	return s.log.store.update(func(tx *metadata.Tx) error { return tx.DeleteSubscription(s.log.id, s.name) })
}

// Subscriptions returns the log's subscriptions, in the order of names.
func (l *Log) Subscriptions() ([]SubscriptionInfo, error) {
	var all []SubscriptionInfo
	err := l.store.db.Subscriptions(l.id, func(row metadata.Subscription) error {
		all = append(all, SubscriptionInfo{Name: row.Name, Offset: row.Offset, Updated: time.Unix(0, row.Updated)})
		return nil
	})
	return all, metaError(err)
}
