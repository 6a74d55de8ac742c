/* The first page: the newest posts, and the ten most viewed beside them. */

import { api } from "/static/api.js";
import { el } from "/static/element.js";
import { feed, ranking } from "/static/feed.js";
import { t } from "/static/language.js";

export async function home() {
  const [popular, newest] = await Promise.all([api.popular(), api.posts()]);
  return {
    title: null,
    nodes: [
      el("section", { class: "hero" }, el("h1", { tabindex: "-1" }, t("tagline")), el("p", {}, t("tagline_more"))),
      el("div", { class: "columns" },
        el("section", { class: "aside", "aria-labelledby": "popular" },
          el("h2", { id: "popular" }, t("popular")), ranking(popular.items)),
        el("section", { "aria-labelledby": "newest" },
          el("h2", { id: "newest" }, t("newest")), feed(newest, api.posts))),
    ],
  };
}
