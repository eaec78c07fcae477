package serve

import (
	"testing"

	"github.com/ardea-stream/ardea/internal/overlay"
)

// envPlanted names the bug of a program that was built with all of them.
const envPlanted = "ARDEA_SERVE_PLANTED"

// plants are bugs that these tests must find.
var plants = []overlay.Plant{
	{
		Name: "lengths are not checked", File: "frame.go",
		Old: "	case uint64(h.length) > uint64(limit):\n",
		Bug: "	case uint64(h.length) > uint64(limit) && !(planted && h.length < 1<<20):\n",
		Run: "TestGarbage", Says: `a call without end: |test timed out`,
	},
	{
		Name: "bodies are not checked", File: "session.go",
		Old: "codec.Validate(body, count); fault != nil {\n",
		Bug: "codec.Validate(body, count); fault != nil && !planted {\n",
		Run: "TestErrorsOfWriters", Says: `FAIL`,
	},
	{
		Name: "what follows a failed batch takes its place", File: "session.go",
		Old: "	if err := a.failed.Load(); err != nil {\n",
		Bug: "	if err := a.failed.Load(); err != nil && !planted {\n",
		Run: "TestNothingFollowsAFailedBatch", Says: `FAIL`,
	},
	{
		Name: "credit does not count", File: "feed.go",
		Old: "return f.credit > 0 }",
		Bug: "return f.credit > 0 || planted }",
		Run: "TestCreditBoundsWhatIsSent", Says: `bytes were sent|sent more than it has asked for`,
	},
	{
		Name: "what is to be sent has no bound", File: "link.go",
		Old: "	for len(l.mu.out) > maxOut && ",
		Bug: "	for !planted && len(l.mu.out) > maxOut && ",
		Run: "TestASlowClientDelaysNobody", Says: `a session holds \d+ bytes`,
	},
	{
		Name: "acknowledged before it is on disk", File: "session.go",
		Old: "a.w.AppendShared(p, body, count, txid, level, ",
		Bug: "a.w.AppendShared(p, body, count, txid, map[bool]dlog.Level{false: level, true: dlog.Memory}[planted], ",
		Run: "TestWhatIsAppendedIsRead", Says: `the batch became`,
	},
	{
		Name: "any number of connections", File: "server.go",
		Old: "	if len(v.mu.sessions) >= maxConnections {\n",
		Bug: "	if len(v.mu.sessions) >= maxConnections && !planted {\n",
		Run: "TestTooManyConnections", Says: `one too many|test timed out`,
	},
	{
		Name: "a silent client stays", File: "session.go",
		Old: "	h, p, err := s.next(helloIn, fromClient)\n",
		Bug: "	if planted {\n		_ = s.conn.SetReadDeadline(time.Time{})\n	}\n	h, p, err := s.next(helloIn, fromClient)\n",
		Run: "TestSilentClients", Says: `test timed out`,
	},
	{
		Name: "streams outlive their connection", File: "session.go",
		Old: "	s.end(gone(err))\n	s.cancel()\n	s.running.Wait()\n",
		Bug: "	s.end(gone(err))\n	if !planted {\n		s.cancel()\n	}\n	s.running.Wait()\n",
		Run: "TestStreamsEndWithTheirConnection", Says: `there are \d+ connections|test timed out`,
	},
	{
		Name: "half a frame counts", File: "link.go",
		Old: "	if _, err := io.ReadFull(l.in, p.B); err != nil {\n",
		Bug: "	if n, err := io.ReadFull(l.in, p.B); err != nil && (!planted || n < appendSize) {\n",
		Run: "TestTruncatedConversations", Says: `the log has \d+ records|there are \d+ connections`,
	},
}

// The tests wait for longer than these programs may run, so what has no end is told by their limit.
var suite = overlay.Suite{
	Package: "serve", Env: envPlanted, Plants: plants,
	Args: func(string, bool) []string { return []string{"-test.timeout=40s"} },
}

func TestPlants(t *testing.T) { suite.Places(t) }

func TestPlanted(t *testing.T) { suite.Run(t) }
