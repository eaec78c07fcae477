package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// captureStep is how far a capture of profiles has come.
type captureStep int

const (
	captureNone     captureStep = iota
	captureStarting             // members have been told to record
	captureOn
	captureWriting  // members have been told to write
	captureDropping // members have been told to forget it
)

// captures is what the supervisor knows of the capture of profiles that is on.
type captures struct {
	step    captureStep
	kinds   []ProfileKind
	members []*member // that record
	lives   map[*member]int
	seq     uint64 // of the commands of this step
	need    map[*member]bool
	answers map[*member]*report
	reply   chan captured // has room for one; nil if nobody waits
}

// captured is the answer to who started or stopped a capture.
type captured struct {
	profiles []Profile
	err      error
}

// recorders are the members that record for the whole run: each, or one for
// all if they share this process.
func (s *supervisor) recorders() []*member {
	if s.o.InProcess {
		return s.members[:1]
	}
	return s.members
}

// startCapture makes the members that which selects record.
func (s *supervisor) startCapture(kinds []ProfileKind, which func(*Process) bool, reply chan captured) {
	c := &s.capture
	switch {
	case s.phase >= phaseStopping:
		reply <- captured{err: ErrEnded}
		return
	case c.step != captureNone:
		reply <- captured{err: ErrProfiling}
		return
	}
	c.kinds, c.members, c.lives = kinds, nil, map[*member]int{}
	for _, m := range s.recorders() {
		if !m.absent() && !m.bye && (s.o.InProcess || which(&m.Process)) {
			c.members = append(c.members, m)
			c.lives[m] = m.life
		}
	}
	s.stepCapture(captureStarting, command{Op: opRecord, Kinds: kinds}, reply)
}

// stopCapture makes the members that record write.
func (s *supervisor) stopCapture(dir string, reply chan captured) {
	switch s.capture.step {
	case captureOn:
		s.stepCapture(captureWriting, command{Op: opWrite, Dir: dir}, reply)
	case captureNone:
		reply <- captured{err: ErrNotProfiling}
	default:
		reply <- captured{err: ErrProfiling}
	}
}

// abandonCapture is for a caller who does not wait any more.
func (s *supervisor) abandonCapture(reply chan captured) {
	if c := &s.capture; c.reply == reply {
		s.stepCapture(captureDropping, command{Op: opAbandon}, nil)
	}
}

// abandonStart is abandonCapture for who started a capture: it may be on by now,
// and nobody else would end it.
func (s *supervisor) abandonStart(reply chan captured) {
	s.abandonCapture(reply)
	select {
	case r := <-reply: // unread
		if r.err == nil {
			s.dropCapture()
		}
	default:
	}
}

// dropCapture ends a recording without files.
func (s *supervisor) dropCapture() {
	if s.capture.step == captureOn {
		s.stepCapture(captureDropping, command{Op: opAbandon}, nil)
	}
}

// stepCapture tells the members what comes next. Their answers are awaited, so
// that a member never has more than one such command and an overtaken one unread.
func (s *supervisor) stepCapture(step captureStep, cmd command, reply chan captured) {
	c := &s.capture
	c.seq++
	c.step, c.reply = step, reply
	c.need, c.answers = map[*member]bool{}, map[*member]*report{}
	for _, m := range c.members {
		if !m.absent() && !m.bye && m.life == c.lives[m] { // else nothing of it records
			c.need[m] = true
			cmd.Seq, cmd.Name = c.seq, s.profileName(m)
			m.send(cmd)
		}
	}
	s.settleCapture()
}

// profiled takes in a member's answer, nil if none will come.
func (s *supervisor) profiled(m *member, r *report) {
	c := &s.capture
	if !c.need[m] || r != nil && r.Seq != c.seq {
		return
	}
	delete(c.need, m)
	c.answers[m] = r
	s.settleCapture()
}

// settleCapture ends a step that nobody is missing from.
func (s *supervisor) settleCapture() {
	c := &s.capture
	if c.step == captureOn || c.step == captureNone || len(c.need) > 0 {
		return
	}
	reply, result := c.reply, captured{}
	result.profiles, result.err = s.captureResult()
	switch {
	case c.step == captureStarting && result.err == nil:
		c.step, c.reply = captureOn, nil
	case c.step == captureStarting:
		s.stepCapture(captureDropping, command{Op: opAbandon}, nil)
	default:
		s.capture = captures{seq: c.seq}
	}
	if reply != nil {
		reply <- result
	}
}

// captureResult puts together what the members answered. One that has gone
// while the recording started is of no concern: the run knows what that means.
func (s *supervisor) captureResult() ([]Profile, error) {
	c := &s.capture
	var profiles []Profile
	var faults []error
	for _, m := range c.members {
		r := c.answers[m]
		switch {
		case r == nil && c.step == captureWriting:
			faults = append(faults, &ProfileError{Process: m.Process, Text: "it ended before it wrote them"})
		case r == nil:
		case r.Text != "":
			faults = append(faults, &ProfileError{Process: m.Process, Text: r.Text})
			fallthrough
		default:
			profiles = append(profiles, s.profilesOf(m, r)...)
		}
	}
	return profiles, errors.Join(faults...)
}

// profilesOf describes the files that a member wrote.
func (s *supervisor) profilesOf(m *member, r *report) []Profile {
	var profiles []Profile
	base := Profile{Process: s.profileName(m), Role: m.Role, Container: m.Container, PID: m.PID}
	base.Components = distinct(m.Components)
	if s.o.InProcess {
		base.Role, base.Container, base.Components = RoleAll, 0, nil
		for i := range s.c.plan.Components {
			base.Components = append(base.Components, s.c.plan.Components[i].Name)
		}
	}
	base.Spout = len(m.Tasks) > 0
	for _, t := range m.Tasks {
		base.Spout = base.Spout && s.c.plan.ComponentOf(t).Spout
	}
	for _, k := range s.capture.kinds {
		if path, written := r.Files[k]; written {
			p := base
			p.Kind, p.Path = k, path
			profiles = append(profiles, p)
		}
	}
	return profiles
}

func (s *supervisor) profileName(m *member) string {
	if s.o.InProcess {
		return string(RoleAll)
	}
	return m.Name()
}

// checkProfileDir returns the absolute path of a directory that exists.
func checkProfileDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("local: directory of profiles: %w", err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", fmt.Errorf("local: directory of profiles: %w: make it before", err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("local: directory of profiles: %s is a file: name a directory", abs)
	}
	return abs, nil
}

// distinct returns names without repeats, in their order.
func distinct(names []string) []string {
	var once []string
	for _, n := range names {
		if !slices.Contains(once, n) {
			once = append(once, n)
		}
	}
	return once
}
