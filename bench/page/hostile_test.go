package page

import (
	"bytes"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// hostile is a text that tries to leave every place it may stand in.
const hostile = "</script><script>window.pwned=1</script>\"'`><img src=x onerror=window.pwned=1>{{.}}\x00\u2028\u202e${window.pwned=1} |\n# x"

// hostileSuites are suites that no measurement makes.
func hostileSuites() map[string]*bench.Suite {
	cyclic := &profiles.Frame{Name: "again", Nanos: 1000}
	cyclic.Children = []*profiles.Frame{cyclic, nil, cyclic}
	loop := fixture()
	loop.Sections[0].Profiles[0].Flame = cyclic
	return map[string]*bench.Suite{
		"nil": nil, "empty": {}, "empty sections": {Sections: make([]bench.Section, 3)},
		"texts": filled(func(v reflect.Value) {
			if v.Kind() == reflect.String {
				v.SetString(hostile)
			}
		}),
		"not a number": filled(floats(math.NaN())), "infinite": filled(floats(math.Inf(1))), "negative": filled(floats(-math.MaxFloat64)),
		"zero": filled(floats(0)), "huge": filled(floats(math.MaxFloat64)), "tiny": filled(floats(math.SmallestNonzeroFloat64)),
		"counts": filled(func(v reflect.Value) {
			switch {
			case v.CanInt():
				v.SetInt(math.MinInt64 >> (64 - v.Type().Bits()))
			case v.CanUint():
				v.SetUint(math.MaxUint64 >> (64 - v.Type().Bits()))
			}
		}),
		"cyclic": loop, "no pointers": filled(func(v reflect.Value) {
			if v.Kind() == reflect.Pointer {
				v.SetZero()
			}
		}),
	}
}

func floats(to float64) func(reflect.Value) {
	return func(v reflect.Value) {
		if v.CanFloat() {
			v.SetFloat(to)
		}
	}
}

// filled is the fixture after change was called with every value in it.
func filled(change func(reflect.Value)) *bench.Suite {
	s := fixture()
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		if !v.CanSet() {
			return
		}
		change(v)
		switch v.Kind() { //nolint:exhaustive // others hold nothing
		case reflect.Struct:
			for _, field := range v.Fields() {
				walk(field)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		}
	}
	walk(reflect.ValueOf(s).Elem())
	return s
}

func TestHostileSuites(t *testing.T) {
	want := tags(t, render(t, fixture()))
	for name, s := range hostileSuites() {
		t.Run(name, func(t *testing.T) {
			out := render(t, s)
			for tag := range tags(t, out) {
				if _, ours := want[tag]; !ours {
					t.Errorf("the page has an element %s", tag)
				}
			}
			for _, bad := range []string{"NaN", "Inf", "%!", "<no value>"} {
				if strings.Contains(visible(t, out), bad) {
					t.Errorf("the page says %q", bad)
				}
			}
			if err := WriteMarkdown(io.Discard, s); err != nil {
				t.Error(err)
			}
			if err := WriteBenchmark(io.Discard, s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHostileTextsAreKeptAsText(t *testing.T) {
	out := render(t, hostileSuites()["texts"])
	if n := strings.Count(out, "<script"); n != 2 {
		t.Errorf("%d script elements, want 2", n)
	}
	for _, bad := range []string{"<img", "onerror=window.pwned=1>", "\x00", "\u202e"} {
		if strings.Contains(out, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(visible(t, out), "<img src=x onerror=window.pwned=1>") {
		t.Error("the text itself is gone")
	}
}

func render(t *testing.T, s *bench.Suite) string {
	t.Helper()
	var out bytes.Buffer
	if err := WriteHTML(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// tags counts the elements of a page by name and the names of their attributes.
func tags(t *testing.T, text string) map[string]int {
	t.Helper()
	count := map[string]int{}
	eachNode(t, text, func(n *html.Node) {
		if n.Type == html.ElementNode {
			count[n.Data]++
			for _, a := range n.Attr {
				count[n.Data+" "+a.Key]++
			}
		}
	})
	return count
}

// visible returns the text of a page without styles and scripts.
func visible(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	eachNode(t, text, func(n *html.Node) {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			b.WriteString(n.Data + " ")
		}
	})
	return b.String()
}

func eachNode(t *testing.T, text string, visit func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		visit(n)
	}
}
