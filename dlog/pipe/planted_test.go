package pipe

import (
	"testing"

	"github.com/ardea-stream/ardea/internal/overlay"
)

// envPlanted names the bug of a program that was built with all of them.
const envPlanted = "ARDEA_PIPE_PLANTED"

// plants are bugs that these tests must find: text of the package, what stands there instead when the bug is chosen, the
// test that must find it, and what it must say, a regular expression.
var plants = []overlay.Plant{
	{
		Name: "committed before it is acked", File: "pending.go",
		Old: "	for i, word := range b.done {\n",
		Bug: "	if planted {\n		return b.first + uint64(b.next)\n	}\n	for i, word := range b.done {\n",
		Run: "TestKilledRun", Says: `number 640 was noted 0 times`,
	},
	{
		Name: "nothing is committed at the end", File: "spout.go",
		Old: "	if err := s.commit(ctx, true); err != nil {\n",
		Bug: "	if planted {\n	} else if err := s.commit(ctx, true); err != nil {\n",
		Run: "TestGoesOnInTheNextRun", Says: `was seen 2 times|position is \d+, want`,
	},
	{
		Name: "a batch is skipped when the server goes away", File: "feed.go",
		Old: "		if f.next != before {\n",
		Bug: "		if planted {\n			f.next += 100\n		}\n		if f.next != before {\n",
		Run: "TestFollowsThroughServersThatGoAway", Says: `was seen 0 times|beyond the end|panic: test timed out`,
	},
	{
		Name: "acked before it is durable", File: "appender.go",
		Old: "		n, err := a.send(ctx, group)\n",
		Bug: "		if planted {\n			a.finish(group, nil)\n			group = group[:0]\n			continue\n		}\n		n, err := a.send(ctx, group)\n",
		Run: "TestAppendsAndReadsBack", Says: `was seen 0 times`,
	},
}

var suite = overlay.Suite{
	Package: "pipe", Env: envPlanted, Plants: plants,
	Args: func(string, bool) []string { return []string{"-test.timeout=20s"} },
}

func TestPlants(t *testing.T) { suite.Places(t) }

func TestPlanted(t *testing.T) { suite.Run(t) }
