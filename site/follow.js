/* Whether one follows a member: a button that says it and changes it. Who is not logged in is led to the log-in. */

import { api } from "/static/api.js";
import { announce, el } from "/static/element.js";
import { t } from "/static/language.js";
import { member as self } from "/static/session.js";

/* Comes with what the API says now. Nothing for oneself. */
export async function following(id) {
  const me = self();
  if (me?.id === id) return null;
  if (!me) return el("a", { class: "button", href: "#/log-in" }, t("follow"));

  let { following: follows } = await api.follows(id);
  const button = el("button", { type: "button", onclick: change });
  const outcome = el("span", { class: "outcome bad", role: "alert" });
  show();
  return el("div", { class: "following" }, button, outcome);

  function show() {
    button.className = follows ? "quiet" : "";
    button.setAttribute("aria-pressed", follows);
    button.textContent = t(follows ? "followed" : "follow");
  }

  async function change() {
    button.disabled = true;
    outcome.textContent = "";
    try {
      await (follows ? api.unfollow(id) : api.follow(id));
      follows = !follows;
      show();
      announce(t(follows ? "now_followed" : "now_unfollowed"));
    } catch (problem) {
      outcome.textContent = problem.message;
    } finally {
      button.disabled = false;
    }
  }
}
