/* A member's page: profile and posts. Others can follow; the member alone can change the name and the picture. */

import { loggingOutEverywhere, logOut } from "/static/account.js";
import { api } from "/static/api.js";
import { choosingAvatar } from "/static/avatar.js";
import { announce, avatar, el } from "/static/element.js";
import { feed } from "/static/feed.js";
import { following } from "/static/follow.js";
import { form, text } from "/static/form.js";
import { counted, date, t } from "/static/language.js";
import { member as self, remember } from "/static/session.js";

export async function member(id) {
  // Whether one follows is the least of it: the page is there without.
  const asked = Promise.all([api.member(id), api.memberPosts(id), following(Number(id)).catch(() => null)]);
  const [profile, posts, follow] = await asked;
  const name = el("h1", { tabindex: "-1", dir: "auto" }, profile.name);
  const own = self()?.id === profile.id;
  if (own) remember(profile);
  return {
    title: profile.name,
    nodes: [
      el("section", { class: "profile" },
        avatar(profile, "large"),
        el("div", { class: "profile-text" }, name,
          el("p", { class: "byline" },
            el("span", {}, t("member_since", { date: date(profile.created_at) })),
            el("span", {}, counted("posts", profile.post_count)))),
        follow),
      own && settings(profile, name),
      el("section", { "aria-labelledby": "posts" },
        el("h2", { id: "posts" }, t("posts_by", { name: profile.name })),
        feed(posts, (cursor) => api.memberPosts(id, cursor))),
    ].filter(Boolean),
  };
}

/* What only the member sees. */
function settings(profile, heading) {
  return el("section", { class: "settings", "aria-labelledby": "settings" },
    el("h2", { id: "settings" }, t("settings")),
    choosingAvatar(() => newAvatar(profile.id)),
    renaming(profile, heading),
    el("div", { class: "submit" },
      el("button", { type: "button", class: "quiet", onclick: () => logOut().catch((problem) => announce(problem.message)) }, t("log_out")),
      loggingOutEverywhere()));
}

async function newAvatar(id) {
  const profile = await api.member(id);
  remember(profile);
  document.querySelector(".profile > .avatar")?.replaceWith(avatar(profile, "large"));
}

function renaming(profile, heading) {
  const field = text("name", { label: t("name"), maxlength: 80, autocomplete: "nickname", value: profile.name });
  return el("details", { class: "fold" },
    el("summary", {}, t("rename")),
    form([field], t("save"), async ({ name }) => {
      const changed = await api.rename(profile.id, name);
      remember(changed);
      heading.textContent = changed.name;
      announce(t("saved"));
      return t("saved");
    }));
}
