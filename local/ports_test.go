package local_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// takenPorts picks ports of which one is taken, the first times that it is asked, and counts the times.
func takenPorts(t *testing.T, times int) (pick func(ctx context.Context, n int) ([]string, error), asked *int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	asked = new(int)
	return func(ctx context.Context, n int) ([]string, error) {
		*asked++
		ports, err := local.FreePorts(ctx, n)
		if *asked <= times {
			ports[n-1] = l.Addr().String()
		}
		return ports, err
	}, asked
}

func TestPortThatIsTakenIsReplaced(t *testing.T) {
	for _, inProcess := range []bool{false, true} {
		t.Run(strconv.FormatBool(inProcess), func(t *testing.T) {
			leaktest.Check(t)
			pick, asked := takenPorts(t, 2)
			o := options(t, "finite 10").WithPorts(pick)
			o.InProcess = inProcess
			res, err := local.Run(t.Context(), build("finite 10"), o)
			if err != nil || *asked != 3 {
				t.Fatalf("ports were picked %d times: %v", *asked, err)
			}
			checkSums(t, res, 10)
		})
	}
}

func TestPortThatIsAlwaysTakenIsAnError(t *testing.T) {
	leaktest.Check(t)
	pick, asked := takenPorts(t, 100)
	_, err := local.Run(t.Context(), build("finite 10"), options(t, "finite 10").WithPorts(pick))
	te, ok := errors.AsType[*local.TaskError](err)
	if !ok || te.Process.Role != local.RoleManager || *asked != 3 {
		t.Errorf("ports were picked %d times, error is %v", *asked, err)
	}
}

func TestFreePortsDiffer(t *testing.T) {
	ports, err := local.FreePorts(t.Context(), 50)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range ports {
		if seen[p] {
			t.Errorf("%s was picked twice", p)
		}
		seen[p] = true
	}
}
