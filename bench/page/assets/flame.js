// Flame graphs grow downwards from the root. Frames are positioned boxes, so that the browser cuts their text.
const rowHeight = 21;

// changeColor tells by how much of its larger side a frame came or went.
function changeColor(n, after) {
  const larger = after ? Math.max(n.v, n.v - (n.d || 0)) : Math.max(n.v, n.v + (n.d || 0));
  const part = Math.max(-1, Math.min(1, (n.d || 0) / (larger || 1)));
  return `color-mix(in oklab, var(--${part > 0 ? "more" : "less"}) ${Math.round(Math.abs(part) * 100)}%, var(--same))`;
}

// shortName leaves out the folders of a function's package.
const shortName = name => name.replace(/^[^[(]*\//, "");

function frameText(n, root, alt) {
  const of = v => alt.scale ? units.nanos(v / root.v * alt.scale) + " a tuple" : units.share(v / root.v);
  let s = `${n.n}\n${of(n.v)}${alt.scale ? ", " + units.share(n.v / root.v) : ""}`;
  if (alt.diff) s += `\nchange: ${(n.d || 0) < 0 ? "−" : "+"}${of(Math.abs(n.d || 0))}`;
  return s;
}

kinds.flame = (plot, alt, width, title) => {
  const root = alt.root, parents = new Map();
  const link = n => (n.k || []).forEach(k => { parents.set(k, n); link(k); });
  link(root);
  let focus = root, current = root, wanted = "", boxes = new Map();
  const search = html("input", { type: "search", placeholder: "Search functions", ariaLabel: "Search functions" });
  const reset = html("button", { type: "button", disabled: true }, "Whole graph"), found = html("output");
  const stage = html("div", { className: "flame", role: "tree", ariaLabel: title });
  const now = html("p", { className: "frame-now" });
  plot.append(html("div", { className: "controls" }, search, reset, found));
  if (alt.diff) legend(plot, [["costs less than before", "var(--less)"], ["unchanged", "var(--same)"], ["costs more", "var(--more)"]]);
  plot.append(stage, now);

  const matches = n => wanted !== "" && n.n.toLowerCase().includes(wanted);
  const matched = n => matches(n) ? n.v : (n.k || []).reduce((s, k) => s + matched(k), 0);
  const say = n => { now.textContent = frameText(n, root, alt).replaceAll("\n", " · "); };

  function add(n, x, w, depth, up) {
    const text = frameText(n, root, alt);
    const box = html("div", { role: "treeitem", tabIndex: n === current ? 0 : -1, ariaLabel: text.replaceAll("\n", ", "), ariaLevel: String(depth + 1) }, w > 34 ? shortName(n.n) : "");
    box.dataset.tip = text;
    box.dataset.mark = "frame";
    Object.assign(box.style, { left: x + "px", width: w + "px", top: depth * rowHeight + "px", background: alt.diff ? changeColor(n, alt.after) : cssVar(n.c) });
    box.classList.toggle("up", up);
    box.classList.toggle("thin", w <= 34);
    if (wanted) box.classList.add(matches(n) ? "hit" : "miss");
    box.addEventListener("click", () => zoom(n));
    boxes.set(n, box);
    stage.append(box);
  }

  function draw() {
    stage.replaceChildren();
    boxes = new Map();
    const path = [];
    for (let n = parents.get(focus); n; n = parents.get(n)) path.unshift(n);
    path.forEach((n, depth) => add(n, 0, width, depth, true));
    let deepest = path.length;
    const layOut = (n, x, depth) => {
      const w = n.v / focus.v * width;
      if (w < 1.2) return;
      deepest = Math.max(deepest, depth);
      add(n, x, w, depth, false);
      for (const k of n.k || []) { layOut(k, x, depth + 1); x += k.v / focus.v * width; }
    };
    layOut(focus, 0, path.length);
    stage.style.height = (deepest + 1) * rowHeight + "px";
    reset.disabled = focus === root;
    found.textContent = wanted ? units.share(matched(root) / root.v) + " of the time matches" : "";
    say(focus);
  }

  function zoom(n) {
    focus = current = n;
    draw();
    boxes.get(n)?.focus({ preventScroll: true });
  }

  function go(n) {
    if (!n || !boxes.has(n)) return;
    if (boxes.has(current)) boxes.get(current).tabIndex = -1;
    current = n;
    boxes.get(n).tabIndex = 0;
    boxes.get(n).focus();
    say(n);
  }

  stage.addEventListener("keydown", e => {
    const siblings = parents.get(current)?.k || [root], i = siblings.indexOf(current);
    const step = { ArrowUp: parents.get(current), ArrowDown: (current.k || [])[0], ArrowLeft: siblings[i - 1], ArrowRight: siblings[i + 1] };
    if (e.key in step) go(step[e.key]);
    else if (e.key === "Enter" || e.key === " ") zoom(current);
    else if (e.key === "Escape") zoom(root);
    else return;
    e.preventDefault();
  });
  search.addEventListener("input", () => { wanted = search.value.trim().toLowerCase(); draw(); });
  reset.addEventListener("click", () => zoom(root));
  draw();
};

start();
