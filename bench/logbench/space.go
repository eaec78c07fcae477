package logbench

import "slices"

// What a figure needs at most, beside what its configuration says: a run's records in the journal, in segment files, and
// in those of the run before that are being removed, and the files of the limits.
const (
	runSpace  = 4*runBytes + 1<<30
	ownSpace  = 1 << 30
	logSpace  = 8 << 10 // for each of many logs
	peerSpace = 4 << 30
)

// need returns how many bytes the figures need at most at a time: they clean up one after the other.
func (c Config) need() int64 {
	needs := map[string]int64{
		Append: runSpace, Single: ownSpace, Tail: ownSpace, Allocs: ownSpace, Peers: max(runSpace, peerSpace),
		CatchUp:  runSpace + c.ColdBytes*5/4,
		Recovery: ownSpace + 7*c.Recover + c.Recover/2, // in the journal and in segment files, and four times as much in files
		Many:     ownSpace + int64(c.Logs)*logSpace,
	}
	most := int64(0)
	for _, name := range c.Only {
		most = max(most, needs[name])
	}
	if c.Keep {
		most = 0
		for name, n := range needs {
			if slices.Contains(c.Only, name) {
				most += n * int64(c.Repeat)
			}
		}
	}
	return most
}

// checkSpace says whether the disk has enough room.
func (r *runner) checkSpace() error {
	free, err := freeSpace(r.dir)
	if err != nil {
		return err
	}
	if need := r.c.need(); free >= 0 && free < need {
		return &SpaceError{Dir: r.dir, Need: need, Free: free}
	}
	return nil
}
