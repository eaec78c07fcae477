// Lines over a linear, logarithmic or percentile axis, and the heat map of latencies over time.
const scales = {
  linear: v => v,
  log: v => Math.log10(v),
  percentile: v => -Math.log10(1 - Math.min(v, 99.999999) / 100),
};
const percentiles = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999];

kinds.lines = (plot, alt, width, title) => {
  const marks = alt.marks || [], all = alt.series.flatMap(s => s.p);
  legend(plot, alt.series.map(s => [s.l + (s.dash ? " (rejected)" : ""), cssVar(s.c)]));
  const fx = scales[alt.x.s], xs = all.map(p => fx(p[0])).concat(marks.map(m => fx(m.v)));
  let x0 = Math.min(...xs), x1 = Math.max(...xs), y0 = Math.min(...all.map(p => p[1])), y1 = Math.max(...all.map(p => p[1]));
  if (x1 - x0 < 1e-9) { x0 -= 0.5; x1 += 0.5; }
  if (y1 / y0 < 4) { y0 /= 2; y1 *= 2; }
  y0 /= 1.15; y1 *= 1.15;
  const height = Math.max(260, Math.min(400, width * 0.48));
  const box = { left: 58, right: width - 22, top: 8 + marks.length * 17, bottom: height - 46 };
  const el = canvas(plot, width, height, title);
  const px = v => box.left + (fx(v) - x0) / (x1 - x0) * (box.right - box.left);
  const py = v => box.bottom - Math.log(v / y0) / Math.log(y1 / y0) * (box.bottom - box.top);
  let above = Infinity;
  for (const v of logTicks(y0, y1)) {
    const y = py(v);
    if (above - y < 17) continue;
    above = y;
    el.append(svg("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: "grid" }));
    el.append(svg("text", { x: box.left - 8, y: y + 4, class: "small", "text-anchor": "end" }, tickText(alt.unit, v)));
  }
  const ticks = alt.x.s === "percentile" ? percentiles.filter(p => fx(p) <= x1 + 0.02 && fx(p) >= x0 - 0.02)
    : alt.x.s === "log" ? logTicks(10 ** x0, 10 ** x1) : niceTicks(x0, x1, (box.right - box.left) / 90);
  for (const t of placed(ticks.map(v => ({ v, at: px(v), text: alt.x.u === "percentile" ? String(v) : tickText(alt.x.u, v) })), 10, width + 4)) {
    el.append(svg("line", { x1: t.at, x2: t.at, y1: box.top, y2: box.bottom, class: "grid" }));
    el.append(svg("text", { x: t.at, y: box.bottom + 18, class: "small", "text-anchor": "middle" }, t.text));
  }
  el.append(svg("text", { x: (box.left + box.right) / 2, y: height - 8, class: "small", "text-anchor": "middle" }, alt.x.l));
  marks.forEach((m, i) => {
    const x = px(m.v), y = 13 + i * 17, text = fit(m.l, width / 2, 12), end = x + 6 + textWidth(text, 12) > width;
    const line = svg("line", { x1: x, x2: x, y1: y - 9, y2: box.bottom, class: "ref" });
    line.style.stroke = cssVar(m.c);
    el.append(line, svg("text", { x: end ? x - 5 : x + 5, y, class: "small", "text-anchor": end ? "end" : "start" }, text));
  });
  for (const s of alt.series) {
    const d = s.p.map((p, i) => `${i ? "L" : "M"}${px(p[0]).toFixed(1)} ${py(p[1]).toFixed(1)}`).join("");
    el.append(svg("path", { d, class: "line", stroke: cssVar(s.c), "data-mark": "line", "stroke-dasharray": s.dash ? "6 4" : "none" }));
    if (s.p.length <= 24) for (const p of s.p) el.append(svg("circle", { cx: px(p[0]), cy: py(p[1]), r: 3.4, fill: cssVar(s.c) }));
  }
  const rule = svg("line", { y1: box.top, y2: box.bottom, class: "ref", visibility: "hidden" });
  const field = svg("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, fill: "transparent", "data-live": "" });
  el.append(rule, field);
  field.addEventListener("pointermove", e => {
    const x = e.clientX - el.getBoundingClientRect().left;
    const nearest = list => list.reduce((a, b) => Math.abs(px(b[0]) - x) < Math.abs(px(a[0]) - x) ? b : a);
    const at = nearest(all);
    rule.setAttribute("x1", px(at[0]));
    rule.setAttribute("x2", px(at[0]));
    rule.setAttribute("visibility", "visible");
    const head = units[alt.x.u](at[0]) + (alt.x.u === "amount" ? "/s" : "");
    showTip([head, ...alt.series.map(s => `${s.l}: ${units[alt.unit](nearest(s.p)[1])}`)].join("\n"), e.clientX, e.clientY);
  });
  field.addEventListener("pointerleave", () => { rule.setAttribute("visibility", "hidden"); tip.hidden = true; });
};

// columnsFor adds neighbours up until there are at most n columns.
function columnsFor(alt, n) {
  const per = Math.ceil(alt.columns.length / n), out = [];
  for (let i = 0; i < alt.columns.length; i += per) {
    const counts = [];
    for (const c of alt.columns.slice(i, i + per)) (c || []).forEach((v, k) => { counts[k] = (counts[k] || 0) + v; });
    out.push({ start: alt.starts[i], counts });
  }
  return out;
}

kinds.heat = (plot, alt, width, title) => {
  const cols = columnsFor(alt, Math.max(1, Math.floor((width - 80) / 5)));
  let lo = Infinity, hi = -1, most = 1;
  for (const c of cols) c.counts.forEach((v, k) => { if (v > 0) { lo = Math.min(lo, k); hi = Math.max(hi, k); most = Math.max(most, v); } });
  if (hi < 0) { plot.append(html("p", { className: "note" }, "No tuple was counted in this run.")); return; }
  hi += 1;
  const height = Math.max(170, Math.min(360, (hi - lo) * 16 + 60));
  const box = { left: 62, right: width - 14, top: 8, bottom: height - 46 };
  const el = canvas(plot, width, height, title);
  const first = cols[0].start, span = cols.length > 1 ? (cols[cols.length - 1].start - first) * cols.length / (cols.length - 1) : 1;
  const px = s => box.left + (s - first) / (span || 1) * (box.right - box.left);
  const py = k => box.bottom - (k - lo) / (hi - lo) * (box.bottom - box.top);
  const w = (box.right - box.left) / cols.length;
  cols.forEach((c, i) => c.counts.forEach((v, k) => {
    if (!(v > 0)) return;
    const strength = 12 + 88 * (most > 1 ? Math.log(v) / Math.log(most) : 1);
    el.append(svg("rect", { x: box.left + i * w, y: py(k + 1), width: Math.max(0.5, w - 0.6), height: Math.max(0.5, py(k) - py(k + 1) - 0.6),
      fill: `color-mix(in oklab, var(--heat-hi) ${strength.toFixed(0)}%, var(--heat-lo))`, "data-mark": "cell",
      "data-tip": `${significant(c.start)} s\n${units.micros(2 ** (k / 2))} to ${units.micros(2 ** ((k + 1) / 2))}\n${units.amount(v)} tuples` }));
  }));
  let above = Infinity;
  for (let k = lo; k <= hi; k++) {
    if (k % 2 || above - py(k) < 18) continue;
    above = py(k);
    el.append(svg("text", { x: box.left - 8, y: py(k) + 4, class: "small", "text-anchor": "end" }, tickText("micros", 2 ** (k / 2))));
  }
  for (const t of placed(niceTicks(first, first + span, (box.right - box.left) / 80).map(v => ({ v, at: px(v), text: String(v) })), 40, width + 4)) {
    el.append(svg("text", { x: t.at, y: box.bottom + 18, class: "small", "text-anchor": "middle" }, t.text));
  }
  el.append(svg("text", { x: (box.left + box.right) / 2, y: height - 8, class: "small", "text-anchor": "middle" }, fit(alt.x.l, box.right - box.left, 12)));
};
