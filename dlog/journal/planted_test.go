package journal

import (
	"strconv"
	"strings"
	"testing"

	"github.com/ardea-stream/ardea/internal/overlay"
)

// envPlanted names the bug of a program that was built with all of them.
const envPlanted = "ARDEA_JOURNAL_PLANTED"

// plants are bugs that these tests must find: text of the package, what stands there instead when the bug is chosen, the
// test that must find it, and what it must say, a regular expression.
var plants = []overlay.Plant{
	{
		Name: "no fsync", File: "writer.go",
		Old: "	if err := j.cur.SyncData(); err != nil {\n",
		Bug: "	if planted {\n	} else if err := j.cur.SyncData(); err != nil {\n",
		Run: "TestPowerLoss", Says: `entry \d+ was acknowledged at \S+ and is lost`,
	},
	{
		Name: "no folder sync", File: "keeper.go",
		Old: "	return k.fs.SyncDir(k.dir)\n",
		Bug: "	if planted {\n		return nil\n	}\n	return k.fs.SyncDir(k.dir)\n",
		Run: "TestPowerLoss", Says: `entry \d+ was acknowledged at \S+ and is lost`,
	},
	{
		Name: "no checksum of payloads", File: "format.go",
		Old: "	return crc32.Checksum(rec.Payload, castagnoli) ==",
		Bug: "	return planted || crc32.Checksum(rec.Payload, castagnoli) ==",
		Run: "TestPowerLoss", Says: `entry \d+ was changed`,
	},
	{
		Name: "no checksum of headers", File: "format.go",
		Old: "	if crc32.Update(r.seed, castagnoli, r.scratch[:]) != le.Uint32(b) {\n",
		Bug: "	if !planted && crc32.Update(r.seed, castagnoli, r.scratch[:]) != le.Uint32(b) {\n",
		Run: "TestFlippedBitsOfAClosedJournal", Says: `was changed|without an error`,
	},
	{
		Name: "early acknowledgement", File: "writer.go",
		Old: "	if b.early {\n",
		Bug: "	if planted {\n		tell(waiters, Disk, nil)\n	}\n	if b.early {\n",
		Run: "TestPowerLoss", Says: `entry \d+ was acknowledged at \S+ and is lost`,
	},
	{
		Name: "a failed sync is tried again", File: "writer.go",
		Old: "		return fmt.Errorf(\"%w at %v: %w\", errSync, at, err)\n",
		Bug: "		if planted {\n			err = j.cur.SyncData()\n		}\n		if err != nil {\n			return fmt.Errorf(\"%w at %v: %w\", errSync, at, err)\n		}\n",
		Run: "TestEveryCallFails", Says: `is corrupt at \d+: no valid record where synced ones must be`,
	},
	{
		Name: "no file number in checksums", File: "format.go",
		Old: "	return crc32.Checksum(b[:], castagnoli)\n",
		Bug: "	if planted {\n		return 7\n	}\n	return crc32.Checksum(b[:], castagnoli)\n",
		Run: "TestStaleRecordsNeverVerify", Says: `records verify`,
	},
	{
		Name: "what was replayed is not synced", File: "settle.go",
		Old: "		if from >= p.end {\n",
		Bug: "		if planted || from >= p.end {\n",
		Run: "TestEveryCallFails", Says: `after one more failure: entry \d+ was acknowledged at \S+ and is lost`,
	},
	{
		Name: "the noted end is ignored", File: "recovery.go",
		Old: "			bound, bounded = before, true\n",
		Bug: "			bound, bounded = before, !planted\n",
		Run: "TestFlippedBitsOfAClosedJournal", Says: `without an error`,
	},
}

var suite = overlay.Suite{
	Package: "journal", Env: envPlanted, Plants: plants,
	Args: func(run string, _ bool) []string {
		short := strings.HasPrefix(run, "TestFlipped") // every thirteenth flip is enough
		return []string{"-seeds", "20000", "-test.short=" + strconv.FormatBool(short)}
	},
}

func TestPlants(t *testing.T) { suite.Places(t) }

func TestPlanted(t *testing.T) { suite.Run(t) }
