/* Which boxes there are, and what is connected to what. Two sources: what the application says that it was given
   (GET /api/architecture), and who signed the answers that this browser got (proxies and replicas, see `way.js`). */

import { entry, stored } from "/static/way.js";

/* A replica that has not answered for so long may be gone: replicas come and go with every deploy. */
const FORGET_MS = 5 * 60 * 1000;

let given = { primary: "primary", replicas: [], cache: null, broker: null, mail: null };
const proxies = new Set();
const webs = new Map();

/* What the application says. */
export function learn(told) {
  given = told;
}

/* What one answer's signatures say. */
export function notice(hop) {
  if (entry(hop, "edge")) proxies.add("edge");
  if (entry(hop, "lb")) proxies.add("lb");
  const app = entry(hop, "app");
  if (app) webs.set(app.desc, Date.now());
  if (app && !stored(hop)) for (const name of ["edge", "lb"]) if (!entry(hop, name)) proxies.delete(name);
}

/* The boxes by how far they are from the visitor, each level a list of {box, name}; the browser has no name. */
export function levels() {
  for (const [name, seen] of webs) if (Date.now() - seen > FORGET_MS) webs.delete(name);
  const served = [...webs.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const mail = given.mail && { box: "mail", name: given.mail };
  const stores = [
    given.cache && { box: "cache", name: given.cache },
    ...given.replicas.map(plain),
    { box: "primary", name: given.primary },
    !given.broker && mail,
  ];
  // From the end, where the primary is from which the relay takes the jobs, back to the beginning.
  const jobs = given.broker && [mail, plain("worker"), { box: "broker", name: given.broker }, plain("relay")];
  return [
    [{ box: "browser", name: null }],
    proxies.has("edge") && [plain("edge")],
    proxies.has("lb") && [plain("lb")],
    served.length > 0 && served.map(plain),
    stores,
    jobs,
  ].filter(Boolean).map((level) => level.filter(Boolean));
}

/* All connections, whether this page used them or not. */
export function links() {
  const served = [...webs.keys()];
  const doors = ["browser", ...["edge", "lb"].filter((name) => proxies.has(name))];
  const found = doors.slice(1).map((to, i) => ({ from: doors[i], to }));
  for (const web of served) {
    found.push({ from: doors.at(-1), to: web });
    for (const to of [given.cache && "cache", ...given.replicas, "primary"].filter(Boolean)) found.push({ from: web, to });
    if (given.mail && !given.broker) found.push({ from: web, to: "mail" });
  }
  if (given.broker) {
    const boxes = ["primary", "relay", "broker", "worker", ...(given.mail ? ["mail"] : [])];
    boxes.slice(1).forEach((to, i) => found.push({ from: boxes[i], to, later: true }));
  }
  return found;
}

const plain = (name) => ({ box: name, name });

/* What people call a box; nothing for the browser, whose name depends on the language. */
export function name(box) {
  return box === "browser" ? null : given[box] ?? box;
}
