package metadata

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the length of the longest name in bytes.
const MaxName = 255

// CheckName returns an error, ErrName, unless a text can name a log or a subscription: 1 to MaxName bytes of UTF-8, all
// of them printable, with no space at either end. Any other letter will do, '/' and '.' too, as files are named by
// number.
func CheckName(name string) error {
	var reason string
	switch {
	case name == "":
		reason = "it is empty"
	case len(name) > MaxName:
		return fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrName, len(name), MaxName)
	case !utf8.ValidString(name):
		reason = "it is not UTF-8"
	case strings.TrimSpace(name) != name:
		reason = "it begins or ends with a space"
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		reason = "it holds a character that cannot be printed"
	default:
		return nil
	}
	return fmt.Errorf("%w: %q: %s", ErrName, name, reason)
}
