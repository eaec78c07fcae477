package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/ardea-stream/ardea/local"
)

// TestMain plays the part of a child process when a run of a test starts one.
func TestMain(m *testing.M) {
	if local.InChild() {
		if err := runChild(context.Background(), os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func runChild(ctx context.Context, spec string) error {
	var s Spec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		return err
	}
	t, err := s.Topology()
	if err != nil {
		return err
	}
	return local.RunChild(ctx, t)
}

// childArgs leads re-executed children to TestMain.
func childArgs(s Spec) []string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return []string{string(b)}
}
