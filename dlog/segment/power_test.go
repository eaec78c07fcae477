package segment

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ardea-stream/ardea/dlog/disk/disktest"
)

var seeds = flag.Int("seeds", 3000, "how many histories of power failures to try")

// TestPowerLoss writes a file, cuts the power at any operation, opens what is left at the last mark that was synced, and
// goes on with that, four times over. What was synced is there, whole; what stands behind the mark is gone; a file that
// calls itself sealed is.
func TestPowerLoss(t *testing.T) {
	n := *seeds
	often := []string{"cut", "sealed", "unsynced kept", "torn"}
	if testing.Short() {
		n = min(n, 500)
	} else {
		often = append(often, "torn seal", "undone cut")
	}
	met := map[string]int{}
	for seed := range uint64(n) {
		h := history{rng: rand.New(rand.NewPCG(seed, 17)), met: met, mark: testID.Start()}
		if err := h.run(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	t.Logf("%d histories: %v", n, met)
	for _, what := range often {
		if met[what] == 0 {
			t.Errorf("no history has met %q: %v", what, met)
		}
	}
}

// history is what became of a file.
type history struct {
	rng     *rand.Rand
	met     map[string]int
	variant uint64  // of the batches
	batches []Batch // all that were put since the last failure, behind those that were synced before it
	mark    Mark    // of the last sync
	synced  int     // batches before the mark
	sealed  bool
}

func (h *history) run() error {
	fs := disktest.New()
	if err := fs.MkdirAll(folder); err != nil {
		return err
	}
	w, err := Create(fs, testPath, testID)
	if err != nil {
		return err
	}
	if err := fs.SyncDir(folder); err != nil {
		return err
	}
	for round := range 4 {
		fs, err = h.untilPowerLoss(fs, w)
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if err := h.look(fs); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if h.sealed {
			return nil
		}
		if w, err = h.reopen(fs); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	return nil
}

// untilPowerLoss writes, and returns what a power failure at some operation has left.
func (h *history) untilPowerLoss(fs *disktest.FS, w *Writer) (*disktest.FS, error) {
	var left *disktest.FS
	mark, synced, at, fate := h.mark, h.synced, h.rng.IntN(14), h.rng.Uint64()
	fs.After(func(disktest.Op) {
		if at--; at == 0 {
			left, mark, synced = fs.Crash(fate), h.mark, h.synced
		}
	})
	h.variant++
	for range h.rng.IntN(12) {
		b := made(w.next, h.variant, h.rng.IntN(1200))
		if err := w.Put(&b, Checksum(b.Payload)); err != nil {
			return nil, err
		}
		h.batches = append(h.batches, b)
		var err error
		switch h.rng.IntN(4) {
		case 0:
			err = w.Write()
		case 1:
			if err = errors.Join(w.Write(), w.Sync()); err == nil {
				h.mark, h.synced = w.End(), len(h.batches)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if h.rng.IntN(3) == 0 {
		if err := w.Seal(); err != nil {
			return nil, err
		}
		if left == nil {
			h.mark, h.synced, h.sealed = w.End(), len(h.batches), true
		}
	}
	if left == nil {
		left, mark, synced = fs.Crash(fate), h.mark, h.synced
	}
	h.mark, h.synced = mark, synced
	return left, w.Close()
}

// look reads what is left. h.batches are those that can be there.
func (h *history) look(fs *disktest.FS) error {
	f, err := Open(fs, testPath, testID)
	if err != nil && h.synced == 0 && !h.sealed && errors.Is(err, ErrCorrupt) {
		h.met["torn header"]++
		return nil
	}
	if err != nil {
		return err
	}
	got, err := readFrom(f, dataStart, h.mark.At)
	if err := errors.Join(err, compare(got, h.batches[:h.synced])); err != nil {
		return fmt.Errorf("what was synced is lost: %w", err)
	}
	if foot, ok := f.Footer(); ok {
		h.met["sealed"]++
		got, err := readFrom(f, dataStart, foot.End.At)
		if err := errors.Join(err, compare(got, h.batches)); err != nil {
			return fmt.Errorf("a footer is believed though the file is not whole: %w", err)
		}
	} else if h.sealed {
		return errors.New("a seal is lost")
	}
	report, err := Check(fs, testPath, &testID, nil)
	switch {
	case err != nil:
		return err
	case report.Sound.At < h.mark.At:
		return fmt.Errorf("Check calls batches damaged from %d on, synced is %d", report.Sound.At, h.mark.At)
	case f.Sealed() != report.Sealed:
		return fmt.Errorf("sealed %v, but Check says %+v", f.Sealed(), report)
	case report.Bytes[Unexplained] > 0:
		h.met["undone cut"]++ // batches of an earlier round have come back
	case f.Sealed():
	case report.Bytes[Torn]+report.Bytes[Zero]+report.Bytes[Corrupt] > 0:
		h.met["torn"]++
	case report.Sound.At > h.mark.At:
		h.met["unsynced kept"]++
	}
	if f.Damaged() != nil || report.Bytes[SealFooter] > 0 && !f.Sealed() || report.Size > report.End.At && report.Bytes[Torn] > 0 && h.tornSeal(report) {
		h.met["torn seal"]++
	}
	return f.Close()
}

// tornSeal says whether all batches are there, so that what is torn is index or footer.
func (h *history) tornSeal(r Report) bool { return r.Batches == uint64(len(h.batches)) }

// reopen opens what is left to write on, and checks that nothing stands behind the mark.
func (h *history) reopen(fs *disktest.FS) (*Writer, error) {
	before := fs.Used()
	w, err := Append(fs, testPath, testID, h.mark)
	if err != nil {
		return nil, err
	}
	if before > h.mark.At {
		h.met["cut"]++
	}
	if used := fs.Used(); used != h.mark.At {
		return nil, fmt.Errorf("%d bytes stand behind the mark after the cut", used-h.mark.At)
	}
	h.batches = h.batches[:h.synced]
	return w, nil
}
