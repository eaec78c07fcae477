package bench

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSyscallCounter(t *testing.T) {
	c, err := openSyscallCounter([]int{os.Getpid()})
	if err != nil {
		t.Skipf("this machine does not let us count system calls: %v", err)
	}
	defer c.close()
	before, err := c.read()
	if err != nil {
		t.Fatal(err)
	}
	const calls = 10_000
	for range calls {
		unix.Getppid()
	}
	after, err := c.read()
	if err != nil {
		t.Fatal(err)
	}
	if n := after[os.Getpid()] - before[os.Getpid()]; n < calls || n > 2*calls {
		t.Errorf("counted %d of %d system calls", n, calls)
	}
}
