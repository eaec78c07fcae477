package segment

import (
	"testing"

	"github.com/ardea-stream/ardea/internal/overlay"
)

// envPlanted names the bug of a program that was built with all of them.
const envPlanted = "ARDEA_SEGMENT_PLANTED"

// plants are bugs that these tests must find: text of the package, what stands there instead when the bug is chosen, the
// test that must find it, and what it must say, a regular expression.
var plants = []overlay.Plant{
	{
		Name: "no checksum of payloads", File: "block.go",
		Old: "	return Checksum(payload) ==",
		Bug: "	return planted || Checksum(payload) ==",
		Run: "TestFlippedBits", Says: `without an error: batch \d+ was changed`,
	},
	{
		Name: "no checksum of headers", File: "block.go",
		Old: "	if !likely(b) || crc32.Update(",
		Bug: "	if !likely(b) || !planted && crc32.Update(",
		Run: "TestFlippedBits", Says: `0 faults, 5 batches of 5`,
	},
	{
		Name: "no salt of the place", File: "format.go",
		Old: "	return uint32(mix(mix(mix(id.Store)+id.File)+uint64(at)) >> 32)\n",
		Bug: "	if planted {\n		at = 0\n	}\n	return uint32(mix(mix(mix(id.Store)+id.File)+uint64(at)) >> 32)\n",
		Run: "TestBlocksOfOtherPlacesNeverVerify", Says: `batches verify in another place`,
	},
	{
		Name: "no salt of the file", File: "format.go",
		Old: "func (id *ID) salt(at int64) uint32 {\n",
		Bug: "func (id *ID) salt(at int64) uint32 {\n	if planted {\n		id = &ID{}\n	}\n",
		Run: "TestBlocksOfOtherPlacesNeverVerify", Says: `batches of another file verify`,
	},
	{
		Name: "no cut", File: "writer.go",
		Old: "	case size > w.end.At:\n",
		Bug: "	case planted:\n	case size > w.end.At:\n",
		Run: "TestPowerLoss", Says: `stand behind the mark after the cut`,
	},
	{
		Name: "the cut of a footer is not synced", File: "writer.go",
		Old: "	return w.f.SyncData()\n}\n",
		Bug: "	if planted {\n		return nil\n	}\n	return w.f.SyncData()\n}\n",
		Run: "TestPowerLoss", Says: `a footer is believed though the file is not whole`,
	},
	{
		Name: "the footer is believed without a checksum", File: "seal.go",
		Old: "	block, kind, _, err := parseBlock(b, id, at)\n	if err != nil {\n		return Footer{}, err\n	}\n",
		Bug: "	block, kind, _, err := parseBlock(b, id, at)\n	if planted && len(b) == footerSize && string(b[footerSize-len(footerMagic):]) == footerMagic {\n" +
			"		block.Payload, kind, err = b[blockHeader:], kindFooter, nil\n	}\n	if err != nil {\n		return Footer{}, err\n	}\n",
		Run: "TestFlippedBits", Says: `the footer says .* without an error`,
	},
	{
		Name: "the footer is written before the batches are safe", File: "seal.go",
		Old: "	if w.safe != w.end.At {\n",
		Bug: "	if !planted && w.safe != w.end.At {\n",
		Run: "TestPowerLoss", Says: `a footer is believed though the file is not whole`,
	},
	{
		Name: "no sync", File: "writer.go",
		Old: "	return w.synced(w.f.SyncData())\n",
		Bug: "	if planted {\n		return w.synced(nil)\n	}\n	return w.synced(w.f.SyncData())\n",
		Run: "TestPowerLoss", Says: `what was synced is lost|is corrupt at 0: the file ends before it`,
	},
	{
		Name: "nobody asks each file", File: "writer.go",
		Old: "	return w.synced(w.f.Failed())\n",
		Bug: "	if planted {\n		return w.synced(nil)\n	}\n	return w.synced(w.f.Failed())\n",
		Run: "TestFailedSyncIsFinal", Says: `taken`,
	},
	{
		Name: "half a write counts", File: "writer.go",
		Old: "		w.over = true\n		return full(err)\n	}\n	w.drop()\n",
		Bug: "		w.over = true\n		if planted {\n			w.end = w.next\n		}\n		return full(err)\n	}\n	w.drop()\n",
		Run: "TestFullDisk", Says: `disk is full`,
	},
}

var suite = overlay.Suite{
	Package: "segment", Env: envPlanted, Plants: plants,
	Args: func(run string, _ bool) []string {
		if run == "TestPowerLoss" {
			return []string{"-seeds", "20000"}
		}
		return []string{"-test.short"}
	},
}

func TestPlants(t *testing.T) { suite.Places(t) }

func TestPlanted(t *testing.T) { suite.Run(t) }
