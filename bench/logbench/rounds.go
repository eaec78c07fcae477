package logbench

import (
	"fmt"
	"sync"
	"time"
)

// rounds adds up what was written and synced at once. Several goroutines may use it.
type rounds struct {
	mu    sync.Mutex
	n     int64
	items int64 // appends
	write time.Duration
	sync  time.Duration
}

// add is a journal's hook.
func (r *rounds) add(entries, _ int, write, sync time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n, r.items, r.write, r.sync = r.n+1, r.items+int64(entries), r.write+write, r.sync+sync
}

// take returns what was added up, and begins anew.
func (r *rounds) take() *rounds {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := &rounds{n: r.n, items: r.items, write: r.write, sync: r.sync}
	r.n, r.items, r.write, r.sync = 0, 0, 0, 0
	return taken
}

// merge adds what another has added up.
func (r *rounds) merge(o *rounds) {
	r.n, r.items, r.write, r.sync = r.n+o.n, r.items+o.items, r.write+o.write, r.sync+o.sync
}

// String tells of one round.
func (r *rounds) String() string {
	n := max(r.n, 1)
	return fmt.Sprintf("%d appends a round, %.0f us to write, %.0f us to sync", r.items/n, micros(r.write)/float64(n), micros(r.sync)/float64(n))
}

func micros(d time.Duration) float64 { return float64(d) / 1e3 }
