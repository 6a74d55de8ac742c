/* From what one answer says about itself to the way that its request took through the boxes.

   In: a hop {timing: [{name, desc, dur}], kept, failed}, where `timing` is the answer's Server-Timing: each box wrote
   its own entry, so who is not named was not asked. Out: stops [{box, ms}], in the order of the request, where ms is
   the time in this box alone, and links [{from, to, later}], where `later` is what happens after the answer.

   A box has the name that people know: "edge", "lb", "web-2", "replica-1". What has no name in the headers is called
   by what it is ("cache", "broker"); `architecture.js` knows their names. */

/* Server-Timing, W3C: `cache;desc=hit, db;desc="replica-1";dur=1.2` → [{name, desc, dur}]; dur is null when not told. */
export function timings(header) {
  return header.split(",").filter((entry) => entry.trim()).map((entry) => {
    const [name, ...parameters] = entry.trim().split(";").map((part) => part.trim());
    const values = Object.fromEntries(parameters.map((pair) => pair.split("=").map((word) => word.replace(/^"|"$/g, ""))));
    return { name, desc: values.desc ?? "", dur: values.dur === undefined ? null : Number(values.dur) };
  });
}

export function entry(hop, name) {
  return hop.timing.find((each) => each.name === name);
}

/* Whether the edge answered by itself. What the stored answer tells besides is the story of the request that once
   fetched it, not of this one. */
export function stored(hop) {
  return ["HIT", "STALE"].includes(entry(hop, "edge")?.desc);
}

/* The entries that are about this very request. */
export function own(hop) {
  return stored(hop) ? hop.timing.filter(({ name }) => name === "edge") : hop.timing;
}

export function way(hop) {
  const told = { ...hop, timing: own(hop) };
  const [edge, lb, app, redis] = ["edge", "lb", "app", "redis"].map((name) => entry(told, name));
  const chain = [
    { box: "browser", whole: hop.ms },
    edge && { box: "edge", whole: edge.dur },
    lb && { box: "lb", whole: lb.dur },
    app && { box: app.desc, whole: app.dur },
  ].filter(Boolean);
  const parts = [
    redis && { box: "cache", ms: redis.dur },
    ...told.timing.filter(({ name }) => name === "db").map(({ desc, dur }) => ({ box: desc, ms: dur })),
  ].filter(Boolean);
  const inside = parts.reduce((sum, part) => sum + part.ms, 0);
  const stops = chain.map(({ box, whole }, i) => ({ box, ms: Math.max(0, whole - (chain[i + 1]?.whole ?? (app ? inside : 0))) }));
  const last = stops.at(-1).box;
  const links = [
    ...stops.slice(1).map(({ box }, i) => ({ from: stops[i].box, to: box })),
    ...parts.map(({ box }) => ({ from: last, to: box })),
    ...(app ? afterwards(entry(told, "job"), app.desc) : []),
  ];
  return { stops: [...stops, ...parts], links };
}

/* What becomes of the job that a request caused, `welcome_email queued`: with a broker it travels on by itself, without
   one the application has done it before it answered. Only mails go on to another box. */
function afterwards(job, app) {
  if (!job) return [];
  const [kind, outcome] = job.desc.split(" ");
  const mails = kind.endsWith("email");
  if (outcome === "done") return mails ? [{ from: app, to: "mail" }] : [];
  if (outcome !== "queued") return [];
  const boxes = ["primary", "relay", "broker", "worker", ...(mails ? ["mail"] : [])];
  return boxes.slice(1).map((to, i) => ({ from: boxes[i], to, later: true }));
}
