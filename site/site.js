/* The way in: which address is drawn by what. Addresses live behind the "#", so that one cacheable HTML file
   serves them all. */

import { comeBackTo, logIn, logOut, signUp } from "/static/account.js";
import { api } from "/static/api.js";
import { announce, avatar, el } from "/static/element.js";
import { home } from "/static/home.js";
import { language, other, speak, t } from "/static/language.js";
import { learnArchitecture, redraw as redrawMade, restart, watchFiles } from "/static/made.js";
import { member } from "/static/member.js";
import { bell, keepLooking, lookForNews, notifications } from "/static/notices.js";
import { post, write } from "/static/post.js";
import { member as self } from "/static/session.js";

const ROUTES = [
  [/^#?\/?$/, home],
  [/^#\/posts\/(\d+)$/, post],
  [/^#\/members\/(\d+)$/, member],
  [/^#\/write$/, write],
  [/^#\/notifications$/, notifications],
  [/^#\/sign-up$/, signUp],
  [/^#\/log-in$/, logIn],
];

const main = document.getElementById("main");
let drawing = 0;

/* Draws the page of the address. A slower answer for an address that was left meanwhile is dropped. */
async function show({ focus }) {
  const mine = ++drawing;
  main.setAttribute("aria-busy", "true");
  const page = await pageOf(location.hash);
  if (mine !== drawing) return;
  main.replaceChildren(...page.nodes);
  main.removeAttribute("aria-busy");
  document.title = page.title ? `${page.title} · Sluice` : "Sluice";
  if (!focus) return;
  scrollTo(0, 0);
  main.querySelector("h1")?.focus({ preventScroll: true });
  announce(document.title);
}

async function pageOf(hash) {
  for (const [pattern, view] of ROUTES) {
    const match = hash.match(pattern);
    if (match) return view(...match.slice(1)).catch(failed);
  }
  return failed({ message: t("not_found"), status: 404 });
}

function failed(problem) {
  const again = problem.status !== 404 && el("button", { type: "button", onclick: () => show({ focus: true }) }, t("try_again"));
  const back = el("a", { href: "#/" }, `← ${t("back_home")}`);
  return {
    title: problem.message,
    nodes: [el("div", { class: "narrow" }, el("h1", { tabindex: "-1" }, problem.message), el("p", { class: "choices" }, again, back))],
  };
}

function drawNavigation() {
  const me = self();
  const guest = () => [link("log-in", "log_in"), el("a", { class: "button", href: "#/sign-up" }, t("sign_up"))];
  const known = () => [
    link("write", "write"),
    bell(),
    el("a", { class: "me", href: `#/members/${me.id}` }, avatar(me, "small"), el("span", { dir: "auto" }, me.name)),
    el("button", { class: "plain roomy", type: "button", onclick: () => logOut().catch((problem) => announce(problem.message)) }, t("log_out")),
  ];
  const toggle = el("button", { class: "plain", type: "button", lang: other(), onclick: () => speak(other()) }, t("other_language"));
  const nav = document.getElementById("nav");
  const focused = [...nav.children].indexOf(document.activeElement);
  nav.replaceChildren(...(me ? known() : guest()), toggle);
  // Whoever has just pressed a button here is still there.
  if (focused >= 0) nav.children[Math.min(focused, nav.children.length - 1)].focus();
}

function link(path, key) {
  const here = location.hash === `#/${path}`;
  return el("a", { href: `#/${path}`, "aria-current": here && "page" }, t(key));
}

/* Whoever was led to the log-in goes on afterwards where they were. */
const DOORS = ["#/log-in", "#/sign-up"];

addEventListener("hashchange", ({ oldURL }) => {
  if (location.hash === "#main") return;      // the skip link moves the focus, not the page
  const before = new URL(oldURL).hash;
  if (DOORS.includes(location.hash) && !DOORS.includes(before)) comeBackTo(before || "#/");
  restart();
  drawNavigation();
  show({ focus: true });
  if (location.hash !== "#/notifications") lookForNews();
});
addEventListener("sluice:member", drawNavigation);
addEventListener("sluice:unread", drawNavigation);
addEventListener("sluice:language", () => {
  restart();
  drawNavigation();
  redrawMade();
  show({ focus: false });
});

speak(language());
watchFiles();
keepLooking();
lookForNews();
api.architecture().then(learnArchitecture, () => {});     // without it the picture shows who signed the answers
