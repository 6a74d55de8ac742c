/* A member's page: profile, own posts, and for the member alone the form that changes the name. */

import { api } from "/static/api.js";
import { announce, avatar, el } from "/static/element.js";
import { feed } from "/static/feed.js";
import { form, text } from "/static/form.js";
import { counted, date, t } from "/static/language.js";
import { member as self, remember } from "/static/session.js";

export async function member(id) {
  const [profile, posts] = await Promise.all([api.member(id), api.memberPosts(id)]);
  const name = el("h1", { tabindex: "-1", dir: "auto" }, profile.name);
  return {
    title: profile.name,
    nodes: [
      el("section", { class: "profile" },
        avatar(profile, "large"),
        el("div", {}, name,
          el("p", { class: "byline" },
            el("span", {}, t("member_since", { date: date(profile.created_at) })),
            el("span", {}, counted("posts", profile.post_count))))),
      self()?.id === profile.id && renaming(profile, name),
      el("section", { "aria-labelledby": "posts" },
        el("h2", { id: "posts" }, t("posts_by", { name: profile.name })),
        feed(posts, (cursor) => api.memberPosts(id, cursor))),
    ].filter(Boolean),
  };
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
