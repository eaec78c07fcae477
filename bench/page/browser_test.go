package page

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/ardea-stream/ardea/bench"
)

// browser is a headless Chromium with one page at a time.
type browser struct {
	ctx context.Context

	mu       sync.Mutex
	faults   []string // what the console and the runtime complained about
	requests []string // addresses that the page asked for, itself excepted
}

// findBrowser returns the path of a Chromium. Without one the test is skipped,
// unless CI is set: there a missing browser is a failure.
func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const message = "no Chromium: install the package chromium to look at the report's page"
	if os.Getenv("CI") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(findBrowser(t)), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancelAllocator)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	b := &browser{ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return b
}

// hear notes what a page must not do.
func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.faults = append(b.faults, "console."+string(e.Type))
	case *log.EventEntryAdded:
		b.faults = append(b.faults, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if address := e.Request.URL; !strings.HasPrefix(address, "file:") && !strings.HasPrefix(address, "data:") && address != "about:blank" {
			b.requests = append(b.requests, address)
		}
	}
}

// open shows a page in a window of a width, in a theme.
func (b *browser) open(t *testing.T, file string, width int64, theme string) {
	t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900),
		chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()), chromedp.WaitReady(chromedp.CSS(`html[data-ready="yes"]`)))
	if err != nil {
		t.Fatalf("open the page: %v", err)
	}
}

// eval runs a script that gives JSON.
func (b *browser) eval(t *testing.T, script string, into any) {
	t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("JSON.stringify("+script+")"))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %q: %v", script, text, err)
	}
}

// checkQuiet fails if the page complained or asked for anything.
func (b *browser) checkQuiet(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.faults) > 0 || len(b.requests) > 0 {
		t.Errorf("console and exceptions %q, requests %q", b.faults, b.requests)
	}
	b.faults, b.requests = nil, nil
}

// keepPicture saves what the whole page looks like in the folder of the environment variable, if it is set.
func (b *browser) keepPicture(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("ARDEA_PAGE_PICTURES")
	if folder == "" {
		return
	}
	beyond := true
	picture, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
	if err := errors.Join(err, os.WriteFile(filepath.Join(folder, name+".png"), picture.Data, 0o600)); err != nil {
		t.Error(err)
	}
}

func writePage(t *testing.T, s *bench.Suite) string {
	t.Helper()
	return save(t, []byte(render(t, s)))
}

// save writes a page to a file of its own.
func save(t *testing.T, page []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What a page must be like; each script gives a list of faults.
const (
	undrawnCharts = `[...document.querySelectorAll("figure.chart")].filter(f => {
		const marks = [...f.querySelectorAll("[data-mark]")];
		return !f.dataset.drawn || marks.length === 0 || !marks.some(m => m.getBoundingClientRect().width > 0);
	}).map(f => f.dataset.chart + " " + f.dataset.kind)`

	smallText = `[...document.querySelectorAll("body *")].filter(e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
		.filter(e => parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.tagName + " " + e.textContent.slice(0, 40))`

	overflow = `document.documentElement.scrollWidth > innerWidth ?
		[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map(e => e.tagName + "." + e.className) : []`

	overlappingText = `[...document.querySelectorAll(".plot svg")].flatMap(s => {
		const all = [...s.querySelectorAll("text")].filter(e => e.textContent).map(e => [e.textContent, e.getBoundingClientRect()]), edge = s.getBoundingClientRect(), bad = [];
		all.forEach(([t, a], i) => {
			if (a.left < edge.left - 3 || a.right > edge.right + 3) bad.push("outside: " + t);
			all.slice(i + 1).forEach(([u, b]) => {
				if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3) bad.push(t + " / " + u);
			});
		});
		return bad;
	})`

	badNumbers = `["NaN", "undefined", "Infinity", "[object"].filter(w => document.body.innerText.includes(w) ||
		[...document.querySelectorAll("svg *")].some(e => [...e.attributes].some(a => a.value.includes(w))))`

	weakContrast = `(() => {
		const pen = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
		const rgb = c => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = c; pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data]; };
		const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
		const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c; } return [255, 255, 255]; };
		return [...document.querySelectorAll("main *, header *, nav *, footer *")].filter(e => e.checkVisibility() && !e.closest(".flame .up, .flame .miss, svg")
			&& [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).filter(e => {
			const a = light(rgb(getComputedStyle(e).color)), b = light(ground(e));
			return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
		}).map(e => e.tagName + "." + e.className + " " + e.textContent.slice(0, 30)).slice(0, 8);
	})()`
)

// pageRules are the scripts by what they find.
var pageRules = map[string]string{
	"charts that are not drawn": undrawnCharts, "text under 12 px": smallText, "wider than the window": overflow,
	"text over text": overlappingText, "no numbers": badNumbers, "contrast under 4.5": weakContrast,
}

func TestPageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	s := fixture()
	s.Partial = "interrupted after 4 of 9 sections"
	b, file := startBrowser(t), writePage(t, s)
	for _, width := range []int64{1280, 390} {
		for _, theme := range []string{"light", "dark"} {
			name := map[int64]string{1280: "wide-", 390: "narrow-"}[width] + theme
			t.Run(name, func(t *testing.T) {
				b.open(t, file, width, theme)
				b.keepPicture(t, name)
				for what, script := range pageRules {
					var faults []string
					if b.eval(t, script, &faults); len(faults) > 0 {
						t.Errorf("%s: %q", what, faults)
					}
				}
				b.checkQuiet(t)
			})
		}
	}
	t.Run("marks", func(t *testing.T) { checkMarks(t, b, s) })
	t.Run("flame graph", func(t *testing.T) { checkFlame(t, b) })
	t.Run("alternatives", func(t *testing.T) { checkAlternatives(t, b) })
	t.Run("print", func(t *testing.T) { checkPrint(t, b) })
	t.Run("theme", func(t *testing.T) { checkTheme(t, b) })
	b.checkQuiet(t)
}

// checkMarks compares what is drawn with what was given.
func checkMarks(t *testing.T, b *browser, s *bench.Suite) {
	t.Helper()
	for i, want := range []struct {
		kind, mark string
		n          int
	}{
		{"bars", "bar", len(s.Sections[0].Summaries)},
		{"lines", "line", 2},
		{"lines", "line", len(s.Sections[2].Curves)},
		{"forest", "effect", len(s.Sections[3].Ablation.Effects)},
	} {
		var counts []int
		b.eval(t, `[...document.querySelectorAll("figure[data-kind=`+want.kind+`]")].map(f => f.querySelectorAll("[data-mark=`+want.mark+`]").length)`, &counts)
		at := 0
		if i == 2 {
			at = 1
		}
		if len(counts) <= at || counts[at] != want.n {
			t.Errorf("%s have %v marks, want %d", want.kind, counts, want.n)
		}
	}
}

// checkFlame zooms by click and keyboard, and searches.
func checkFlame(t *testing.T, b *browser) {
	t.Helper()
	const frame = `document.querySelector("figure[data-kind=flame] .flame")`
	var before, after, reset, down, hits int
	b.eval(t, frame+`.children.length`, &before)
	b.eval(t, `(() => { const f = [...`+frame+`.children].find(e => e.textContent === "dataplane.(*loop).decode"); f.click();
		return Math.round([...`+frame+`.children].find(e => e.textContent === "dataplane.(*loop).decode").offsetWidth / `+frame+`.offsetWidth * 100); })()`, &after)
	b.eval(t, `(`+frame+`.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"})), `+frame+`.children.length)`, &reset)
	b.eval(t, `(`+frame+`.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown"})), +document.activeElement.getAttribute("aria-level"))`, &down)
	b.eval(t, `(() => { const i = document.querySelector("figure[data-kind=flame] input"); i.value = "memmove"; i.dispatchEvent(new Event("input"));
		return document.querySelectorAll("figure[data-kind=flame] .hit").length; })()`, &hits)
	if before < 20 || after != 100 || reset != before || down != 2 || hits == 0 {
		t.Errorf("%d frames, zoomed to %d %% of the width, %d after Escape, level %d after the arrow, %d found", before, after, reset, down, hits)
	}
}

// checkAlternatives draws every alternative of every chart.
func checkAlternatives(t *testing.T, b *browser) {
	t.Helper()
	var empty []string
	b.eval(t, `[...document.querySelectorAll("figure.chart select")].flatMap(s => [...s.options].map(o => {
		s.value = o.value; s.dispatchEvent(new Event("change"));
		return s.closest("figure").querySelector("[data-mark]") ? "" : o.textContent; }).filter(x => x))`, &empty)
	if len(empty) > 0 {
		t.Errorf("nothing is drawn for %q", empty)
	}
}

// checkPrint looks at the page as it is printed: without controls, on white, nothing cut.
func checkPrint(t *testing.T, b *browser) {
	t.Helper()
	media := func(name string) {
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name}); err != nil {
			t.Fatal(err)
		}
	}
	media("print")
	defer media("")
	b.keepPicture(t, "print")
	var controls int
	var faults []string
	b.eval(t, `[...document.querySelectorAll(".controls, .top, nav")].filter(e => e.checkVisibility()).length`, &controls)
	if b.eval(t, undrawnCharts, &faults); controls > 0 || len(faults) > 0 {
		t.Errorf("%d controls are printed, charts are not: %q", controls, faults)
	}
}

func checkTheme(t *testing.T, b *browser) {
	t.Helper()
	var colors []string
	b.eval(t, `[1, 2, 3].map(() => { document.getElementById("theme").click(); return getComputedStyle(document.body).backgroundColor; })`, &colors)
	if len(colors) != 3 || colors[0] == colors[1] {
		t.Errorf("light, dark and the system's theme have the grounds %q", colors)
	}
}

// TestHostilePageInBrowser shows that what does not belong in a suite neither runs nor breaks the page.
func TestHostilePageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	b := startBrowser(t)
	for name, s := range hostileSuites() {
		t.Run(name, func(t *testing.T) {
			b.open(t, writePage(t, s), 390, "light")
			var faults []string
			for _, script := range []string{badNumbers, overflow, `window.pwned ? ["script ran"] : []`} {
				if b.eval(t, script, &faults); len(faults) > 0 {
					t.Errorf("%q", faults)
				}
			}
			b.checkQuiet(t)
		})
	}
}
