package matrix

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// YAML's tags of scalars.
const (
	tagString = "!!str"
	tagInt    = "!!int"
	tagFloat  = "!!float"
	tagBool   = "!!bool"
	tagNull   = "!!null"
)

// resolve follows an alias to what it stands for. An alias of an alias cannot be written.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// describe says what a node is, for a reader of the file.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.ShortTag() == tagNull {
			return "nothing"
		}
		return shorten(n.Value)
	default:
		return "something else"
	}
}

const mostShown = 60

// shorten quotes a text that may be long.
func shorten(s string) string {
	if len(s) > mostShown {
		s = strings.ToValidUTF8(s[:mostShown], "") + "..."
	}
	return strconv.Quote(s)
}

// pair is a field of a mapping.
type pair struct {
	name  string
	line  int
	value *yaml.Node
}

// mapping returns the fields of a mapping in their order; those that are there twice once.
func (f *faults) mapping(n *yaml.Node, what string) []pair {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		f.add(n.Line, "%s is %s: write fields, each as name: value", what, describe(n))
		return nil
	}
	var pairs []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		if key.Kind != yaml.ScalarNode {
			f.add(key.Line, "the name of a field of %s is %s: use a word", what, describe(key))
			continue
		}
		if at := slices.IndexFunc(pairs, func(p pair) bool { return p.name == key.Value }); at >= 0 {
			f.add(key.Line, "field %s of %s is already on line %d: leave one out", key.Value, what, pairs[at].line)
			continue
		}
		pairs = append(pairs, pair{name: key.Value, line: key.Line, value: value})
	}
	return pairs
}

// list returns the entries of a list that must not be empty.
func (f *faults) list(p pair, what string) []*yaml.Node {
	if p.value.Kind != yaml.SequenceNode {
		f.add(p.line, "%s is %s: write a list, such as %s", p.name, describe(p.value), what)
		return nil
	}
	if len(p.value.Content) == 0 {
		f.add(p.line, "%s is empty: name at least one, or leave the field out", p.name)
	}
	nodes := make([]*yaml.Node, len(p.value.Content))
	for i, n := range p.value.Content {
		nodes[i] = resolve(n)
	}
	return nodes
}

func isScalar(n *yaml.Node, tags ...string) bool {
	return n.Kind == yaml.ScalarNode && slices.Contains(tags, n.ShortTag())
}

// text reads a string that is not empty.
func (f *faults) text(p pair) string {
	if !isScalar(p.value, tagString) || p.value.Value == "" {
		f.add(p.line, "%s is %s: write a text", p.name, describe(p.value))
		return ""
	}
	return p.value.Value
}

// texts reads a list of different strings.
func (f *faults) texts(p pair, example string) []string {
	var all []string
	for _, n := range f.list(p, example) {
		switch {
		case !isScalar(n, tagString) || n.Value == "":
			f.add(n.Line, "%s holds %s: write names", p.name, describe(n))
		case slices.Contains(all, n.Value):
			f.add(n.Line, "%s holds %s twice: leave one out", p.name, n.Value)
		default:
			all = append(all, n.Value)
		}
	}
	return all
}

// boolean reads true or false.
func (f *faults) boolean(p pair) bool {
	var b bool
	if !isScalar(p.value, tagBool) || p.value.Decode(&b) != nil {
		f.add(p.line, "%s is %s: write true or false", p.name, describe(p.value))
	}
	return b
}

// integer reads a number from least to most, and returns least if it is none.
func (f *faults) integer(p pair, least, most int) int {
	var n int
	if !isScalar(p.value, tagInt) || p.value.Decode(&n) != nil {
		f.add(p.line, "%s is %s: write a whole number from %d to %d", p.name, describe(p.value), least, most)
		return least
	}
	if n < least || n > most {
		f.add(p.line, "%s is %d: allowed are %d to %d", p.name, n, least, most)
		return least
	}
	return n
}

// number reads a number from least to most, and returns least if it is none.
func (f *faults) number(p pair, least, most float64) float64 {
	var n float64
	switch {
	case !isScalar(p.value, tagInt, tagFloat) || p.value.Decode(&n) != nil:
		f.add(p.line, "%s is %s: write a number from %v to %v", p.name, describe(p.value), least, most)
	case !(n >= least && n <= most): // so that NaN is refused
		f.add(p.line, "%s is %s: allowed are %v to %v", p.name, p.value.Value, least, most)
	default:
		return n
	}
	return least
}

// numbers reads a list of rising numbers from least to most.
func (f *faults) numbers(p pair, least, most float64, example string) []float64 {
	var all []float64
	for _, node := range f.list(p, example) {
		var n float64
		switch {
		case !isScalar(node, tagInt, tagFloat) || node.Decode(&n) != nil:
			f.add(node.Line, "%s holds %s: write numbers, such as %s", p.name, describe(node), example)
		case !(n >= least && n <= most): // so that NaN is refused
			f.add(node.Line, "%s holds %s: allowed are %v to %s", p.name, node.Value, least, strconv.FormatFloat(most, 'f', -1, 64))
		case len(all) > 0 && n <= all[len(all)-1]:
			f.add(node.Line, "%s holds %s after %v: write them rising", p.name, node.Value, all[len(all)-1])
		default:
			all = append(all, n)
		}
	}
	return all
}

// duration reads a time such as 2s from least to most, and returns least if it is none.
func (f *faults) duration(p pair, n *yaml.Node, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(n.Value)
	if !isScalar(n, tagString) || err != nil {
		f.add(p.line, "%s is %s: write a time with its unit, such as 2s or 500ms", p.name, describe(n))
		return least
	}
	if d < least || d > most {
		f.add(p.line, "%s is %v: allowed are %v to %v", p.name, d, least, most)
		return least
	}
	return d
}

// durations reads a list of times.
func (f *faults) durations(p pair, least, most time.Duration, example string) []time.Duration {
	var all []time.Duration
	for _, n := range f.list(p, example) {
		all = append(all, f.duration(p, n, least, most))
	}
	return all
}
