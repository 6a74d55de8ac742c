/* A new picture of oneself: it is sent at once, and made smaller by a worker in its own time. Until then the job can be
   asked how it goes. */

import { api, Problem } from "/static/api.js";
import { el } from "/static/element.js";
import { t } from "/static/language.js";

/* What the API takes. A larger file is refused here, before minutes are spent on sending it. */
const MOST_BYTES = 5 * 1024 * 1024;
const KINDS = "image/jpeg,image/png,image/webp,image/gif";

/* The job is asked after 0.3 s, then less and less often, at most every 3 s; after a minute the page stops asking. The
   job goes on without it. */
const FIRST_MS = 300;
const GROWTH = 1.4;
const SELDOM_MS = 3000;
const PATIENCE_MS = 60000;

const STEPS = ["avatar_sent", "avatar_queued", "avatar_done"];

/* `changed()` is called when the new picture is there. */
export function choosingAvatar(changed) {
  const input = el("input", { type: "file", id: "avatar-file", class: "visually-hidden", accept: KINDS, onchange: send, "aria-describedby": "avatar-hint" });
  const button = el("label", { class: "button quiet", for: "avatar-file" }, t("avatar_choose"));
  const steps = el("ol", { class: "steps", hidden: true });
  const outcome = el("p", { class: "outcome", role: "status" });
  return el("div", { class: "choosing" }, input, button,
    el("p", { class: "hint", id: "avatar-hint" }, t("avatar_hint")), steps, outcome);

  async function send() {
    const [file] = input.files;
    if (!file) return;
    input.disabled = true;
    say("");
    try {
      show(0);
      if (file.size > MOST_BYTES) throw new Problem(413, {});
      const { job } = await api.sendAvatar(file);
      show(1);
      await finished(job, steps);
      show(STEPS.length);
      say(t("avatar_saved"));
      await changed();
    } catch (problem) {
      steps.hidden = true;
      say(problem.message, "bad");
    } finally {
      input.disabled = false;
      input.value = "";             // the same file may be chosen again
    }
  }

  function say(text, kind = "") {
    outcome.className = `outcome ${kind}`;
    outcome.textContent = text;
  }

  /* The steps before `now` are done, this one is under way. */
  function show(now) {
    steps.hidden = false;
    steps.replaceChildren(...STEPS.map((key, i) =>
      el("li", { class: i < now ? "done" : i === now ? "now" : "", "aria-current": i === now && "step" }, t(key))));
  }
}

/* Asks until the job is done; ends quietly as well when the page was left meanwhile.
   Throws an Error with a sentence for a person when it failed, or when it takes too long. */
async function finished(address, node) {
  const until = Date.now() + PATIENCE_MS;
  for (let pause = FIRST_MS; Date.now() < until; pause = Math.min(SELDOM_MS, pause * GROWTH)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (!node.isConnected) return;
    const job = await api.job(address);
    if (job.status === "done") return;
    if (job.status === "failed") throw new Error(t("avatar_failed", { reason: job.reason ?? "" }));
  }
  throw new Error(t("avatar_late"));
}
