package crash

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ardea-stream/ardea/local"
)

// kill is the death of a process by this program's hand.
type kill struct {
	role      local.Role
	container uint32
	component string // of an instance
	index     int    // of its task
	at, dead  int64  // when it was killed, and gone
}

// killer kills processes of a run at random.
type killer struct {
	r       *run
	rng     *rand.Rand
	average time.Duration // between two kills
	only    string        // the component whose instances are killed, empty for any
	kills   []kill
}

// kill kills so many processes, in random order, at random times.
func (k *killer) kill(instances, managers int) {
	t := k.r.t
	for instances+managers > 0 {
		role := local.RoleInstance
		if k.rng.IntN(instances+managers) < managers {
			role = local.RoleManager
		}
		// A time, not an event: the point is that it may be any.
		time.Sleep(time.Duration(k.rng.ExpFloat64() * float64(k.average)))
		var victim kill
		until(t, "a process to kill", func() bool {
			var ok bool
			victim, ok = k.strike(role)
			return ok
		})
		k.kills = append(k.kills, victim)
		if role == local.RoleManager {
			managers--
		} else {
			instances--
		}
	}
}

// strike kills one process of a role and waits until it is gone. It reports false if it was gone before.
func (k *killer) strike(role local.Role) (kill, bool) {
	all := slices.DeleteFunc(k.r.Processes(), func(p local.Process) bool {
		spared := slices.Contains(p.Components, asideName) || slices.Contains(p.Components, besideName)
		return p.Role != role || spared || k.only != "" && !slices.Contains(p.Components, k.only)
	})
	p := all[k.rng.IntN(len(all))]
	d := kill{role: role, container: p.Container}
	if role == local.RoleInstance {
		c := k.r.plan.ComponentOf(p.Tasks[0])
		d.component, d.index = c.Name, int(p.Tasks[0]-c.FirstTask)
	}
	h, ok := hold(p.PID)
	if !ok {
		return d, false
	}
	defer h.close()
	d.at = time.Now().UnixNano()
	if !h.signal(unix.SIGKILL) {
		return d, false
	}
	h.wait()
	d.dead = time.Now().UnixNano()
	return d, true
}

// handle stands for a child process, and for no other that gets its id later.
type handle struct{ fd int }

// hold takes hold of a child process. It reports false if it is none any more.
func hold(pid int) (handle, bool) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return handle{}, false
	}
	h := handle{fd: fd}
	if state, parent := statOf(pid); parent != os.Getpid() || state == "Z" {
		h.close()
		return handle{}, false
	}
	return h, true
}

func (h handle) signal(s unix.Signal) bool { return unix.PidfdSendSignal(h.fd, s, nil, 0) == nil }

func (h handle) close() { _ = unix.Close(h.fd) }

// wait waits until the process is gone. It reports false if it does not end.
func (h handle) wait() bool {
	fds := []unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(*patience/time.Millisecond))
		if !errors.Is(err, unix.EINTR) {
			return n > 0
		}
	}
}
