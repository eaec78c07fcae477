package journal

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Names of files.
const (
	extJournal = ".journal"
	extSpare   = ".spare"
	extNew     = ".new"
	extBad     = ".bad"
)

func fileName(dir string, number uint32, ext string) string {
	return filepath.Join(dir, fmt.Sprintf("%08x%s", number, ext))
}

// parseName returns what a name says, and whether it is one of ours at all.
func parseName(name string) (number uint32, ext string, ok bool) {
	if len(name) < 8 || name != strings.ToLower(name) {
		return 0, "", false
	}
	n, err := strconv.ParseUint(name[:8], 16, 32)
	ext = name[8:]
	return uint32(n), ext, err == nil && n > 0 && slices.Contains([]string{extJournal, extSpare, extNew, extBad}, ext)
}
