/* "How this page was made": every request of the page beside what its answer says about itself, in standard
   headers: X-Cache (the edge), X-Served-By (the replica), Server-Timing (cache and database). */

import { el } from "/static/element.js";
import { known, t } from "/static/language.js";

let hops = [];

/* A hop: {request, edge, servedBy, from: [chip, …], ms}, a chip: {text, kind}. */
export function record(hop) {
  hops.push(hop);
  draw();
}

/* A new page begins: the requests of the one before are another page's story. */
export function restart() {
  hops = [];
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
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.initiatorType !== "fetch") record(fileHop(entry));
  });
  observer.observe({ type: "navigation", buffered: true });
  observer.observe({ type: "resource", buffered: true });
}

function fileHop(entry) {
  const kept = entry.transferSize === 0 && entry.decodedBodySize > 0;
  const from = kept
    ? [{ text: t("made_browser_cache"), kind: "hit" }]
    : (entry.serverTiming ?? []).map(({ name, description, duration }) => chip({ name, desc: description, dur: duration || null }));
  return { request: `GET ${new URL(entry.name).pathname}`, from, ms: entry.duration };
}

function milliseconds(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export function draw() {
  document.getElementById("made-rows").replaceChildren(...hops.map(row));
  const key = hops.length === 1 ? "made_summary_one" : "made_summary_other";
  const slowest = Math.max(0, ...hops.map((hop) => hop.ms));
  document.getElementById("made-summary").textContent = t(key, { count: hops.length, ms: Math.round(slowest) });
}

function row(hop) {
  const chips = hop.from.map(({ text, kind }) => el("span", { class: `chip chip-${kind}` }, text));
  return el("tr", {},
    el("th", { scope: "row" }, hop.request),
    el("td", {}, hop.edge ? el("span", { class: `chip chip-${hop.edge.toLowerCase()}` }, hop.edge) : "–"),
    el("td", {}, hop.servedBy ?? "–"),
    el("td", {}, el("span", { class: "chips" }, chips.length ? chips : "–")),
    el("td", { class: "number" }, milliseconds(hop.ms)));
}
