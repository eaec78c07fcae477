package journal

// Waiter waits for one entry at a time, and can be used again without allocating. It serves one goroutine.
type Waiter struct {
	told chan told
	done func(Position, error)
}

type told struct {
	at  Position
	err error
}

// NewWaiter returns a Waiter.
func NewWaiter() *Waiter {
	w := &Waiter{told: make(chan told, 1)}
	w.done = func(at Position, err error) { w.told <- told{at, err} }
	return w
}

// Append appends an entry and waits until it has reached the level. It returns the entry's position, or an error of
// Journal.Append, or an AppendError.
func (w *Waiter) Append(j *Journal, e *Entry, level Level) (Position, error) {
	if err := j.Append(e, level, w.done); err != nil {
		return 0, err
	}
	t := <-w.told
	return t.at, t.err
}
