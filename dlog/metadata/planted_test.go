package metadata

import (
	"testing"

	"github.com/ardea-stream/ardea/internal/overlay"
)

// envPlanted names the bug of a program that was built with all of them.
const envPlanted = "ARDEA_METADATA_PLANTED"

// plants are bugs that these tests must find: text of the package, what stands there instead when the bug is chosen, the
// test that must find it, and what it must say, a regular expression.
var plants = []overlay.Plant{
	{
		Name: "no sync", File: "tx.go",
		Old: "		err = guard(func() error { return tx.batch.Commit(pebble.Sync) })\n",
		Bug: "		how := pebble.Sync\n		if planted {\n			how = pebble.NoSync\n		}\n" +
			"		err = guard(func() error { return tx.batch.Commit(how) })\n",
		Run: "TestPowerLoss", Says: `a committed transaction is lost|transactions, and there were`,
	},
	{
		Name: "numbers are forgotten", File: "tx.go",
		Old: "	k := key(kindState)\n	err := ",
		Bug: "	k := key(kindState)\n	if planted {\n		tx.state.lastID = 0\n	}\n	err := ",
		Run: "TestPowerLoss", Says: `number \d+ was given out again|was not given out`,
	},
	{
		Name: "no folder sync for markers", File: "ordered.go",
		Old: "	return errors.Join(dir.Sync(), dir.Close())\n",
		Bug: "	if planted {\n		return dir.Close()\n	}\n	return errors.Join(dir.Sync(), dir.Close())\n",
		Run: "TestPowerLoss", Says: `after the failure: .*metadata: corrupt`,
	},
	{
		Name: "no checksum of rows", File: "codec.go",
		Old: "	case rowChecksum(k, row[:1+n]) !=",
		Bug: "	case !planted && rowChecksum(k, row[:1+n]) !=",
		Run: "TestSeen", Says: `wrong checksum: opened`,
	},
	{
		Name: "SEEN is ignored", File: "verify.go",
		Old: "	if s.commits < noted {\n",
		Bug: "	if s.commits < noted && !planted {\n",
		Run: "TestDamageToAClosedDB", Says: `rows are lost or changed`,
	},
	{
		Name: "rows are not counted", File: "verify.go",
		Old: "	case found.rows != s.content.rows:\n",
		Bug: "	case planted:\n		return nil\n	case found.rows != s.content.rows:\n",
		Run: "TestDamageToAKilledDB", Says: `MANIFEST.*: rows are lost or changed`,
	},
	{
		Name: "no note before a transaction is acknowledged", File: "tx.go",
		Old: "		err = tx.db.seen.note(tx.state.commits)\n",
		Bug: "		if !planted {\n			err = tx.db.seen.note(tx.state.commits)\n		}\n",
		Run: "TestDamageToAKilledDB", Says: `\.log.*: rows are lost or changed`,
	},
	{
		Name: "Open writes before it has verified", File: "verify.go",
		Old: "openPebble(o, l, lock, exists, true)",
		Bug: "openPebble(o, l, lock, exists, !planted)",
		Run: "TestDamageToAClosedDB", Says: `and changed the files`,
	},
	{
		Name: "the reserve is not given back", File: "reserve.go",
		Old: "	if r.mu.held == 0 {\n",
		Bug: "	if r.mu.held == 0 || planted {\n",
		Run: "TestFullDiskIsOutlived", Says: `stopped by a failed write`,
	},
	{
		Name: "a failed compaction is tried again", File: "scheduler.go",
		Old: "	if !g.may() {\n",
		Bug: "	if !g.may() && !planted {\n",
		Run: "TestDamageWhileOpen", Says: `compactions have failed`,
	},
}

var suite = overlay.Suite{
	Package: "metadata", Env: envPlanted, Plants: plants,
	Args: func(_ string, bug bool) []string {
		if bug {
			return []string{"-test.short", "-seeds", "5000"}
		}
		return []string{"-test.short", "-seeds", "0"}
	},
}

func TestPlants(t *testing.T) { suite.Places(t) }

func TestPlanted(t *testing.T) { suite.Run(t) }
