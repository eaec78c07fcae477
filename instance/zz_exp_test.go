package instance

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ardea-stream/ardea/plan"
	"github.com/ardea-stream/ardea/topology"
	"github.com/ardea-stream/ardea/wire"
)

func TestMain(m *testing.M) {
	if os.Getenv("EXP_CHILD") == "" {
		os.Exit(m.Run())
	}
	total, _ := strconv.Atoi(os.Getenv("EXP_N"))
	words := []string{"amberish", "borehole", "cascades", "driftage", "eventual", "feathers", "gratings", "halfways"}
	n := 0
	s := &userSpout{next: func(out *topology.Collector) error {
		if n >= total {
			return io.EOF
		}
		n++
		return out.Emit(topology.String(words[n&7]))
	}}
	letters := 0
	bo := &userBolt{execute: func(t *topology.Tuple, _ *topology.Collector) error {
		w, err := t.Bytes(0)
		letters += len(w)
		return err
	}}
	if os.Getenv("EXP_CHILD") == "echo" {
		bo = echo()
	}
	b := topology.NewBuilder("test")
	b.Spout("src", func() topology.Spout { return s }, topology.Output("word"))
	b.Bolt("work", func() topology.Bolt { return bo }, topology.Fields("src", "word"), topology.Output("word"))
	b.Bolt("sink", func() topology.Bolt { return &userBolt{} }, topology.Shuffle("work"))
	t, err := b.Build()
	if err != nil {
		panic(err)
	}
	l := plan.NewLogical(t)
	p := plan.New(l, plan.PackRoundRobin(l, 1), testEpoch, 42, func(uint32) (string, string) { return os.Getenv("EXP_SOCK"), "" })
	task := uint32(srcTask)
	if os.Getenv("EXP_CHILD") != "spout" {
		task = workTask
	}
	i, err := New(Config{Plan: p, Topology: t, Task: task})
	if err != nil {
		panic(err)
	}
	if err := i.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%+v\n", i.Metrics())
}

func TestExp(t *testing.T) {
	const N = 40_000_000
	for _, role := range []string{"bolt", "spout"} {
		for _, procs := range []string{"1", "2"} {
			for rep := 0; rep < 3; rep++ {
				sock := fmt.Sprintf("/tmp/exp%d.sock", time.Now().UnixNano())
				ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: sock, Net: "unix"})
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "EXP_CHILD="+role, "EXP_SOCK="+sock, "EXP_N="+strconv.Itoa(N), "GOMAXPROCS="+procs)
				out, _ := cmd.StdoutPipe()
				cmd.Stderr = os.Stderr
				cmd.Start()
				c, _ := ln.AcceptUnix()
				f, _ := c.File()
				c.Close()
				fd := int(f.Fd())
				unix.SetNonblock(fd, false)
				buf := make([]byte, 256<<10)
				unix.Read(fd, buf)
				credit := uint32(1 << 20)
				if role == "bolt" {
					credit = plenty
				}
				unix.Write(fd, wire.AppendWelcome(nil, wire.Welcome{Epoch: testEpoch, Credit: credit}))
				start := time.Now()
				if role == "bolt" {
					unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20)
					frame, k := benchFrame(100 << 10)
					paid := 0
					for sent := 0; sent < N; sent += k {
						unix.Write(fd, frame)
						paid += len(frame)
						if paid > 1<<20 { // read credit frames
							n, _, _ := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
							_ = n
						}
					}
					unix.Write(fd, endFrame())
					for {
						n, err := unix.Read(fd, buf)
						if n <= 0 || err != nil {
							break
						}
					}
				} else {
					total, granted := 0, 0
					for {
						n, err := unix.Read(fd, buf)
						if n <= 0 || err != nil {
							break
						}
						total += n
						if total-granted >= 128<<10 {
							unix.Write(fd, wire.AppendHeader(nil, wire.Header{Kind: wire.KindCredit, Count: uint32(total - granted), Epoch: testEpoch}))
							granted = total
						}
					}
				}
				wall := time.Since(start)
				unix.Close(fd)
				f.Close()
				txt, _ := io.ReadAll(out)
				cmd.Wait()
				ln.Close()
				ru := cmd.ProcessState.SysUsage().(*syscall.Rusage)
				u, s := time.Duration(ru.Utime.Nano()), time.Duration(ru.Stime.Nano())
				fmt.Printf("%s procs=%s wall %.1f ns/t  user %.1f sys %.1f total %.1f ns/t ctxsw v=%d i=%d\n", role, procs,
					float64(wall.Nanoseconds())/N, float64(u)/N, float64(s)/N, float64(u+s)/N, ru.Nvcsw, ru.Nivcsw)
				if rep == 0 {
					fmt.Print(string(txt))
				}
			}
		}
	}
}
