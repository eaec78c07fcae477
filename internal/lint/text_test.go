package lint

import (
	"bytes"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	readme         = "README.md"
	maxReadmeLines = 200
)

// banned is what no committed text may contain, since it holds on somebody's machine only.
var banned = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"an absolute path of one machine", regexp.MustCompile(`(^|[^\w./-])/(home|root|work|workspace|builds|farm|Users)/[\w.]`)},
	{"an absolute path of one machine", regexp.MustCompile(`\b[A-Z]:\\\\?(Users|work)\\`)},
	{"a package registry's host", regexp.MustCompile(`\b(proxy|sum|index)\.golang\.org\b|\b(deb|security|archive)\.(debian|ubuntu)\.(org|com)\b`)},
	{"a package registry's host", regexp.MustCompile(`\b(registry\.npmjs|files\.pythonhosted|pypi|crates|repo1?\.maven(\.apache)?)\.(org|io)\b`)},
}

// textFiles calls visit with every text file of the repository, the tools' included.
func textFiles(t *testing.T, visit func(name string, text []byte)) {
	t.Helper()
	walk(t, notText, func(name string) {
		text, err := os.ReadFile(onDisk(name))
		if err != nil {
			t.Fatal(err)
		}
		ignored := strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".out") ||
			path.Base(name) == "Cargo.lock" // which Cargo writes, with the registry in every entry
		if !ignored && utf8.Valid(text) && !bytes.Contains(text, []byte{0}) {
			visit(name, text)
		}
	})
}

func TestTextsHoldOnEveryMachine(t *testing.T) {
	textFiles(t, func(name string, text []byte) {
		for _, ban := range banned {
			if at := ban.pattern.FindIndex(text); at != nil {
				line := 1 + bytes.Count(text[:at[1]], []byte("\n"))
				t.Errorf("%s:%d: %s: %q", name, line, ban.what, text[at[0]:at[1]])
			}
		}
	})
}

func TestBannedTexts(t *testing.T) {
	for _, tc := range []struct {
		text string
		want bool
	}{
		{"see /ro" + "ot/go/pkg", true},
		{"(/wo" + "rk/main)", true},
		{"/ho" + "me/ann/x", true},
		{"https://proxy." + "golang.org/x", true},
		{"https://pypi." + "org/simple", true},
		{"golang.org/x/sys", false},
		{"frame/work/unit", false},
		{"https://example.com/home/index.html", false},
		{"GET /home", false},
	} {
		got := false
		for _, ban := range banned {
			got = got || ban.pattern.MatchString(tc.text)
		}
		if got != tc.want {
			t.Errorf("%q: banned is %v, want %v", tc.text, got, tc.want)
		}
	}
}

func TestReadmeIsShort(t *testing.T) {
	if lines := strings.Count(read(t, readme), "\n"); lines >= maxReadmeLines {
		t.Errorf("%s has %d lines, want fewer than %d", readme, lines, maxReadmeLines)
	}
}

// link is a Markdown link or image: [text](target "title").
var link = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)`)

func TestMarkdownLinksLeadToFiles(t *testing.T) {
	textFiles(t, func(name string, text []byte) {
		if path.Ext(name) != ".md" {
			return
		}
		prose, _ := splitFences(string(text))
		for _, match := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(prose, ""), -1) {
			target, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: link %s: %v", name, match[1], err)
				continue
			}
			if target.Scheme != "" || target.Host != "" || target.Path == "" {
				continue // another site, or a heading of this page
			}
			if file := path.Join(path.Dir(name), target.Path); !exists(file) {
				t.Errorf("%s: link %s leads to %s, which does not exist", name, match[1], file)
			}
		}
	})
}
