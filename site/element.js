/* The only maker of DOM nodes. Everything that people wrote goes through `append`, which makes text of strings
   and never reads them as HTML: a title like "<img onerror=…>" is shown, not run. */

/* `el("a", {href: "#/", onclick: f}, "Home")`. A property of false, null or undefined is left out; one of true
   is an attribute without a value; `on…` is a listener. Children may be nested lists, nodes, text or nothing. */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/* The same for the elements of a drawing. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/* Says something to a screen reader without moving the focus. */
export function announce(text) {
  document.getElementById("announcement").textContent = text;
}

/* A member's picture; without one a round initial in one of six colours, always the same for a member. */
export function avatar(member, size = "") {
  const initial = Array.from(member.name.trim())[0] ?? "?";
  const round = el("span", { class: `avatar hue-${member.id % 6} ${size}`, "aria-hidden": "true" }, initial.toUpperCase());
  if (!member.avatar) return round;
  const { 64: small, 128: middle, 512: large } = member.avatar;
  const sizes = { small: "27px", large: "88px" }[size] ?? "39px";
  const picture = el("img", { class: `avatar ${size}`, src: middle, srcset: `${small} 64w, ${middle} 128w, ${large} 512w`, sizes, alt: "" });
  picture.addEventListener("error", () => picture.replaceWith(round));
  return picture;
}
