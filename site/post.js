/* One post to read, and the form to write one. Reading counts a view. */

import { api } from "/static/api.js";
import { announce, avatar, el } from "/static/element.js";
import { byline } from "/static/feed.js";
import { form, lines, text } from "/static/form.js";
import { t } from "/static/language.js";
import { member } from "/static/session.js";

export async function post(id) {
  const found = await api.post(id);
  return {
    title: found.title,
    nodes: [
      el("article", { class: "post" },
        el("h1", { tabindex: "-1", dir: "auto" }, found.title),
        el("div", { class: "post-author" }, avatar(found.author), byline(found)),
        el("div", { class: "post-body", dir: "auto" }, found.body)),
      el("p", {}, el("a", { href: "#/" }, `← ${t("back_home")}`)),
    ],
  };
}

export async function write() {
  const heading = el("h1", { tabindex: "-1" }, t("write"));
  if (!member()) {
    const links = [el("a", { class: "button", href: "#/log-in" }, t("log_in")), el("a", { href: "#/sign-up" }, t("sign_up"))];
    return { title: t("write"), nodes: [heading, el("p", {}, t("write_needs_log_in")), el("p", { class: "choices" }, links)] };
  }
  const fields = [text("title", { label: t("title"), maxlength: 200 }), lines("body", { label: t("body"), maxlength: 10000 })];
  const writing = form(fields, t("publish"), publish);
  keepDraft(writing);
  return { title: t("write"), nodes: [el("div", { class: "reading" }, heading, writing)] };
}

/* What was typed outlives a change of the language, a reload, and a log-in that ran out. */
const DRAFT = "sluice.draft";

function keepDraft(writing) {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "{}");
  for (const field of writing.querySelectorAll("[name]")) field.value = draft[field.name] ?? "";
  writing.addEventListener("input", () => sessionStorage.setItem(DRAFT, JSON.stringify(Object.fromEntries(new FormData(writing)))));
}

async function publish(values) {
  const written = await api.write(values);
  sessionStorage.removeItem(DRAFT);
  announce(t("published"));
  location.hash = `#/posts/${written.id}`;
}
