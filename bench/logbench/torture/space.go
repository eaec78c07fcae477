package torture

import "fmt"

// Space is how many bytes a torture needs at most at a time: a store, what one process can append to it before it is
// killed, and the copies whose bits are flipped.
const Space = storeBytes + growBytes + 2*flipBytes

// growBytes is what a process can append in longestLife, on a fast disk.
const growBytes = 176 << 20

// SpaceError says that a torture would fill the disk.
type SpaceError struct {
	Dir        string
	Need, Free int64 // bytes
}

// Error says what to do.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("torture: %s has %d MiB free, this needs %d MiB: choose a folder on another disk with --dir", e.Dir, e.Free>>20, e.Need>>20)
}

// checkSpace says what the torture will write, and whether the disk has enough room for it.
func (t *torturer) checkSpace() error {
	free, err := t.c.free(t.dir)
	switch {
	case err != nil:
		return err
	case free < 0: // not known
		t.c.Progress(fmt.Sprintf("writing to %s, up to %d MiB", t.dir, Space>>20))
		return nil
	case free < Space:
		return &SpaceError{Dir: t.dir, Need: Space, Free: free}
	}
	t.c.Progress(fmt.Sprintf("writing to %s, up to %d MiB of the %d MiB that are free", t.dir, Space>>20, free>>20))
	return nil
}
