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
  return { title: t("write"), nodes: [heading, form(fields, t("publish"), publish)] };
}

async function publish(values) {
  const written = await api.write(values);
  announce(t("published"));
  location.hash = `#/posts/${written.id}`;
}
