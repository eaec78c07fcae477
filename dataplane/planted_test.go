package dataplane

import (
	"testing"

	"github.com/ardea-stream/ardea/internal/overlay"
)

// envPlanted names the bug of a program that was built with all of them.
const envPlanted = "ARDEA_DATAPLANE_PLANTED"

// plants are bugs that the tests of durable streams, and those of rare orders of events, must find: text of the package,
// what stands there instead when the bug is chosen, the test that must find it, and what it must say, a regular expression.
var plants = []overlay.Plant{
	{
		Name: "acks do not wait for the first link", File: "acks.go",
		Old: "	} else if !d.local && o.untried()",
		Bug: "	} else if !planted && !d.local && o.untried()",
		Run: "TestAcksWaitForTheFirstLink", Says: `want acks of 3`,
	},
	{
		Name: "a task forgets its newest incarnation", File: "handshake.go",
		Old: "	if h.Incarnation < d.out.newest {",
		Bug: "	if h.Incarnation < d.out.newest && (!planted || d.out.link != nil) {",
		Run: "TestReplacedTaskIsRefusedBehindTheEnd", Says: `the process that was replaced got .*welcome`,
	},
	{
		Name: "a container forgets its newest incarnation", File: "handshake.go",
		Old: "	if h.Incarnation < p.newest {",
		Bug: "	if h.Incarnation < p.newest && (!planted || p.link != nil) {",
		Run: "TestReplacedManagerIsRefused", Says: `the process that was replaced got .*welcome`,
	},
	{
		Name: "data passes behind an end", File: "data.go",
		Old: "	if l.role == roleInstance && lp.dests[l.task].endsOut[h.Stream] {",
		Bug: "	if l.role == roleInstance && lp.dests[l.task].endsOut[h.Stream] && !planted {",
		Run: "TestDataBehindTheEndOfAnEarlierProcessIsDropped", Says: `0 tuples are dropped, want 2`,
	},
	{
		Name: "forwarded before it is on disk", File: "durable.go",
		Old: "	if !d.hold {\n		d.lp.forward(l, h, frame)\n",
		Bug: "	if !d.hold || planted {\n		d.lp.forward(l, h, frame)\n",
		Run: "TestDurableFramesWaitForTheDisk", Says: `frames have passed before the disk had them`,
	},
	{
		Name: "forwarded although the log refuses it", File: "durable.go",
		Old: "		case x.err != nil:\n",
		Bug: "		case x.err != nil && !planted:\n",
		Run: "TestDurableFramesThatADiskRefuses", Says: `not that tuples are lost|the bolt got`,
	},
	{
		Name: "the end overtakes", File: "durable.go",
		Old: "	if ln := d.lanes[laneKey(h)]; ln == nil || ln.first == nil {\n",
		Bug: "	if ln := d.lanes[laneKey(h)]; planted || ln == nil || ln.first == nil {\n",
		Run: "TestDurableFramesWaitForTheDisk", Says: `1 frames have passed before`,
	},
	{
		Name: "edges are changed in the log's buffer", File: "durable.go",
		Old: "	if !x.s.copies {\n",
		Bug: "	if !x.s.copies || planted {\n",
		Run: "TestDurableCopiesDoNotChangeTheLog", Says: `other bytes than were emitted`,
	},
	{
		Name: "credit at once", File: "durable.go",
		Old: "	d.c.held += len(frame)\n",
		Bug: "	d.c.held += len(frame)\n	if planted {\n		l.pending += len(frame)\n	}\n",
		Run: "TestDurableFramesTakeCredit", Says: `got credit while the disk had nothing`,
	},
	{
		Name: "nobody is told", File: "durable.go",
		Old: "			d.lost[x.h.Source] = true\n",
		Bug: "			d.lost[x.h.Source] = !planted\n			if planted {\n				clear(d.lost)\n			}\n",
		Run: "TestDurableFramesThatADiskRefuses", Says: `not that tuples are lost`,
	},
	{
		Name: "acked before it is on disk", File: "durable.go",
		Old: "	d.app.push(x, d.lp.el)\n",
		Bug: "	if planted && s.alone {\n		d.acks.frame(d.lp, h, frame[wire.HeaderSize:])\n	}\n	d.app.push(x, d.lp.el)\n",
		Run: "TestDurableStreamWithoutConsumers", Says: `before the disk had anything`,
	},
}

var suite = overlay.Suite{
	Package: "dataplane", Env: envPlanted, Plants: plants,
	Parallel: true, // some bugs are found by waiting in vain
}

func TestPlants(t *testing.T) { suite.Places(t) }

func TestPlanted(t *testing.T) { suite.Run(t) }
