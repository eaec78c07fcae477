package rivals

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ardea-stream/ardea/bench/rivals/contract"
)

// listTimeout bounds how long an adapter may take to tell what it has: a JVM starts in a second or two.
const listTimeout = 30 * time.Second

// rows asks an adapter what it can measure.
func (a Adapter) rows(ctx context.Context) ([]contract.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	args := append(slices.Clone(a.Args[1:]), "list")
	cmd := exec.CommandContext(ctx, a.Args[0], args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	var all []contract.Row
	for line := range bytes.Lines(out) {
		var head struct{ Type, Kind, Text string }
		var r contract.Row
		fault := json.Unmarshal(line, &head)
		switch {
		case fault != nil:
		case head.Type == contract.Failed:
			return nil, &AdapterError{a.Name, head.Kind, head.Text}
		case head.Type == contract.RowLine:
			fault = json.Unmarshal(line, &r)
			all = append(all, r)
		}
		if fault != nil {
			return nil, &AdapterError{a.Name, contract.Failure, fmt.Sprintf("list says %.200q: %v", line, fault)}
		}
	}
	if err != nil {
		return nil, &AdapterError{a.Name, contract.Failure, fmt.Sprintf("list: %v %s", err, bytes.TrimSpace(complaint.Bytes()))}
	}
	return all, nil
}

// chosen reports whether a row is among those that were asked for.
func (c Config) chosen(r *contract.Row) bool {
	if c.Smoke && !r.Smoke {
		return false
	}
	return len(c.Peers) == 0 || slices.Contains(c.Peers, r.Peer) || slices.Contains(c.Peers, r.Name())
}

// UnknownError says that nobody has a peer that was asked for.
type UnknownError struct {
	Peer  string
	Known []string // all rows that there are
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("rivals: no peer %q: there are %s; build adapters that are missing with make peers", e.Peer, strings.Join(e.Known, ", "))
}

// unknown returns an error for the first peer of the configuration that no adapter has.
func (d *driver) unknown() error {
	for _, peer := range d.c.Peers {
		if !slices.ContainsFunc(d.names, func(name string) bool { return name == peer || strings.HasPrefix(name, peer+"/") }) {
			return &UnknownError{Peer: peer, Known: d.names}
		}
	}
	return nil
}

// countCode returns the lines of a row's code that are neither blank nor only a comment.
func countCode(root string, code contract.Code) (int, error) {
	const begin, end = "user code: ", "end of user code"
	file, err := os.Open(filepath.Join(root, filepath.Clean("/"+code.File)))
	if err != nil {
		return 0, fmt.Errorf("rivals: user code: %w", err)
	}
	defer func() { _ = file.Close() }() // it is only read
	n, within, found, comment := 0, false, false, false
	for scan := bufio.NewScanner(file); scan.Scan(); {
		line := strings.TrimSpace(scan.Text())
		switch {
		case strings.HasSuffix(line, begin+code.Region):
			within, found = true, true
		case strings.HasSuffix(line, end):
			within = false
		case !within || line == "":
		case strings.HasPrefix(line, "/*"):
			comment = !strings.Contains(line, "*/")
		case comment:
			comment = !strings.Contains(line, "*/")
		case !strings.HasPrefix(line, "//"):
			n++
		}
	}
	if !found || within {
		return 0, fmt.Errorf("rivals: user code: %s has no region %q that ends", code.File, code.Region)
	}
	return n, nil
}
