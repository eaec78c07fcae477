package matrix

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ardea-stream/ardea/bench"
	"github.com/ardea-stream/ardea/internal/leaktest"
)

var update = flag.Bool("update", false, "rewrite the schema")

// schemaFile is for readers of suite.json; it is made from the types, with their comments.
const schemaFile = "../../docs/suite.schema.json"

func TestSchemaIsUpToDate(t *testing.T) {
	want, err := json.MarshalIndent(newSchema(t, false).of(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("%s is not what the types give: go test ./bench/matrix -update writes it anew", schemaFile)
	}
}

// TestSuitesFitTheSchema holds a real suite against a schema that allows no other fields.
func TestSuitesFitTheSchema(t *testing.T) {
	leaktest.Check(t)
	suite, err := Run(t.Context(), load(t, `
name: schema
defaults: {duration: 20ms, warm_up: 20ms, in_process: true, modes: [optimized]}
sections:
  - {name: words, title: Words, kind: throughput, words: 100, repeat: 2}
  - {name: acks, kind: throughput, words: 100, guarantees: [at-most-once, at-least-once], pending: 1000}
  - {name: pace, kind: latency, rates: [2000], repeat: 2, guarantee: at-least-once}
  - {name: curve, kind: curve, loads: [0.1], bounds: [50ms]}
`), Options{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	check := compile(t, newSchema(t, true).of())
	check(t, "a real suite", suite, true)
	check(t, "an empty suite", &bench.Suite{Schema: bench.SuiteSchema, Sections: []bench.Section{}}, true)
	check(t, "a report of one comparison", &bench.Report{}, false)
	suite.Sections[0].Kind = "speed"
	check(t, "an unknown kind", suite, false)
}

// TestSchemaOfUnmeasuredKinds fills every field of the types, whatever is measured.
func TestSchemaOfUnmeasuredKinds(t *testing.T) {
	suite := &bench.Suite{}
	fill(reflect.ValueOf(suite).Elem(), 0)
	suite.Schema = bench.SuiteSchema
	suite.Sections[0].Kind = bench.KindAblation
	compile(t, newSchema(t, true).of())(t, "a full suite", suite, true)
}

// fill sets everything to something, trees to a depth.
func fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1, 0).UTC()))
			return
		}
		for _, field := range v.Fields() {
			fill(field, depth+1)
		}
	case reflect.Pointer:
		if depth < 12 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if depth < 12 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), depth+1)
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Bool:
		v.SetBool(true)
	default: // texts may be one of a few: those that are empty are left out
	}
}

// compile returns what holds a value against a schema.
func compile(t *testing.T, schema any) func(t *testing.T, name string, value any, fits bool) {
	t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("suite.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("suite.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, name string, value any, fits bool) {
		t.Helper()
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(instance); (err == nil) != fits {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// schema makes a JSON Schema of Go types.
type schema struct {
	strict bool // no other fields
	defs   map[string]any
	docs   map[string]string   // by type, and by type and field
	values map[string][]string // of the constants of a type
}

// newSchema reads the comments and constants of the types.
func newSchema(t *testing.T, strict bool) *schema {
	t.Helper()
	s := &schema{strict: strict, defs: map[string]any{}, docs: map[string]string{}, values: map[string][]string{}}
	for _, folder := range []string{"..", "../../profiles"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			s.read(file)
		}
	}
	return s
}

func (s *schema) read(file *ast.File) {
	pkg := file.Name.Name + "."
	for _, decl := range file.Decls {
		d, is := decl.(*ast.GenDecl)
		if !is {
			continue
		}
		for _, spec := range d.Specs {
			switch x := spec.(type) {
			case *ast.TypeSpec:
				s.docs[pkg+x.Name.Name] = oneLine(d.Doc)
				if fields, is := x.Type.(*ast.StructType); is {
					for _, f := range fields.Fields.List {
						for _, name := range f.Names {
							s.docs[pkg+x.Name.Name+"."+name.Name] = oneLine(f.Doc, f.Comment)
						}
					}
				}
			case *ast.ValueSpec:
				if typ, is := x.Type.(*ast.Ident); is && d.Tok == token.CONST && len(x.Values) == 1 {
					if literal, is := x.Values[0].(*ast.BasicLit); is && literal.Kind == token.STRING {
						value, _ := strconv.Unquote(literal.Value)
						s.values[pkg+typ.Name] = append(s.values[pkg+typ.Name], value)
					}
				}
			}
		}
	}
}

// oneLine returns the first comment that there is.
func oneLine(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if g != nil {
			return strings.Join(strings.Fields(g.Text()), " ")
		}
	}
	return ""
}

// of returns the schema of a suite.
func (s *schema) of() map[string]any {
	root := s.value(reflect.TypeFor[bench.Suite]())
	s.defs["Suite"].(map[string]any)["properties"].(map[string]any)["schema"].(map[string]any)["const"] = bench.SuiteSchema
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Result of ardea bench run"
	root["$defs"] = s.defs
	return root
}

func (s *schema) value(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return s.value(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.value(t.Elem())}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return map[string]any{"type": "string", "format": "date-time"}
		}
		s.define(t)
		return map[string]any{"$ref": "#/$defs/" + nameOf(t)}
	case reflect.String:
		v := map[string]any{"type": "string"}
		if values := s.values[t.String()]; len(values) > 0 {
			v["enum"] = append([]string{""}, values...) // an unmeasured one is empty
		}
		return v
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	default:
		panic(fmt.Sprintf("say what %v is in a schema", t))
	}
}

// nameOf is a type's name, with its package if that is not bench.
func nameOf(t reflect.Type) string { return strings.TrimPrefix(t.String(), "bench.") }

// define adds the definition of a struct, once.
func (s *schema) define(t reflect.Type) {
	if _, done := s.defs[nameOf(t)]; done {
		return
	}
	properties, required := map[string]any{}, []string{}
	definition := map[string]any{"type": "object", "properties": properties}
	s.defs[nameOf(t)] = definition
	if doc := s.docs[t.String()]; doc != "" {
		definition["description"] = doc
	}
	s.fields(t, properties, &required)
	definition["required"] = required
	if s.strict {
		definition["additionalProperties"] = false
	}
}

// fields adds the fields of a struct and of those that it embeds.
func (s *schema) fields(t reflect.Type, properties map[string]any, required *[]string) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			s.fields(f.Type, properties, required)
			continue
		case name == "-" || !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		v := s.value(f.Type)
		if doc := s.docs[t.String()+"."+f.Name]; doc != "" {
			v["description"] = doc
		}
		if !strings.Contains(options, "omitempty") {
			*required = append(*required, name)
			if f.Type.Kind() == reflect.Slice {
				v["type"] = []string{"array", "null"}
			}
		}
		properties[name] = v
	}
}
