/* Sign-up, log-in and log-out, here and everywhere. A new member is logged in at once, with what was just typed. */

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

/* Ends this member's sessions in all browsers. It asks once more: the others are not here to say no. */
export function loggingOutEverywhere() {
  const outcome = el("p", { class: "outcome bad", role: "alert" });
  const sure = el("button", { type: "button", class: "danger", hidden: true, onclick: leave }, t("log_out_everywhere_sure"));
  const ask = el("button", { type: "button", class: "quiet", onclick: reveal }, t("log_out_everywhere"));
  return el("div", { class: "submit" }, ask, sure, outcome);

  function reveal() {
    [ask.hidden, sure.hidden] = [true, false];
    sure.focus();
  }

  async function leave() {
    sure.disabled = true;
    try {
      await api.logOutEverywhere();
      forget();
      announce(t("goodbye_everywhere"));
      location.hash = "#/";
    } catch (problem) {
      sure.disabled = false;
      outcome.textContent = problem.message;
    }
  }
}

/* Where somebody wanted to go when the log-in came in between; set by `site.js`. */
const NEXT = "sluice.next";

export function comeBackTo(hash) {
  sessionStorage.setItem(NEXT, hash);
}

async function enter(values) {
  const entered = await api.logIn({ email: values.email, password: values.password });
  remember(entered);
  announce(t("welcome", { name: entered.name }));
  location.hash = sessionStorage.getItem(NEXT) ?? "#/";
  sessionStorage.removeItem(NEXT);
  // The name is enough to greet; the picture may come later, or not.
  api.member(entered.id).then(remember, () => {});
}

function page(key, fields, send, below) {
  return {
    title: t(key),
    nodes: [el("div", { class: "narrow" }, el("h1", { tabindex: "-1" }, t(key)), form(fields, t(key), send), below)],
  };
}
