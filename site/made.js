/* "How this page was made": every request of the page, with the way that it took through the boxes. The picture and
   the table say the same; each answer has told it in Server-Timing and X-Cache. */

import { learn, name, notice } from "/static/architecture.js";
import { diagram, key } from "/static/diagram.js";
import { el } from "/static/element.js";
import { known, t } from "/static/language.js";
import { entry, own, stored, timings, way } from "/static/way.js";

const MOST = 100;               // hops: a page that is left open asks for its notifications again and again
const drawer = document.getElementById("made");
const rows = document.getElementById("made-rows");
const picture = document.getElementById("made-picture");

let hops = [];
let pointed = null;             // the hop under the pointer or the focus
let chosen = null;              // the hop that was clicked: it stays until it is clicked again
let page = 0;                   // which page asked

/* A call of the API, answered or (`response` null) not. */
export function record(method, path, response, ms) {
  const timing = timings(response?.headers.get("server-timing") ?? "");
  const cache = response?.headers.get("x-cache");
  if (cache && !entry({ timing }, "edge")) timing.push({ name: "edge", desc: cache, dur: 0 });
  add({ request: `${method} ${path}`, writes: method !== "GET", status: response?.status ?? 0, timing, ms });
}

/* The page itself and its files were fetched by the browser, not by our code: the Resource Timing API knows them. */
export function watchFiles() {
  performance.getEntriesByType("navigation").forEach(addFile);
  new PerformanceObserver((list) => {
    list.getEntries().filter((each) => each.initiatorType !== "fetch").forEach(addFile);
  }).observe({ type: "resource", buffered: true });
}

function addFile(file) {
  const timing = file.serverTiming.map(({ name: label, description, duration }) => ({ name: label, desc: description, dur: duration }));
  const kept = file.transferSize === 0 && file.decodedBodySize > 0;
  add({ request: `GET ${new URL(file.name).pathname}`, file: true, status: file.responseStatus, kept, timing: kept ? [] : timing,
    ms: file.responseEnd - file.startTime });
}

function add(hop) {
  notice(hop);
  hops.push({ ...hop, page, way: way(hop) });
  if (hops.length > MOST) hops.splice(0, hops.length - MOST);
  draw();
}

export function learnArchitecture(told) {
  learn(told);
  draw();
}

/* A new page begins. What was written on the page before has led here, and is told as well. */
export function restart() {
  hops = hops.filter((hop) => hop.writes && hop.page === page);
  page += 1;
  [pointed, chosen] = [null, null];
  draw();
}

let waiting = false;

/* Draws once for all that happens in one turn of the browser. */
export function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const slowest = Math.max(0, ...hops.map((hop) => hop.ms));
    const sentence = hops.length === 1 ? "made_summary_one" : "made_summary_other";
    document.getElementById("made-summary").textContent = t(sentence, { count: hops.length, ms: Math.round(slowest) });
    if (!drawer.open) return;
    drawPicture();
    drawRows();
  });
}

function drawPicture() {
  const hop = pointed ?? chosen;
  const width = picture.clientWidth;
  picture.replaceChildren(diagram(width, hop ? lightOf(hop) : lightOfAll()));
  document.getElementById("made-way").textContent = hop ? told(hop) : t("made_hint");
}

function lightOf({ way: { stops, links } }) {
  const notes = new Map(links.map(({ to }) => [to, ""]));
  for (const { box, ms } of stops) notes.set(box, milliseconds(ms));
  return { links: new Set(links.map(key)), notes };
}

/* How many of the page's requests came by. */
function lightOfAll() {
  const counts = new Map();
  for (const hop of hops) {
    for (const box of new Set([...hop.way.stops, ...hop.way.links.map(({ to }) => ({ box: to }))].map((stop) => stop.box))) {
      counts.set(box, (counts.get(box) ?? 0) + 1);
    }
  }
  const notes = new Map([...counts].map(([box, count]) => [box, `× ${count}`]));
  return { links: new Set(hops.flatMap((hop) => hop.way.links.map(key))), notes };
}

/* "GET /api/posts, 14 ms: browser 2 ms → edge 1 ms → …" */
function told({ request, ms, way: { stops, links } }) {
  const steps = stops.map(({ box, ms: spent }) => `${name(box) ?? t("made_browser")} ${milliseconds(spent)}`);
  const later = links.filter((link) => link.later).map(({ to }) => name(to));
  const then = later.length > 0 ? `; ${t("made_later", { boxes: later.join(" → ") })}` : "";
  return `${request}, ${milliseconds(ms)}: ${steps.join(" → ")}${then}`;
}

/* Rows are made once and kept, so that the focus is not lost when another request is told of. */
function drawRows() {
  hops.sort((a, b) => Boolean(a.file) - Boolean(b.file));
  for (const hop of hops) hop.row ??= row(hop);
  hops.forEach((hop, i) => {
    if (rows.children[i] !== hop.row) rows.insertBefore(hop.row, rows.children[i] ?? null);
    hop.row.querySelector("button").setAttribute("aria-pressed", hop === chosen);
  });
  while (rows.children.length > hops.length) rows.lastChild.remove();
}

function row(hop) {
  const point = () => { pointed = hop; drawPicture(); };
  const leave = () => { pointed = null; drawPicture(); };
  const choose = () => {
    chosen = chosen === hop ? null : hop;
    if (chosen) picture.scrollIntoView({ block: "nearest" });    // a low window scrolls it away
    draw();
  };
  const { request, status, kept, ms } = hop;
  const edge = entry(hop, "edge");
  const made = entry(hop, "app")?.desc;
  return el("tr", { onpointerenter: point, onpointerleave: leave, onfocusin: point, onfocusout: leave, onclick: choose },
    el("th", { scope: "row" }, el("button", { type: "button", class: "hop", "aria-pressed": "false" }, request)),
    cell(edge && el("span", { class: `chip chip-${edge.desc.toLowerCase()}` }, edge.desc)),
    stored(hop) ? el("td", { class: "muted stored" }, t("made_stored", { box: made ?? "" })) : cell(made),
    cell(el("span", { class: "chips" }, chips(hop, status, kept))),
    el("td", { class: "number" }, milliseconds(ms)));
}

function chips(hop, status, kept) {
  const shown = own(hop).filter(({ name: label }) => ["cache", "db", "job"].includes(label)).map(chip);
  if (kept) shown.unshift(badge(t("made_browser_cache"), "hit"));
  if (stored(hop)) shown.unshift(badge(t("made_edge_cache"), "hit"));
  if (status === 0 && !hop.file) shown.unshift(badge(t("made_failed"), "bad"));
  if (status >= 400) shown.unshift(badge(String(status), "bad"));
  return shown.length > 0 ? shown : "–";
}

function chip({ name: label, desc, dur }) {
  const sentence = `made_${label}_${desc.split(" ").at(-1)}`;
  const text = known(sentence) ? t(sentence, { job: desc.split(" ")[0] }) : [label, desc].filter(Boolean).join(": ");
  return badge(dur ? `${text} · ${milliseconds(dur)}` : text, label === "cache" ? desc : label);
}

const badge = (text, kind) => el("span", { class: `chip chip-${kind}` }, text);

function cell(content) {
  return content ? el("td", {}, content) : el("td", { class: "nothing" }, "–");
}

function milliseconds(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/* Another language, another width: everything again. */
export function redraw() {
  for (const hop of hops) delete hop.row;
  draw();
}

drawer.addEventListener("toggle", draw);
new ResizeObserver(draw).observe(picture);
