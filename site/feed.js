/* Lists that grow by pages: the API gives a cursor for the next one (keyset pages), so that page 1,000
   costs the database what page 1 costs. */

import { announce, avatar, el } from "/static/element.js";
import { ago, counted, short, t } from "/static/language.js";

/* Posts. */
export function feed(first, load) {
  return grown(first, load, card, el("p", { class: "empty" }, t("no_posts")));
}

/* `load(cursor)` → {items, next_cursor}; `first` is such a page, already loaded. `card(item)` → <li>; `empty` stands
   there when there is none. */
export function grown(first, load, card, empty) {
  const list = el("ul", { class: "feed" });
  const more = el("button", { class: "quiet", type: "button", onclick: next }, t("more"));
  const state = el("p", { class: "feed-state", role: "alert" });
  let cursor;

  function add(page) {
    list.append(...page.items.map(card));
    cursor = page.next_cursor;
    more.hidden = !cursor;
  }

  async function next() {
    more.disabled = true;
    state.textContent = "";
    try {
      const shown = list.children.length;
      add(await load(cursor));
      announce(t("loaded", { count: list.children.length }));
      // The button is where a keyboard left off, but on the last page it is gone: go on at the first new post.
      if (more.hidden) list.children[shown]?.querySelector("a").focus();
    } catch (problem) {
      state.textContent = problem.message;
    } finally {
      more.disabled = false;
    }
  }

  add(first);
  return el("div", {}, list.children.length === 0 ? empty : list, state, more);
}

function card(post) {
  return el("li", { class: "card" },
    avatar(post.author),
    el("div", { class: "card-text" },
      el("a", { class: "card-title", href: `#/posts/${post.id}`, dir: "auto" }, post.title),
      byline(post)));
}

export function byline(post) {
  return el("p", { class: "byline" },
    el("a", { href: `#/members/${post.author.id}`, dir: "auto" }, post.author.name),
    el("time", { datetime: post.created_at }, ago(post.created_at)),
    el("span", {}, counted("views", post.views)));
}

/* The ten most viewed, each with a bar as long as its share of the first one's views. */
export function ranking(posts) {
  const most = Math.max(1, ...posts.map((post) => post.views));
  return el("ol", { class: "ranking" }, posts.map((post) => {
    const bar = el("span", { class: "bar-of-views", "aria-hidden": "true" });
    bar.style.setProperty("--share", post.views / most);
    return el("li", {},
      el("a", { href: `#/posts/${post.id}`, dir: "auto" }, post.title),
      el("span", { class: "ranking-views", title: counted("views", post.views) }, short(post.views)),
      bar);
  }));
}
