package router

// Consumer is one subscription of a component to a stream.
type Consumer struct {
	Grouping Grouping
	KeyIndex int      // which of the tuple's key hashes, for Fields
	Tasks    []uint32 // global task ids, ascending
	Local    []bool   // Local[i]: Tasks[i] lives in this container
	Owners   *Owners  // for Fields, nil otherwise
}

// NewConsumer returns a consumer with its key groups divided. tasks must be
// ascending and not empty; local says which of them live in this container.
func NewConsumer(g Grouping, keyIndex int, tasks []uint32, local func(task uint32) bool) *Consumer {
	c := &Consumer{Grouping: g, KeyIndex: keyIndex, Tasks: tasks, Local: make([]bool, len(tasks))}
	for i, t := range tasks {
		c.Local[i] = local(t)
	}
	if g == Fields {
		c.Owners = NewOwners(len(tasks))
	}
	return c
}

// Table holds the consumers of every stream, by stream index.
type Table [][]*Consumer

// Consumers returns the consumers of a stream; known is false when the plan has no such stream.
func (t Table) Consumers(stream uint16) (consumers []*Consumer, known bool) {
	if int(stream) >= len(t) {
		return nil, false
	}
	return t[stream], true
}

// Balance chooses tasks for the shuffling groupings of one stream manager. It
// takes the task with the least load and, among equals, goes round. The zero
// Balance is ready; a Balance serves one consumer and one goroutine.
type Balance struct {
	next int // index of the task that comes first among equals
}

// Pick returns the index into c.Tasks of the task to take the next batch.
// load gives the bytes queued for a task. With LocalShuffle a local task wins
// while its load is below spill bytes; when no local task has room the least
// loaded of all tasks is taken.
func (b *Balance) Pick(c *Consumer, load func(task uint32) int, spill int) int {
	n := len(c.Tasks)
	if n == 1 {
		return 0
	}
	best, bestLoad, bestNear := -1, 0, false
	for k := range n {
		i := b.next + k
		if i >= n {
			i -= n
		}
		l := load(c.Tasks[i])
		near := c.Grouping != LocalShuffle || c.Local[i] && l < spill
		if best < 0 || near && !bestNear || near == bestNear && l < bestLoad {
			best, bestLoad, bestNear = i, l, near
		}
		if bestNear && bestLoad == 0 {
			break
		}
	}
	b.next = best + 1
	if b.next >= n {
		b.next = 0
	}
	return best
}
