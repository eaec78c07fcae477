package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"github.com/ardea-stream/ardea/bench"
)

//go:embed assets
var assets embed.FS

var pageTemplate = template.Must(template.New("page.html").ParseFS(assets, "assets/page.html"))

// document is what the template fills in. Style, Script and Charts are ours or
// were made by encoding/json, which leaves no character in them that ends a script.
type document struct {
	View   *view
	Style  template.CSS
	Script template.JS
	Charts template.JS
}

// WriteHTML writes s as one page that needs nothing else: no network, no other
// file. A nil or empty suite becomes a page that says little. The error is that of w.
func WriteHTML(w io.Writer, s *bench.Suite) error {
	return newView(cleanSuite(s)).writeHTML(w)
}

func (v *view) writeHTML(w io.Writer) error {
	d := document{View: v, Style: template.CSS(asset("style.css"))} //nolint:gosec // embedded
	for _, name := range []string{"core.js", "bars.js", "lines.js", "flame.js"} {
		d.Script += template.JS(asset(name))
	}
	charts := map[string]*chart{}
	for i := range v.Sections {
		for _, b := range v.Sections[i].Blocks {
			if b.Chart != nil {
				charts[b.Chart.ID] = b.Chart
			}
		}
	}
	data, err := json.Marshal(charts)
	if err != nil {
		return fmt.Errorf("page: charts: %w", err)
	}
	d.Charts = template.JS(data)
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, d); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("page: write: %w", err)
	}
	return nil
}

// asset returns an embedded file, which the build has put there.
func asset(name string) string {
	data, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err)
	}
	return string(data)
}
