package profiles

import (
	_ "embed" // the rule file
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// maxRuleBytes is the largest rule file that is read.
const maxRuleBytes = 256 << 10

// pass is the section of rules that leave the decision to the caller of a frame.
const pass Category = "pass"

//go:embed rules.txt
var defaultRules string

// Rules sort samples into categories. They are not changed once they are
// loaded, so that goroutines may share them.
type Rules struct {
	anywhere []rule // asked first, about whole stacks
	frames   []rule // asked from the leaf to the root, about one frame at a time
}

// rule says which functions belong to a category.
type rule struct {
	category Category
	pattern  *regexp.Regexp
}

// DefaultRules returns the rules for Ardea's own processes: those of the
// file profiles/rules.txt, which is part of the program.
func DefaultRules() *Rules { return parseDefault() }

var parseDefault = sync.OnceValue(func() *Rules {
	r, err := load(strings.NewReader(defaultRules), nil)
	if err != nil {
		panic(err) // a test reads the same file
	}
	return r
})

// LoadRules reads a rule file; the head of profiles/rules.txt describes the
// form. A file without rules puts all time under Other. The error joins a
// *RuleError for each line that cannot be used, or is that of the reader.
func LoadRules(r io.Reader) (*Rules, error) { return load(r, DefaultRules()) }

// load reads a rule file in which the word defaults stands for the given rules.
func load(r io.Reader, defaults *Rules) (*Rules, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxRuleBytes+1))
	if err != nil {
		return nil, fmt.Errorf("profiles: rule file: %w", err)
	}
	if len(text) > maxRuleBytes {
		return nil, fmt.Errorf("profiles: rule file: it has more than %d KiB; make it shorter", maxRuleBytes>>10)
	}
	rules := &Rules{}
	var section Category
	var faults []error
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		var reason string
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "defaults" && defaults != nil:
			rules.anywhere = append(rules.anywhere, defaults.anywhere...)
			rules.frames = append(rules.frames, defaults.frames...)
		case strings.HasPrefix(line, "["):
			section, reason = parseSection(line)
		default:
			reason = rules.add(section, line)
		}
		if reason != "" {
			faults = append(faults, &RuleError{Line: i + 1, Reason: reason})
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return rules, nil
}

// parseSection returns the category of a line in brackets, or what is wrong
// with it and a category all the same, so that the rules below are not blamed.
func parseSection(text string) (c Category, reason string) {
	name, closed := strings.CutSuffix(text[1:], "]")
	c = Category(strings.TrimSpace(name))
	if !closed || (c != pass && !slices.Contains(Categories(), c)) {
		return Other, fmt.Sprintf("%q is no category; write one of [%s] or [%s]", text, join(Categories(), "], ["), pass)
	}
	return c, ""
}

// add adds the rule of a line, or says what is wrong with it.
func (r *Rules) add(section Category, text string) (reason string) {
	keyword, pattern, _ := strings.Cut(text, " ")
	pattern = strings.TrimSpace(pattern)
	list := &r.frames
	switch {
	case keyword == "anywhere" && section == pass:
		return "only a frame can be passed; write frame instead of anywhere"
	case keyword == "anywhere":
		list = &r.anywhere
	case keyword != "frame":
		return fmt.Sprintf("%q is no rule; write a [category], frame or anywhere with a regular expression, or defaults", keyword)
	}
	if section == "" {
		return "the rule has no category; write a line such as [user code] above it"
	}
	if pattern == "" {
		return keyword + " has no regular expression; write one behind it"
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Sprintf("%v; write a regular expression as package regexp takes it", err)
	}
	*list = append(*list, rule{category: section, pattern: compiled})
	return ""
}

func join(categories []Category, separator string) string {
	texts := make([]string, len(categories))
	for i, c := range categories {
		texts[i] = string(c)
	}
	return strings.Join(texts, separator)
}
