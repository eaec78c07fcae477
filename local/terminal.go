package local

import (
	"os"

	"golang.org/x/sys/unix"
)

// TerminalWidth returns a function for the columns that the terminal f has at
// the moment, or nil if f is no terminal.
func TerminalWidth(f *os.File) func() int {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	width := func() int {
		columns := -1
		_ = raw.Control(func(fd uintptr) {
			if size, err := unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ); err == nil {
				columns = int(size.Col)
			}
		})
		return columns
	}
	if width() < 0 {
		return nil
	}
	return width
}
