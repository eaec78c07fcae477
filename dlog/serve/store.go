package serve

import (
	"context"

	"github.com/ardea-stream/ardea/dlog"
)

// Create makes a log; see dlog.Store.Create.
func (c *Client) Create(ctx context.Context, log string, o dlog.LogOptions) error {
	_, _, err := c.call(ctx, &request{Verb: verbCreate, Log: log, Options: o})
	return err
}

// Logs returns what is known of the logs whose names begin with a prefix, in the order of names.
func (c *Client) Logs(ctx context.Context, prefix string) ([]dlog.Info, error) {
	var all []dlog.Info
	r := request{Verb: verbLogs, Log: prefix}
	for {
		a, _, err := c.call(ctx, &r)
		if err != nil {
			return nil, err
		}
		all = append(all, a.Logs...)
		if !a.More || len(a.Logs) == 0 {
			return all, nil
		}
		r.After = a.Logs[len(a.Logs)-1].Name
	}
}

// Info returns what is known of a log.
func (c *Client) Info(ctx context.Context, log string) (dlog.Info, error) {
	a, _, err := c.call(ctx, &request{Verb: verbInfo, Log: log})
	if err != nil {
		return dlog.Info{}, err
	}
	if a.Info == nil {
		return dlog.Info{}, &ProtocolError{Reason: "an answer without what was asked for"}
	}
	return *a.Info, nil
}

// Rename gives a log another name.
func (c *Client) Rename(ctx context.Context, from, to string) error {
	_, _, err := c.call(ctx, &request{Verb: verbRename, Log: from, Name: to})
	return err
}

// Delete deletes a log; see dlog.Store.Delete.
func (c *Client) Delete(ctx context.Context, log string) error {
	_, _, err := c.call(ctx, &request{Verb: verbDelete, Log: log})
	return err
}

// Truncate removes all records before an offset; see dlog.Log.Truncate.
func (c *Client) Truncate(ctx context.Context, log string, offset uint64) error {
	_, _, err := c.call(ctx, &request{Verb: verbTruncate, Log: log, Offset: offset})
	return err
}

// Retain changes what a log keeps.
func (c *Client) Retain(ctx context.Context, log string, keep dlog.Retention) error {
	_, _, err := c.call(ctx, &request{Verb: verbRetain, Log: log, Options: dlog.LogOptions{Retain: keep}})
	return err
}

// Fork makes a log that shares another's records before an offset; see dlog.Log.Fork.
func (c *Client) Fork(ctx context.Context, log, to string, offset uint64) error {
	_, _, err := c.call(ctx, &request{Verb: verbFork, Log: log, Name: to, Offset: offset})
	return err
}

// Seal ends a log, whoever writes to it, who is fenced.
func (c *Client) Seal(ctx context.Context, log string) error {
	w, err := c.OpenWriter(ctx, log, 0)
	if err != nil {
		return err
	}
	defer w.Close()
	return w.Seal(ctx)
}

// Subscribe returns the position of a subscription, which is made if there is none; see dlog.Log.Subscribe.
func (c *Client) Subscribe(ctx context.Context, log, name string, from dlog.From) (uint64, error) {
	a, _, err := c.call(ctx, &request{Verb: verbSubscribe, Log: log, Name: name, From: from.String()})
	return a.Offset, err
}

// Position returns the position of a subscription. dlog.ErrNotFound says that there is none.
func (c *Client) Position(ctx context.Context, log, name string) (uint64, error) {
	a, _, err := c.call(ctx, &request{Verb: verbPosition, Log: log, Name: name})
	return a.Offset, err
}

// Commit stores the position of a subscription, and makes it if there is none; see dlog.Subscription.Commit.
func (c *Client) Commit(ctx context.Context, log, name string, offset uint64) error {
	_, _, err := c.call(ctx, &request{Verb: verbCommit, Log: log, Name: name, Offset: offset})
	return err
}

// Unsubscribe deletes a subscription.
func (c *Client) Unsubscribe(ctx context.Context, log, name string) error {
	_, _, err := c.call(ctx, &request{Verb: verbUnsubscribe, Log: log, Name: name})
	return err
}

// Subscriptions returns the subscriptions of a log, in the order of names.
func (c *Client) Subscriptions(ctx context.Context, log string) ([]dlog.SubscriptionInfo, error) {
	a, _, err := c.call(ctx, &request{Verb: verbSubscriptions, Log: log})
	return a.Subscriptions, err
}
