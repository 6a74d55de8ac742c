/* Draws the architecture: boxes in levels from the visitor on, and the lines between them. On a wide screen the levels
   stand side by side, on a narrow one below each other. Boxes carry a second line: how long this request was there, or
   how many of the page's requests came by. */

import { levels, links } from "/static/architecture.js";
import { svg } from "/static/element.js";
import { t } from "/static/language.js";

const NARROW = 600;                     // px; below it the levels stand below each other
const BOX = { height: 38, gap: 14 };

/* `lit`: {links: Set of "from→to", notes: Map of box → text}; `width` in px → an <svg> of this width. */
export function diagram(width, lit) {
  const grid = levels();
  const place = places(grid, width);
  const drawn = links().filter(({ from, to }) => place.at.has(from) && place.at.has(to));
  // Lit lines last: they lie on the others.
  drawn.sort((a, b) => lit.links.has(key(a)) - lit.links.has(key(b)));
  const names = grid.map((level) => level.map(({ name }) => name ?? t("made_browser")).join(", ")).join(" → ");
  return svg("svg", { class: place.upright ? "diagram upright" : "diagram", role: "img", "aria-label": names, width: place.width, height: place.height,
    viewBox: `0 0 ${place.width} ${place.height}` },
    drawn.map((link) => line(link, place, lit)),
    grid.flat().map(({ box, name }) => drawBox(box, name ?? t("made_browser"), place, lit)));
}

export function key({ from, to }) {
  return `${from}→${to}`;
}

/* The middle of each box, and the size of the picture. Shorter levels stand in the middle of the longest; the relay
   stands beside the primary, where it takes the jobs from. */
function places(grid, width) {
  const upright = width < NARROW;
  const longest = Math.max(...grid.map((level) => level.length));
  const along = upright ? BOX.height + 24 : Math.min(180, Math.floor(width / grid.length));
  const across = upright ? Math.max(62, Math.min(110, Math.floor(width / longest))) : BOX.height + BOX.gap;
  const box = { width: upright ? across - 4 : Math.min(112, along - 36), height: BOX.height };
  const at = new Map();
  grid.forEach((level, i) => {
    const [before, j] = [grid[i - 1] ?? [], level.findIndex(({ box: name }) => name === "relay")];
    const middle = ({ length }) => (longest - length) / 2;
    const first = j < 0 ? middle(level) : Math.max(0, middle(before) + before.length - 1 - j);
    level.forEach(({ box: name }, k) => {
      const [u, v] = [(i + 0.5) * along, (first + k + 0.5) * across];
      at.set(name, upright ? { x: v, y: u, level: i } : { x: u, y: v, level: i });
    });
  });
  const [length, breadth] = [grid.length * along, longest * across];
  return { at, box, upright, width: upright ? breadth : length, height: upright ? length : breadth };
}

/* From the side of one box to the facing side of the other, as a curve that leaves and arrives straight. */
function line(link, { at, box, upright }, lit) {
  const [a, b] = [at.get(link.from), at.get(link.to)];
  const sideways = (a.level === b.level) === upright;
  const [dx, dy] = sideways ? [Math.sign(b.x - a.x), 0] : [0, Math.sign(b.y - a.y)];
  const [x1, y1, x2, y2] = [a.x + dx * box.width / 2, a.y + dy * box.height / 2, b.x - dx * box.width / 2, b.y - dy * box.height / 2];
  const [cx, cy] = sideways ? [(x2 - x1) / 2, 0] : [0, (y2 - y1) / 2];
  const classes = ["link", link.later && "later", lit.links.has(key(link)) && "lit"].filter(Boolean).join(" ");
  return svg("path", { class: classes, d: `M${x1} ${y1} C${x1 + cx} ${y1 + cy} ${x2 - cx} ${y2 - cy} ${x2} ${y2}` });
}

function drawBox(name, text, { at, box }, lit) {
  const { x, y } = at.get(name);
  const note = lit.notes.get(name);
  return svg("g", { class: note === undefined ? "box" : "box lit" },
    svg("rect", { x: x - box.width / 2, y: y - box.height / 2, width: box.width, height: box.height, rx: 8 }),
    svg("text", { class: "box-name", x, y: y - (note ? 7 : 0) }, text),
    note && svg("text", { class: "box-note", x, y: y + 9 }, note));
}
