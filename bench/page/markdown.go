package page

import (
	"fmt"
	"io"
	"strings"

	"github.com/ardea-stream/ardea/bench"
)

// WriteMarkdown writes the same facts as WriteHTML, charts as tables. Tables
// that the page folds, and call paths, are left out. The error is that of w.
func WriteMarkdown(w io.Writer, s *bench.Suite) error {
	return newView(cleanSuite(s)).writeMarkdown(w)
}

func (v *view) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n\n", args...) }
	line("# %s", escaped(v.Title))
	if v.Subtitle != "" {
		line("%s", escaped(v.Subtitle))
	}
	if v.Partial != "" {
		line("> **Partial result.** The measurement ended early: %s", escaped(v.Partial))
	}
	for _, warning := range v.Warnings {
		line("> **Note.** %s", escaped(warning))
	}
	if v.Command != "" {
		line("%s", code(v.Command))
	}
	for _, f := range v.Findings {
		fmt.Fprintf(&b, "- **%s** %s: %s\n", escaped(f.Value), escaped(f.Label), escaped(f.Text))
	}
	b.WriteByte('\n')
	for _, f := range v.Facts {
		fmt.Fprintf(&b, "- %s: %s\n", f.Name, escaped(f.Text))
	}
	for i := range v.Sections {
		v.Sections[i].markdown(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("page: write: %w", err)
	}
	return nil
}

func (s *section) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n", escaped(s.Title))
	for _, text := range s.Lead {
		fmt.Fprintf(b, "\n%s\n", escaped(text))
	}
	if s.Error != "" {
		fmt.Fprintf(b, "\n> **This experiment failed.** %s\n", escaped(s.Error))
	}
	for i, step := range s.Steps {
		fmt.Fprintf(b, "\n%d. %s", i+1, escaped(step.Text))
		if step.Code != "" {
			b.WriteString(" " + code(step.Code))
		}
	}
	if len(s.Steps) > 0 {
		b.WriteByte('\n')
	}
	for i := range s.Blocks {
		s.Blocks[i].markdown(b)
	}
}

func (k *block) markdown(b *strings.Builder) {
	if k.Folded || k.Chart != nil && (k.Chart.Kind == "flame" || k.Chart.Kind == "heat") {
		return
	}
	if k.Heading != "" {
		fmt.Fprintf(b, "\n### %s\n", escaped(k.Heading))
	}
	for _, text := range k.Text {
		fmt.Fprintf(b, "\n%s\n", escaped(text))
	}
	if k.Chart != nil {
		fmt.Fprintf(b, "\n%s.\n", escaped(k.Chart.Title))
		k.Chart.Table.markdown(b)
	}
	if k.Table != nil {
		k.Table.markdown(b)
	}
}

func (t *table) markdown(b *strings.Builder) {
	b.WriteByte('\n')
	if len(t.Head) == 0 {
		for _, row := range t.Rows {
			b.WriteString("- " + escaped(strings.Join(row, " ")) + "\n")
		}
		return
	}
	line := func(cells []string) {
		b.WriteByte('|')
		for _, c := range cells {
			b.WriteString(" " + escaped(c) + " |")
		}
		b.WriteByte('\n')
	}
	line(t.Head)
	b.WriteByte('|')
	for i := range t.Head {
		if i < t.Left {
			b.WriteString("---|")
		} else {
			b.WriteString("---:|")
		}
	}
	b.WriteByte('\n')
	for _, row := range t.Rows {
		line(row)
	}
}

var markdownEscapes = strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "#", "\\#",
	"\r", " ", "\n", " ", "&", "&amp;")

// escaped keeps a text from being read as markup. It becomes one line.
func escaped(s string) string { return markdownEscapes.Replace(s) }

// code writes a text as it is typed, in as many ticks as it needs.
func code(s string) string {
	ticks := "`"
	for strings.Contains(s, ticks) {
		ticks += "`"
	}
	pad := ""
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		pad = " "
	}
	return ticks + pad + strings.ReplaceAll(s, "\n", " ") + pad + ticks
}
