/* Sign-up, log-in and log-out. A new member is logged in at once, with what was just typed. */

import { api } from "/static/api.js";
import { announce, el } from "/static/element.js";
import { form, text } from "/static/form.js";
import { t } from "/static/language.js";
import { forget, remember } from "/static/session.js";

const email = () => text("email", { label: t("email"), type: "email", autocomplete: "username", maxlength: 254 });

const password = (autocomplete, hint) =>
  text("password", { label: t("password"), type: "password", autocomplete, hint, minlength: hint ? 10 : 1, maxlength: 128 });

export async function signUp() {
  const name = text("name", { label: t("name"), autocomplete: "nickname", maxlength: 80, hint: t("name_hint") });
  return page("sign_up", [email(), name, password("new-password", t("password_hint"))], async (values) => {
    await api.signUp(values);
    await enter(values);
  }, el("p", { class: "muted" }, t("have_account"), " ", el("a", { href: "#/log-in" }, t("log_in"))));
}

export async function logIn() {
  return page("log_in", [email(), password("current-password")], enter,
    el("p", { class: "muted" }, t("no_account"), " ", el("a", { href: "#/sign-up" }, t("sign_up"))));
}

export async function logOut() {
  await api.logOut();
  forget();
  announce(t("goodbye"));
  location.hash = "#/";
}

async function enter(values) {
  const entered = await api.logIn({ email: values.email, password: values.password });
  remember(entered);
  announce(t("welcome", { name: entered.name }));
  location.hash = "#/";
}

function page(key, fields, send, below) {
  return {
    title: t(key),
    nodes: [el("div", { class: "narrow" }, el("h1", { tabindex: "-1" }, t(key)), form(fields, t(key), send), below)],
  };
}
