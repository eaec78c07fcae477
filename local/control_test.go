package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ardea-stream/ardea/internal/leaktest"
	"github.com/ardea-stream/ardea/local"
)

// findRun returns the run of a cluster as another program finds it.
func findRun(t *testing.T, c *local.Cluster) local.Running {
	t.Helper()
	dir := filepath.Dir(c.Plan().Containers[0].Socket)
	all := local.Runs(t.Context())
	i := slices.IndexFunc(all, func(r local.Running) bool { return r.Dir == dir })
	if i < 0 {
		t.Fatalf("the run in %s is not among %+v", dir, all)
	}
	return all[i]
}

func request(t *testing.T, d time.Duration) local.ProfileRequest {
	t.Helper()
	return local.ProfileRequest{Kinds: []local.ProfileKind{local.ProfileCPU}, Duration: d, Dir: t.TempDir()}
}

// profileMeanwhile makes a request and returns when its recording is on.
func profileMeanwhile(ctx context.Context, t *testing.T, c *local.Cluster, r *local.Running, q local.ProfileRequest) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		err := local.ErrProfiling
		for errors.Is(err, local.ErrProfiling) { // it met the loop below
			_, err = r.Profile(ctx, q)
		}
		ended <- err
	}()
	for {
		err := c.StartProfiles(t.Context(), []local.ProfileKind{local.ProfileGoroutine})
		if errors.Is(err, local.ErrProfiling) {
			return ended
		}
		if err == nil {
			_, err = c.StopProfiles(t.Context(), t.TempDir())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRunIsFoundAndProfiledByOthers(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	awaitFlow(t, c)
	r := findRun(t, c)
	if r.Topology != "endless" || r.Mode != local.DefaultMode || r.PID != os.Getpid() || len(r.Processes) != len(c.Processes()) || r.Started.IsZero() {
		t.Errorf("the run describes itself as %+v", r)
	}
	q := request(t, 50*time.Millisecond)
	q.Kinds = append(q.Kinds, local.ProfileHeap)
	profiles, err := r.Profile(t.Context(), q)
	if err != nil || len(profiles) != 2*len(c.Processes()) {
		t.Fatalf("%d profiles, %v", len(profiles), err)
	}
	for _, p := range profiles {
		if err := parse(t, p.Path).CheckValid(); err != nil {
			t.Errorf("%s: %v", p.Path, err)
		}
	}
	q.Processes = []string{"sum-5", "stream-manager-2"}
	if profiles, err = r.Profile(t.Context(), q); err != nil || len(profiles) != 4 || profiles[0].Process != "stream-manager-2" || profiles[2].Process != "sum-5" {
		t.Errorf("of two processes: %+v, %v", profiles, err)
	}
	c.Drain()
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Profile(t.Context(), q); !errors.Is(err, local.ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := local.RunIn(t.Context(), r.Dir); !errors.Is(err, local.ErrNotRunning) {
		t.Errorf("RunIn after the end: %v", err)
	}
}

func TestRunIsSampledByOthers(t *testing.T) {
	for _, inProcess := range []bool{false, true} {
		leaktest.Check(t)
		args := "endless"
		o := options(t, args)
		o.InProcess = inProcess
		c := start(t.Context(), t, args, o)
		before := awaitFlow(t, c)
		r := findRun(t, c)
		s, err := r.Sample(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if have, want := s.Totals(), before.Totals(); have.Emitted < want.Emitted || have.Executed < want.Executed || s.Elapsed <= before.Elapsed ||
			len(s.Processes) != len(c.Processes()) || len(s.Tasks()) != 6 {
			t.Errorf("the sample is %+v, %+v before", have, want)
		}
		for i, p := range s.Processes {
			if p.Name() != r.Processes[i].Name() || p.PID != r.Processes[i].PID || (p.Manager != nil) != (p.Role == local.RoleManager) {
				t.Errorf("process %d is %+v, want %+v", i, p.Process, r.Processes[i])
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Sample(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("a request that is withdrawn: %v", err)
		}
		c.Drain()
		for err = nil; err == nil; {
			_, err = r.Sample(t.Context())
		}
		if !errors.Is(err, local.ErrEnded) && !errors.Is(err, local.ErrNotRunning) {
			t.Errorf("when the run ends: %v", err)
		}
		if _, err := wait(t, c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneCaptureAtATime(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	r := findRun(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	long := request(t, time.Hour)
	first := profileMeanwhile(ctx, t, c, &r, long)
	var refused *local.RefusedError
	if _, err := r.Profile(t.Context(), request(t, time.Nanosecond)); !errors.Is(err, local.ErrProfiling) || !errors.As(err, &refused) || refused.Code != "busy" {
		t.Errorf("while another one is on: %v", err)
	}
	if err := c.StartProfiles(t.Context(), long.Kinds); !errors.Is(err, local.ErrProfiling) {
		t.Errorf("StartProfiles meanwhile: %v", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the request that was withdrawn: %v", err)
	}
	for { // until the run has noticed
		_, err := r.Profile(t.Context(), request(t, time.Millisecond))
		if err == nil {
			break
		}
		if !errors.Is(err, local.ErrProfiling) {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(long.Dir); err != nil || len(entries) != 0 {
		t.Errorf("the request that was withdrawn has left %v, %v", entries, err)
	}
}

// Who goes at the very moment when all record leaves no recording behind.
func TestWithdrawnAsItBegins(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	cpu := []local.ProfileKind{local.ProfileCPU}
	for range 20 { // nobody has to answer, so that the answer and the end of the context race
		if err := c.StartProfilesOf(gone, cpu, func(*local.Process) bool { return false }); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		} else if err == nil {
			if _, err := c.StopProfiles(t.Context(), t.TempDir()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.StartProfiles(t.Context(), cpu); err != nil {
		t.Errorf("after all have gone: %v", err)
	}
}

func TestDirectoryGoesWhileItIsProfiled(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	q := request(t, time.Second)
	ended := profileMeanwhile(t.Context(), t, c, new(findRun(t, c)), q)
	if err := os.Remove(q.Dir); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := local.ErrProfiling
	for errors.Is(err, local.ErrProfiling) && ctx.Err() == nil { // until all have stopped
		_, err = c.Profile(ctx, request(t, time.Nanosecond))
	}
	if err != nil {
		t.Errorf("the next request: %v", err)
	}
}

func TestRunEndsWhileItIsProfiled(t *testing.T) {
	for _, inProcess := range []bool{false, true} {
		leaktest.Check(t)
		args := "endless"
		o := options(t, args)
		o.InProcess = inProcess
		c := start(t.Context(), t, args, o)
		r := findRun(t, c)
		ended := profileMeanwhile(t.Context(), t, c, &r, request(t, time.Hour))
		c.Drain()
		if err := <-ended; !errors.Is(err, local.ErrEnded) {
			t.Errorf("Profile of a run that ends: %v", err)
		}
		if _, err := wait(t, c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBadRequestsAreNamed(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	r := findRun(t, c)
	good := request(t, time.Millisecond)
	var fault *local.RequestError
	for want, change := range map[string]func(*local.ProfileRequest){
		"no kind of profile": func(q *local.ProfileRequest) { q.Kinds = nil },
		`no profile "gpu"`:   func(q *local.ProfileRequest) { q.Kinds = []local.ProfileKind{"gpu"} },
		"duration of 0s":     func(q *local.ProfileRequest) { q.Duration = 0 },
		"no more than":       func(q *local.ProfileRequest) { q.Duration = 1 << 62 },
		"absolute path":      func(q *local.ProfileRequest) { q.Dir = "." },
		"make it before":     func(q *local.ProfileRequest) { q.Dir = "/none/at/all" },
	} {
		q := good
		change(&q)
		if _, err := r.Profile(t.Context(), q); !errors.As(err, &fault) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	good.Processes = []string{"nobody-7"}
	var refused *local.RefusedError
	if _, err := r.Profile(t.Context(), good); !errors.As(err, &refused) || refused.Code != "malformed" || !strings.Contains(err.Error(), `no process "nobody-7"`) {
		t.Errorf("a process that is not there: %v", err)
	}
}

// What is no request gets an answer that says so, and the run goes on.
func TestMalformedRequests(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	r := findRun(t, c)
	for _, text := range []string{
		"\n", "{}\n", "null\n", "[1]\n", "GET / HTTP/1.1\r\n", `{"version":2,"profile":{}}` + "\n", `{"version":1}` + "\n",
		`{"version":1,"sample":true,"profile":{}}` + "\n", `{"version":1,"sample":false}` + "\n", `{"version":1,"sample":1}` + "\n",
		`{"version":1,"profile":{"kinds":["cpu"],"duration_ns":1,"dir":"/","speed":9}}` + "\n", `{"version":1,"profile":`,
		`{"version":1,"profile":{}}` + "\n", "\x00\xff\n", strings.Repeat("x", 2<<20),
	} {
		tooLong := len(text) > 1<<20
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", filepath.Join(r.Dir, "ctl.sock"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, text) // the run may have heard enough before the end
		_ = conn.(*net.UnixConn).CloseWrite()
		var a struct{ Code, Text string }
		if err := json.NewDecoder(conn).Decode(&a); (err != nil || a.Code != "malformed" || a.Text == "") && !tooLong { // where the answer may be lost
			t.Errorf("%.40q: %+v, %v", text, a, err)
		}
		_ = conn.Close()
	}
	if _, err := r.Profile(t.Context(), request(t, time.Millisecond)); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// Who connects and says nothing keeps others from asking, not the run from running.
func TestTooManyConnections(t *testing.T) {
	leaktest.Check(t)
	args := "endless"
	c := start(t.Context(), t, args, options(t, args))
	r := findRun(t, c)
	var silent []net.Conn
	for range 300 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", filepath.Join(r.Dir, "ctl.sock"))
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, conn)
	}
	var refused *local.RefusedError
	if _, err := r.Sample(t.Context()); !errors.As(err, &refused) || refused.Code != "crowded" {
		t.Errorf("among 300 connections: %v", err)
	}
	for _, conn := range silent {
		_ = conn.Close()
	}
	for { // until the run has noticed
		if _, err := r.Sample(t.Context()); err == nil {
			break
		} else if !errors.As(err, &refused) {
			t.Fatal(err)
		}
	}
	c.Drain()
	if res, err := wait(t, c); err != nil || res.Sample.Totals().Emitted == 0 {
		t.Errorf("the run: %v", err)
	}
}

func TestRunInOfWhatIsNoRun(t *testing.T) {
	dir := t.TempDir()
	if _, err := local.RunIn(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, local.ErrNotRunning) {
		t.Errorf("no directory: %v", err)
	}
	for text, want := range map[string]string{"{": "describes no run", `{"topology":"dead","pid":1}`: "no running topology"} {
		if err := os.WriteFile(filepath.Join(dir, "run.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := local.RunIn(t.Context(), dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
}

// A given run directory is found by its path.
func TestRunInAGivenDirectory(t *testing.T) {
	leaktest.Check(t)
	args := "finite 10"
	o := options(t, args)
	o.Dir = filepath.Join(os.TempDir(), fmt.Sprintf("local-test-%d", os.Getpid()))
	o.InProcess = true
	o.Pprof = ":0"
	c := start(t.Context(), t, args, o)
	if r, err := local.RunIn(t.Context(), o.Dir); err != nil {
		if !errors.Is(err, local.ErrNotRunning) { // it is quick
			t.Error(err)
		}
	} else if !r.InProcess || r.Pprof != c.Pprof() || r.Processes[0].Pprof != c.Pprof() {
		t.Errorf("%+v", r)
	}
	if _, err := wait(t, c); err != nil {
		t.Fatal(err)
	}
}
