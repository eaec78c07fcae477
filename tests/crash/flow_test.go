package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// flowing waits until tuples that are emitted from now on have arrived at every
// leaf, so that no process of the topology is missing.
func (r *run) flowing() {
	r.t.Helper()
	r.arriving(func(string, block) bool { return true })
}

// arriving waits until every leaf has recorded a block with a tuple that is
// emitted from now on and that is as it is wanted.
func (r *run) arriving(wanted func(name string, b block) bool) {
	r.t.Helper()
	now := time.Now().UnixNano()
	waiting := map[string]bool{}
	p := r.plan
	for i := range p.Components {
		c := &p.Components[i]
		if c.Name != leafName && c.Name != besideName {
			continue
		}
		for index := range c.Tasks {
			waiting[fmt.Sprintf("leaf_%s_%d_", c.Name, index)] = true
		}
	}
	read := map[string]int64{} // so far, of each file
	look := func(visit func(name string, blocks []block)) {
		entries, err := os.ReadDir(r.spec.Dir)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "leaf_") {
				blocks, n := blocksFrom(filepath.Join(r.spec.Dir, e.Name()), read[e.Name()])
				read[e.Name()] += n
				visit(e.Name(), blocks)
			}
		}
	}
	look(func(string, []block) {})
	until(r.t, "tuples at all leaves", func() bool {
		look(func(name string, blocks []block) {
			if slices.ContainsFunc(blocks, func(b block) bool { return b.emitted > now && wanted(name, b) }) {
				delete(waiting, name[:strings.LastIndexByte(name, '_')+1])
			}
		})
		return len(waiting) == 0
	})
}
