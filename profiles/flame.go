package profiles

import (
	"cmp"
	"slices"
)

const (
	// minFlameShare is the share of a summary's time under which a frame is
	// not shown on its own: its time is part of its parent's.
	minFlameShare = 0.003
	// maxFlameDepth bounds the height of a call tree, from the root; what is higher is part of the frame below it.
	maxFlameDepth = 128
	// flameRoot is the name of the frame below all goroutines.
	flameRoot = "all"
)

// node is a frame of a call tree that is being built. Times are by category, in the order of Categories.
type node struct {
	name     string
	self     []int64 // of samples that end here
	total    []int64 // with callees
	nanos    int64   // sum of total
	children map[string]*node
	order    []*node // children as they came
}

func newNode(name string) *node {
	n := len(Categories())
	return &node{name: name, self: make([]int64, n), total: make([]int64, n), children: map[string]*node{}}
}

// add adds a sample with its stack, leaf first.
func (n *node) add(stack []*verdict, category int, nanos int64) {
	n.total[category] += nanos
	n.nanos += nanos
	for i := len(stack) - 1; i >= max(0, len(stack)-maxFlameDepth); i-- {
		name := stack[i].name
		child := n.children[name]
		if child == nil {
			child = newNode(name)
			n.children[name] = child
			n.order = append(n.order, child)
		}
		child.total[category] += nanos
		child.nanos += nanos
		n = child
	}
	n.self[category] += nanos
}

// frame returns the tree without frames of less than least nanoseconds.
func (n *node) frame(least int64) *Frame {
	f := &Frame{Name: n.name, Nanos: n.nanos, Category: n.category()}
	for _, child := range n.order {
		if child.nanos >= least {
			f.Children = append(f.Children, child.frame(least))
		}
	}
	slices.SortStableFunc(f.Children, func(a, b *Frame) int {
		return cmp.Or(cmp.Compare(b.Nanos, a.Nanos), cmp.Compare(a.Name, b.Name))
	})
	return f
}

// category is that of the samples that end here or, if none do, of most below.
func (n *node) category() Category {
	if most := slices.Max(n.self); most > 0 {
		return Categories()[slices.Index(n.self, most)]
	}
	return Categories()[slices.Index(n.total, slices.Max(n.total))]
}
