package profiles

// classifier remembers what the rules say of each function, so that every name is looked at once.
type classifier struct {
	rules *Rules
	known map[string]*verdict
}

// verdict is what the rules say of one function.
type verdict struct {
	name     string
	anywhere int      // first of Rules.anywhere that matches, their number if none does
	decides  Category // by the first frame rule that matches; pass if none does
	passes   bool     // a pass rule matches: it works for its caller
}

func newClassifier(rules *Rules) *classifier {
	return &classifier{rules: rules, known: map[string]*verdict{}}
}

// verdict returns what the rules say of a function.
func (c *classifier) verdict(name string) *verdict {
	v := c.known[name]
	if v == nil {
		v = c.rules.judge(name)
		c.known[name] = v
	}
	return v
}

func (r *Rules) judge(name string) *verdict {
	v := &verdict{name: name, anywhere: len(r.anywhere), decides: pass}
	for i, rule := range r.anywhere {
		if rule.pattern.MatchString(name) {
			v.anywhere = i
			break
		}
	}
	matched := false
	for _, rule := range r.frames {
		if (!matched || rule.category == pass) && rule.pattern.MatchString(name) {
			if !matched {
				v.decides, matched = rule.category, true
			}
			v.passes = v.passes || rule.category == pass
		}
	}
	return v
}

// classify returns the category of a stack, leaf first, and the name of the
// function that is responsible: the first that works for nobody else, or the
// one that decided if all do.
func (r *Rules) classify(stack []*verdict) (c Category, responsible string) {
	first := len(r.anywhere)
	decided := -1
	for i, v := range stack {
		if v.anywhere < first {
			first, decided = v.anywhere, i
		}
	}
	c = Other
	if decided >= 0 {
		c = r.anywhere[first].category
	}
	for i := 0; i < len(stack) && decided < 0; i++ {
		if stack[i].decides != pass {
			c, decided = stack[i].decides, i
		}
	}
	for _, v := range stack {
		if !v.passes {
			return c, v.name
		}
	}
	if len(stack) == 0 {
		return c, "(no stack)"
	}
	return c, stack[max(decided, 0)].name
}
