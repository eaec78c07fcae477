"use strict";
// Charts register how a kind is drawn; each is drawn into the width it has, so that text keeps its size.
const charts = JSON.parse(document.getElementById("data").textContent);
const kinds = {};

function significant(v) {
  if (v === 0) return "0";
  if (v < 0.001) return v.toPrecision(2);
  if (v < 0.9995) return String(+v.toFixed(3));
  if (v < 9.995) return v.toFixed(2);
  if (v < 99.95) return v.toFixed(1);
  return v.toFixed(0);
}

function scaled(v, steps) {
  let i = 0;
  while (i < steps.length - 1 && v >= 999.5) { v /= 1000; i++; }
  return significant(v) + steps[i];
}

const units = {
  plain: significant,
  amount: v => scaled(v, ["", " k", " M", " G", " T"]),
  micros: v => v > 0 && v < 1 ? significant(v * 1000) + " ns" : scaled(v, [" µs", " ms", " s"]),
  nanos: v => v < 99950 ? significant(v) + " ns" : units.micros(v / 1000),
  share: v => significant(v * 100) + " %",
  times: v => significant(v) + "×",
  percentile: v => +v.toPrecision(7) + " %",
};

// tickText drops the zeros that significant leaves, since ticks are round.
const tickText = (unit, v) => units[unit](v).replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");

const pen = document.createElement("canvas").getContext("2d");
function textWidth(text, size = 13, weight = 400) {
  pen.font = `${weight} ${size}px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif`;
  return pen.measureText(text).width * 1.04;
}

// fit cuts text to a width.
function fit(text, width, size, weight) {
  if (textWidth(text, size, weight) <= width) return text;
  let n = Math.min(text.length, Math.ceil(width / 3));
  while (n > 0 && textWidth(text.slice(0, n) + "…", size, weight) > width) n--;
  return n > 0 ? text.slice(0, n) + "…" : "";
}

function svg(tag, attrs = {}, text) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attrs)) {
    if (k === "fill" || k === "stroke") el.style[k] = v; else el.setAttribute(k, v);
  }
  if (text !== undefined) el.textContent = text;
  return el;
}

function html(tag, props = {}, ...children) {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) {
    if (k in el) el[k] = v; else el.setAttribute(k, v);
  }
  el.append(...children);
  return el;
}

function canvas(plot, width, height, label) {
  const el = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  plot.append(el);
  return el;
}

const cssVar = name => /^--[a-z0-9-]+$/.test(name || "") ? `var(${name})` : "var(--limit)";

function legend(plot, entries) {
  const list = html("ul", { className: "legend" });
  for (const [label, color] of entries) {
    const swatch = html("i");
    swatch.style.background = color;
    list.append(html("li", {}, swatch, label));
  }
  plot.append(list);
}

// niceTicks returns about n round numbers from lo to hi.
function niceTicks(lo, hi, n) {
  if (!(hi > lo)) return [lo];
  const raw = (hi - lo) / Math.max(1, n), base = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(m => m * base).find(s => s >= raw) || base * 10;
  const out = [];
  for (let i = Math.ceil(lo / step - 1e-9); i * step <= hi * (1 + 1e-9) && out.length < 50; i++) out.push(+(i * step).toPrecision(12));
  return out;
}

function logTicks(lo, hi) {
  const few = Math.log10(hi / lo) < 2.2, out = [];
  for (let e = Math.floor(Math.log10(lo)); e <= Math.ceil(Math.log10(hi)); e++) {
    for (const m of few ? [1, 2, 5] : [1]) {
      const v = m * 10 ** e;
      if (v >= lo * 0.999 && v <= hi * 1.001) out.push(+v.toPrecision(6));
    }
  }
  return out;
}

// placed leaves out the labels that would touch their neighbour or leave the chart.
function placed(ticks, from, to) {
  let edge = from;
  return ticks.filter(t => {
    const half = textWidth(t.text, 12) / 2;
    if (t.at - half < edge || t.at + half > to) return false;
    edge = t.at + half + 8;
    return true;
  });
}

const tip = document.getElementById("tip");
function showTip(text, x, y) {
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
  tip.style.top = (y + box.height + 22 > innerHeight ? y - box.height - 12 : y + 16) + "px";
}
document.addEventListener("pointermove", e => {
  const on = e.target.closest?.("[data-tip]");
  if (on) showTip(on.dataset.tip, e.clientX, e.clientY);
  else if (!e.target.closest?.("[data-live]")) tip.hidden = true;
});
document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

// show draws one chart and keeps it drawn when its width or alternative changes.
function show(figure) {
  const chart = charts[figure.dataset.chart], plot = figure.querySelector(".plot");
  if (!chart || !kinds[chart.kind]) return;
  let chosen = 0, drawn = 0;
  const draw = () => {
    drawn = plot.clientWidth;
    if (drawn < 40) return;
    plot.replaceChildren();
    try {
      kinds[chart.kind](plot, chart.alts[chosen], drawn, figure.querySelector("figcaption").textContent);
      figure.dataset.drawn = chosen + 1;
    } catch (err) { // the others can still be drawn
      plot.replaceChildren(html("p", { className: "note" }, "This chart cannot be drawn; the table holds its figures."));
      console.error(err);
    }
  };
  if (chart.alts.length > 1) {
    const select = html("select", { ariaLabel: "Show" });
    chart.alts.forEach((a, i) => select.append(html("option", { value: String(i) }, a.label || String(i + 1))));
    select.addEventListener("change", () => { chosen = +select.value; draw(); });
    plot.before(html("div", { className: "controls" }, select));
  } else if (chart.alts[0].label) {
    plot.before(html("div", { className: "controls" }, chart.alts[0].label));
  }
  new ResizeObserver(() => { if (plot.clientWidth !== drawn) requestAnimationFrame(draw); }).observe(plot);
  draw();
}

function themes() {
  const button = document.getElementById("theme"), order = ["auto", "light", "dark"];
  let now = "auto";
  try { now = localStorage.getItem("ardea-theme") || "auto"; } catch { /* a page from a file may have no storage */ }
  const apply = () => {
    if (!order.includes(now)) now = "auto";
    if (now === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = now;
    button.textContent = "Theme: " + now;
    button.ariaLabel = "Theme: " + (now === "auto" ? "as the system has it" : now);
  };
  button.addEventListener("click", () => {
    now = order[(order.indexOf(now) + 1) % order.length];
    try { localStorage.setItem("ardea-theme", now); } catch { /* then it lasts as long as the page */ }
    apply();
  });
  apply();
}

function contents() {
  const links = [...document.querySelectorAll(".toc a")];
  if (matchMedia("(max-width: 900px)").matches) document.querySelector(".toc details").open = false;
  const seen = new IntersectionObserver(entries => {
    for (const e of entries) {
      if (e.isIntersecting) links.forEach(a => a.classList.toggle("here", a.getAttribute("href") === "#" + e.target.id));
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  document.querySelectorAll("main section[id]").forEach(s => seen.observe(s));
}

function start() {
  themes();
  contents();
  document.querySelectorAll("figure.chart").forEach(show);
  document.documentElement.dataset.ready = "yes";
}
