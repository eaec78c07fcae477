package local

import (
	"context"
	"fmt"

	"github.com/ardea-stream/ardea/local/capture"
	"github.com/ardea-stream/ardea/local/endpoint"
)

// ownPprof serves the profiles of the launching process, if Options.Pprof asks for it.
type ownPprof struct {
	base   endpoint.Address
	server *endpoint.Server // nil if nothing is served
}

// CheckPprof tries to serve at an address for Options.Pprof, so that one that
// is taken or unknown is told before work is done. Another program may still
// take it. An empty address is right.
func CheckPprof(ctx context.Context, address string) error {
	own, err := servePprof(ctx, Options{Pprof: address})
	if err != nil {
		return fmt.Errorf("local: Pprof: %w", err)
	}
	own.close()
	return nil
}

// servePprof begins to serve this process's profiles.
func servePprof(ctx context.Context, o Options) (*ownPprof, error) {
	if o.Pprof == "" {
		return &ownPprof{}, nil
	}
	base, err := endpoint.ParseAddress(o.Pprof)
	if err != nil {
		return nil, err
	}
	address, err := base.Of(0)
	if err != nil {
		return nil, err
	}
	server, err := capture.Serve(ctx, address)
	if err != nil {
		return nil, err
	}
	return &ownPprof{base: base, server: server}, nil
}

// assign tells the members where to serve theirs. Those of this process need not.
func (p *ownPprof) assign(members []*member, inProcess bool) (err error) {
	for i, m := range members {
		switch {
		case p.server == nil:
		case inProcess:
			m.Pprof = p.address()
		default:
			if m.orders.Pprof, err = p.base.Of(1 + i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *ownPprof) address() string {
	if p.server == nil {
		return ""
	}
	return p.server.Address()
}

func (p *ownPprof) close() {
	if p.server != nil {
		p.server.Close()
	}
}

// announcePprof tells the user where profiles are served.
func (s *supervisor) announcePprof() {
	if s.c.pprof.server == nil {
		return
	}
	s.sayPprof("launcher", s.c.pprof.address())
	for _, m := range s.members {
		if !s.o.InProcess {
			s.sayPprof(m.Name(), m.Pprof)
		}
	}
}

func (s *supervisor) sayPprof(name, address string) {
	_, _ = fmt.Fprintf(s.o.Stderr, "%s: profiles at %s\n", name, capture.URL(address))
}

// served takes note of where a member serves, and tells it of one that was started again.
func (s *supervisor) served(m *member) {
	s.list()
	if s.up {
		s.sayPprof(m.Name(), m.Pprof)
	}
}
