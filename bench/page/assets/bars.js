// Bars, stacked bars and intervals: rows with a label to the left, or above where there is little room.
function rowLayout(width, rows, top) {
  const narrow = width < 560;
  const widest = Math.max(...rows.map(r => Math.max(textWidth(r.l, 13, 600), textWidth(r.n || "", 12))), 40);
  const left = narrow ? 0 : Math.min(widest + 14, width * 0.3);
  const right = Math.max(...rows.map(r => textWidth(r.t, 13, 600)), 30) + 12;
  const step = narrow ? 52 : 42;
  return { narrow, left, right, step, top, inner: Math.max(40, width - left - right), bottom: top + rows.length * step };
}

function rowLabel(el, r, y, l) {
  const room = l.narrow ? l.left + l.inner + l.right : l.left - 12;
  if (l.narrow) {
    const name = fit(r.l, room * (r.n ? 0.6 : 1), 13, 600);
    el.append(svg("text", { x: 0, y: y + 15, class: "strong" }, name));
    if (r.n) {
      const at = textWidth(name, 13, 600) + 10;
      el.append(svg("text", { x: at, y: y + 15, class: "small" }, fit(r.n, room - at, 12)));
    }
    return y + 21;
  }
  const note = r.n ? fit(r.n, room, 12) : "";
  el.append(svg("text", { x: 0, y: y + (note ? 17 : 25), class: "strong" }, fit(r.l, room, 13, 600)));
  if (note) el.append(svg("text", { x: 0, y: y + 33, class: "small" }, note));
  return y + 9;
}

function rowAxis(el, ticks, l, unit, pos) {
  const label = v => {
    const text = tickText(unit, v);
    return { text, line: pos(v), at: Math.max(pos(v), textWidth(text, 12) / 2) };
  };
  for (const t of placed(ticks.map(label), l.left - 14, l.left + l.inner + l.right)) {
    el.append(svg("line", { x1: t.line, x2: t.line, y1: l.top, y2: l.bottom, class: "grid" }));
    el.append(svg("text", { x: t.at, y: l.bottom + 18, class: "small", "text-anchor": "middle" }, t.text));
  }
}

function refLine(el, mark, l, at, width) {
  el.append(svg("line", { x1: at, x2: at, y1: l.top - 4, y2: l.bottom, class: "ref" }));
  const text = fit(mark.l, width, 12), half = textWidth(text, 12) / 2;
  el.append(svg("text", { x: Math.max(half, Math.min(at, width - half)), y: l.top - 8, class: "small", "text-anchor": "middle" }, text));
}

function rowTip(r, unit) {
  let s = `${r.l}: ${r.t}`;
  if (r.lo || r.hi) s += `\n95 % interval ${units[unit](r.lo || 0)} to ${units[unit](r.hi || 0)}`;
  if (r.d) s += `\nruns: ${r.d.map(v => units[unit](v)).join(", ")}`;
  return s;
}

kinds.bars = (plot, alt, width, title) => {
  const rows = alt.rows, marks = alt.marks || [], l = rowLayout(width, rows, marks.length ? 22 : 4);
  const end = r => Math.max(r.v, r.hi || 0, ...(r.d || []));
  const hi = Math.max(...rows.map(end), ...marks.map(m => m.v)) || 1;
  const el = canvas(plot, width, l.bottom + 26, title), pos = v => l.left + v / hi * l.inner;
  rowAxis(el, niceTicks(0, hi, l.inner / 100), l, alt.unit, pos);
  marks.forEach(m => refLine(el, m, l, pos(m.v), width));
  rows.forEach((r, i) => {
    const y = rowLabel(el, r, l.top + i * l.step, l), mid = y + 12;
    el.append(svg("rect", { x: l.left, y, width: Math.max(1, pos(r.v) - l.left), height: 24, rx: 3, fill: cssVar(r.c), "data-mark": "bar" }));
    for (const v of r.d || []) el.append(svg("circle", { cx: pos(v), cy: mid, r: 2.6, class: "dot" }));
    if (r.hi) {
      const a = pos(r.lo || 0), b = pos(r.hi);
      el.append(svg("path", { d: `M${a} ${mid - 5}V${mid + 5}M${a} ${mid}H${b}M${b} ${mid - 5}V${mid + 5}`, class: "whisker" }));
    }
    el.append(svg("text", { x: pos(end(r)) + 8, y: mid + 5, class: "strong" }, r.t));
    el.append(svg("rect", { x: 0, y: l.top + i * l.step, width, height: l.step, fill: "transparent", "data-tip": rowTip(r, alt.unit) }));
  });
};

kinds.stack = (plot, alt, width, title) => {
  const rows = alt.rows, seen = new Map();
  for (const r of rows) for (const p of r.p || []) if (!seen.has(p.c)) seen.set(p.c, p.l);
  const order = (a, b) => a[0].localeCompare(b[0], "en", { numeric: true });
  legend(plot, [...seen].sort(order).map(([c, label]) => [label, cssVar(c)]));
  const l = rowLayout(width, rows, 4);
  const sum = r => (r.p || []).reduce((s, p) => s + p.v, 0);
  const hi = Math.max(...rows.map(r => Math.max(r.v, sum(r)))) || 1;
  const el = canvas(plot, width, l.bottom + 26, title), pos = v => l.left + v / hi * l.inner;
  rowAxis(el, niceTicks(0, hi, l.inner / 90), l, alt.unit, pos);
  rows.forEach((r, i) => {
    const y = rowLabel(el, r, l.top + i * l.step, l);
    let from = 0;
    for (const p of r.p || []) {
      const x = pos(from), w = pos(from + p.v) - x;
      from += p.v;
      el.append(svg("rect", { x, y, width: Math.max(0.3, w - (w > 3 ? 1 : 0)), height: 26, rx: w > 6 ? 2 : 0, fill: cssVar(p.c),
        "data-mark": "part", "data-tip": `${r.l}\n${p.l}: ${p.t}` }));
      const text = [`${p.l} ${p.t}`, p.t].find(t => textWidth(t, 12) + 8 < w);
      if (text) el.append(svg("text", { x: x + w / 2, y: y + 17, class: "on", "text-anchor": "middle" }, text));
    }
    el.append(svg("text", { x: pos(from) + 8, y: y + 18, class: "strong" }, r.t));
  });
};

kinds.forest = (plot, alt, width, title) => {
  const rows = alt.rows, l = rowLayout(width, rows, 22);
  const lo = Math.min(1, ...rows.map(r => r.lo)) * 0.97, hi = Math.max(1, ...rows.map(r => r.hi)) * 1.03;
  const el = canvas(plot, width, l.bottom + 26, title);
  const pos = v => l.left + Math.log(v / lo) / Math.log(hi / lo) * l.inner;
  rowAxis(el, hi / lo < 4 ? niceTicks(lo, hi, l.inner / 90).filter(v => v > 0) : logTicks(lo, hi), l, alt.unit, pos);
  (alt.marks || []).forEach(m => refLine(el, m, l, pos(m.v), width));
  rows.forEach((r, i) => {
    const mid = rowLabel(el, r, l.top + i * l.step, l) + 12, color = cssVar(r.c);
    el.append(svg("line", { x1: pos(r.lo), x2: pos(r.hi), y1: mid, y2: mid, stroke: color, "stroke-width": 5, "stroke-linecap": "round" }));
    el.append(svg("circle", { cx: pos(r.v), cy: mid, r: 6, fill: color, "data-mark": "effect" }));
    el.append(svg("text", { x: pos(r.hi) + 12, y: mid + 5, class: "strong" }, r.t));
    el.append(svg("rect", { x: 0, y: l.top + i * l.step, width, height: l.step, fill: "transparent", "data-tip": rowTip(r, alt.unit) }));
  });
};
