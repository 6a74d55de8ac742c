/* "How this page was made": every request of the page beside what its answer says about itself, in standard
   headers: X-Cache (the edge), X-Served-By (the replica), Server-Timing (cache and database). */

import { el } from "/static/element.js";
import { known, t } from "/static/language.js";

let calls = [];
let files = [];

/* A call of the API. A hop: {request, edge, servedBy, from: [chip, …], ms}, a chip: {text, kind}. */
export function record(hop) {
  calls.push(hop);
  draw();
}

/* A new page begins: the requests of the one before are another page's story. */
export function restart() {
  calls = [];
  files = [];
  draw();
}

/* What one answer of the API says. `response` is null when none came. */
export function read(request, response, ms) {
  if (!response) return { request, from: [{ text: t("made_failed"), kind: "bad" }], ms };
  const from = timings(response.headers.get("server-timing") ?? "").map(chip);
  if (!response.ok) from.unshift({ text: String(response.status), kind: "bad" });
  return { request, edge: response.headers.get("x-cache"), servedBy: response.headers.get("x-served-by"), from, ms };
}

/* Server-Timing, W3C: `cache;desc=hit, db;desc="replica-1";dur=1.2` → [{name, desc, dur}]. */
export function timings(header) {
  return header.split(",").filter((entry) => entry.trim()).map((entry) => {
    const [name, ...parameters] = entry.trim().split(";").map((part) => part.trim());
    const values = Object.fromEntries(parameters.map((pair) => pair.split("=").map((word) => word.replace(/^"|"$/g, ""))));
    return { name, desc: values.desc ?? "", dur: values.dur ? Number(values.dur) : null };
  });
}

function chip({ name, desc, dur }) {
  const key = `made_${name}_${desc}`;
  const text = known(key) ? t(key) : [name, desc].filter(Boolean).join(": ");
  const kind = name === "cache" ? desc : name;
  return { text: dur === null ? text : `${text} · ${milliseconds(dur)}`, kind };
}

/* The page itself and its files were fetched by the browser, not by our code: the Resource Timing API knows them.
   It has no header but Server-Timing, so the replica of a file stays unknown here. */
export function watchFiles() {
  files.push(...performance.getEntriesByType("navigation").map(fileHop));
  const observer = new PerformanceObserver((list) => {
    files.push(...list.getEntries().filter((entry) => entry.initiatorType !== "fetch").map(fileHop));
    draw();
  });
  observer.observe({ type: "resource", buffered: true });
}

function fileHop(entry) {
  const kept = entry.transferSize === 0 && entry.decodedBodySize > 0;
  const from = kept
    ? [{ text: t("made_browser_cache"), kind: "hit" }]
    : (entry.serverTiming ?? []).map(({ name, description, duration }) => chip({ name, desc: description, dur: duration || null }));
  return { request: `GET ${new URL(entry.name).pathname}`, from, ms: entry.responseEnd - entry.startTime };
}

function milliseconds(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export function draw() {
  const hops = [...calls, ...files];
  document.getElementById("made-rows").replaceChildren(...hops.map(row));
  const key = hops.length === 1 ? "made_summary_one" : "made_summary_other";
  const slowest = Math.max(0, ...hops.map((hop) => hop.ms));
  document.getElementById("made-summary").textContent = t(key, { count: hops.length, ms: Math.round(slowest) });
}

function row(hop) {
  const edge = hop.edge && el("span", { class: `chip chip-${hop.edge.toLowerCase()}` }, hop.edge);
  const chips = hop.from.map(({ text, kind }) => el("span", { class: `chip chip-${kind}` }, text));
  return el("tr", {},
    el("th", { scope: "row" }, hop.request),
    cell(edge),
    cell(hop.servedBy),
    cell(chips.length > 0 && el("span", { class: "chips" }, chips)),
    el("td", { class: "number" }, milliseconds(hop.ms)));
}

function cell(content) {
  return content ? el("td", {}, content) : el("td", { class: "nothing" }, "–");
}
