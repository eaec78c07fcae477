package dlog

import (
	"testing"

	"github.com/ardea-stream/ardea/internal/overlay"
)

// envPlanted names the bug of a program that was built with all of them.
const envPlanted = "ARDEA_DLOG_PLANTED"

// plants are bugs that these tests must find: text of the package, what stands there instead when the bug is chosen, the
// test that must find it, and what it must say, a regular expression.
var plants = []overlay.Plant{
	{
		Name: "no fencing", File: "writer.go",
		Old: "	case ap.writer != w:\n",
		Bug: "	case ap.writer != w && !planted:\n",
		Run: "TestModel", Says: `a fenced writer appends`,
	},
	{
		Name: "the epoch is not kept", File: "writer.go",
		Old: "	if epoch != m.Epoch {\n",
		Bug: "	if epoch != m.Epoch && !planted {\n",
		Run: "TestPowerLoss", Says: `forgets epoch`,
	},
	{
		Name: "the journal is released before the files are synced", File: "checkpoint.go",
		Old: "	if err := s.syncLocked(all); err != nil {\n",
		Bug: "	if planted {\n	} else if err := s.syncLocked(all); err != nil {\n",
		Run: "TestPowerLoss", Says: `seed \d+: round \d: .*(lost|corrupt|not exist|was acknowledged in round)`,
	},
	{
		Name: "no folder sync", File: "checkpoint.go",
		Old: "	if unnamed && !together {\n",
		Bug: "	if unnamed && !together && !planted {\n",
		Run: "TestPowerLoss", Says: `seed \d+: round \d: .*not exist`,
	},
	{
		Name: "nobody looks for the file of the journal that is needed", File: "recovery.go",
		Old: "		From: s.noted, ",
		Bug: "		From: map[bool]journal.Position{false: s.noted}[planted], ",
		Run: "TestGarbage", Says: `ends at \d+ of \d+ without an error`,
	},
	{
		Name: "a scrub believes what it reads", File: "scrub.go",
		Old: "		if !isDamage(err) {\n			return err\n		}\n		at, to",
		Bug: "		if !isDamage(err) || planted {\n			return nil\n		}\n		at, to",
		Run: "TestScrub", Says: `want [12]`,
	},
	{
		Name: "early acknowledgement", File: "writer.go",
		Old: "Follow(e, sum, level, f)\n",
		Bug: "Follow(e, sum, map[bool]Level{false: level, true: OS}[planted], f)\n",
		Run: "TestEveryCallFails", Says: `record \d+ was acknowledged and is lost`,
	},
	{
		Name: "memory of the window is used again while a reader holds it", File: "reader.go",
		Old: "		it.c.buf.Retain()\n",
		Bug: "		if !planted {\n			it.c.buf.Retain()\n		}\n",
		Run: "TestHeldRecordsStay", Says: `has become|released`,
	},
	{
		Name: "a file whose sync has failed is written on", File: "flush.go",
		Old: "(size > e.end.At || !e.exists) {\n",
		Bug: "(size > e.end.At || !e.exists) && !planted {\n",
		Run: "TestFailedSyncEndsAFile", Says: `although its sync has failed`,
	},
	{
		Name: "a disk that is read-only stops the store", File: "store.go",
		Old: "|| errors.Is(err, journal.ErrReadOnly)\n",
		Bug: "|| errors.Is(err, journal.ErrReadOnly) && !planted\n",
		Run: "TestOutages", Says: `stopped by a failed write`,
	},
	{
		Name: "a sync that fails for want of room is tried again", File: "flush.go",
		Old: "	if errors.Is(err, segment.ErrFailed) || errors.Is(err, errUnsaved) {\n",
		Bug: "	if !planted && (errors.Is(err, segment.ErrFailed) || errors.Is(err, errUnsaved)) {\n",
		Run: "TestFailedSyncEndsAFile", Says: `a checkpoint returns`,
	},
	{
		Name: "what the journal could not take stays in the log", File: "log.go",
		Old: "	if first >= l.ap.next {\n",
		Bug: "	if planted || first >= l.ap.next {\n",
		Run: "TestFullDisk", Says: `the log ends at`,
	},
}

var suite = overlay.Suite{
	Package: "dlog", Env: envPlanted, Plants: plants,
	Args: func(_ string, bug bool) []string {
		args := []string{"-test.timeout", "60s", "-test.failfast", "-rapid.nofailfile", "-rapid.shrinktime", "10ms"}
		if !bug {
			args = append(args, "-test.short")
		}
		return args
	},
	Parallel: true,
}

func TestPlants(t *testing.T) { suite.Places(t) }

func TestPlanted(t *testing.T) { suite.Run(t) }
