/* Notifications: the number in the bar, and the page with what they are about. */

import { api } from "/static/api.js";
import { announce, avatar, el, svg } from "/static/element.js";
import { grown } from "/static/feed.js";
import { ago, short, t } from "/static/language.js";
import { member as self } from "/static/session.js";

/* The page looks again when it is seen again, and as often as this while it is seen. */
const EVERY_MS = 60000;
const MOST_COUNTED = 100;       // the API counts no further

let unread = 0;

/* The bell in the bar. */
export function bell() {
  const shown = unread >= MOST_COUNTED ? `${MOST_COUNTED - 1}+` : short(unread);
  return el("a", { class: "bell", href: "#/notifications", "aria-label": unread ? t("notifications_unread", { count: shown }) : t("notifications"),
    "aria-current": location.hash === "#/notifications" && "page" },
    svg("svg", { viewBox: "0 0 24 24", width: 24, height: 24, "aria-hidden": "true" },
      svg("path", { d: "M6 10a6 6 0 0 1 12 0c0 5 2 6 2 7H4c0-1 2-2 2-7M10 20.500a2.200 2.200 0 0 0 4 0" })),
    unread > 0 && el("span", { class: "badge", "aria-hidden": "true" }, shown));
}

/* Asks for the number. Quiet about problems: the bell is not what the visitor came for. */
export async function lookForNews() {
  if (self()) await api.unread().then((page) => count(page.unread), () => {});
  else count(0);
}

export function keepLooking() {
  const look = () => document.visibilityState === "visible" && lookForNews();
  addEventListener("visibilitychange", look);
  setInterval(look, EVERY_MS);
}

function count(now) {
  if (now === unread) return;
  unread = now;
  dispatchEvent(new Event("sluice:unread"));
}

/* The page. Seeing it is reading it: its unread ones are still marked, and no longer counted. */
export async function notifications() {
  const heading = el("h1", { tabindex: "-1" }, t("notifications"));
  if (!self()) return { title: t("notifications"), nodes: [heading, el("p", {}, t("notifications_need_log_in")), el("a", { class: "button", href: "#/log-in" }, t("log_in"))] };
  const first = await api.notifications();
  count(first.unread);
  if (first.unread > 0) api.markRead(first.items[0].id).then(() => count(0), (problem) => announce(problem.message));
  const empty = el("p", { class: "empty" }, t("no_notifications"));
  return { title: t("notifications"), nodes: [el("div", { class: "reading" }, heading, grown(first, api.notifications, notice, empty))] };
}

function notice({ author, post, created_at: at, read }) {
  return el("li", { class: read ? "card" : "card unread" },
    avatar(author),
    el("div", { class: "card-text" },
      el("p", { class: "byline" },
        el("a", { href: `#/members/${author.id}`, dir: "auto" }, author.name),
        el("span", {}, t("wrote")),
        el("time", { datetime: at }, ago(at))),
      el("a", { class: "card-title", href: `#/posts/${post.id}`, dir: "auto" }, post.title),
      !read && el("span", { class: "visually-hidden" }, t("unread"))));
}
