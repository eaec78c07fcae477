package dataplane

import (
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

// A manager that was started again has not seen the end of a task's streams. Tasks of other containers are not its own to end.
func TestEndsThatAnEarlierManagerSawAreTold(t *testing.T) {
	leaktest.Check(t)
	for _, containers := range []int{1, 2} {
		p := testPlan(t, 1, containers, topology.Global("words"))
		here := uint32(containers) // of the bolt, which is dealt last
		m := startManager(t, Config{Plan: p, Container: here})
		bolt := dialTask(t, p, 2)
		m.Ended([]uint32{1, 2, 99})
		m.Ended([]uint32{1})
		sent := 0
		if !m.post(func() { sent = len(m.loop.dests[2].ends) }) {
			t.Fatal("the loop has ended")
		}
		if containers == 2 {
			if sent != 0 {
				t.Error("a task of another container was ended")
			}
			continue
		}
		for range 2 {
			if h, _ := bolt.read(); h.Kind != wire.KindEnd || h.Source != 1 || h.Dest != 2 {
				t.Errorf("read %+v", h)
			}
		}
	}
}
