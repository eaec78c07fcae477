package page

import (
	"math"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/profiles"
)

// Bounds of what a page shows. What is beyond comes from a damaged or hostile
// file, and is cut so that the rest stays readable.
const (
	maxNumber  = 1e15
	minNumber  = 1e-12 // what is less is zero
	maxText    = 2000  // runes of a string
	maxList    = 5000  // entries of a list
	maxFrames  = 6000  // of a call tree
	maxDepth   = 200   // of a call tree
	smallFrame = 2000  // frames below one part in so many of the whole are left out
)

var frameType = reflect.TypeFor[*profiles.Frame]()

// cleaned returns a copy of v that is safe to draw: numbers are finite, not
// negative and below maxNumber, strings are valid and printable, lists and call
// trees of bounded size. Zero keeps meaning "not known".
func cleaned[T any](v *T) *T {
	out := new(T)
	if v != nil {
		cleanInto(reflect.ValueOf(out).Elem(), reflect.ValueOf(v).Elem())
	}
	return out
}

// cleanInto copies the cleaned form of in to out, which has the same type.
func cleanInto(out, in reflect.Value) {
	if in.Type() == frameType {
		out.Set(reflect.ValueOf(cleanFrames(in.Interface().(*profiles.Frame))))
		return
	}
	switch in.Kind() {
	case reflect.Float32, reflect.Float64:
		out.SetFloat(cleanNumber(in.Float()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		out.SetInt(max(0, in.Int()))
	case reflect.String:
		out.SetString(cleanText(in.String()))
	case reflect.Struct:
		if in.Type().PkgPath() == "time" {
			out.Set(in)
			return
		}
		for i := range in.NumField() {
			if out.Field(i).CanSet() {
				cleanInto(out.Field(i), in.Field(i))
			}
		}
	case reflect.Slice:
		n := min(in.Len(), maxList)
		out.Set(reflect.MakeSlice(in.Type(), n, n))
		for i := range n {
			cleanInto(out.Index(i), in.Index(i))
		}
	case reflect.Pointer:
		if !in.IsNil() {
			out.Set(reflect.New(in.Type().Elem()))
			cleanInto(out.Elem(), in.Elem())
		}
	default:
		out.Set(in)
	}
}

func cleanNumber(v float64) float64 {
	if math.IsNaN(v) || v < minNumber {
		return 0
	}
	return min(v, maxNumber)
}

// cleanText makes s valid, cuts it, and replaces what does not print or turns
// the direction of writing.
func cleanText(s string) string {
	if utf8.RuneCountInString(s) > maxText {
		s = string([]rune(s)[:maxText]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// cleanFrames copies a call tree without what is too small to see.
func cleanFrames(root *profiles.Frame) *profiles.Frame {
	if root == nil || root.Nanos <= 0 {
		return nil
	}
	left := maxFrames
	return copyFrames(root, root.Nanos/smallFrame, maxDepth, &left)
}

func copyFrames(f *profiles.Frame, least int64, depth int, left *int) *profiles.Frame {
	*left--
	out := &profiles.Frame{Name: cleanText(f.Name), Category: profiles.Category(cleanText(string(f.Category))), Nanos: f.Nanos}
	room := f.Nanos // children together cannot take more than their parent
	for _, k := range f.Children {
		if k == nil || k.Nanos <= 0 || k.Nanos < least || depth == 0 || *left <= 0 {
			continue
		}
		child := copyFrames(k, least, depth-1, left)
		if child.Nanos = min(child.Nanos, room); child.Nanos <= 0 {
			break
		}
		room -= child.Nanos
		out.Children = append(out.Children, child)
	}
	return out
}

// cleanSuite is cleaned for suites; a nil one is empty.
func cleanSuite(s *bench.Suite) *bench.Suite { return cleaned(s) }
