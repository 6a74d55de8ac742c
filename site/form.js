/* Forms: labelled fields, one button, one line that says how it went. */

import { el } from "/static/element.js";
import { t } from "/static/language.js";

/* A field of one line; `hint` is read with the label. */
export function text(name, { label, hint, ...attributes }) {
  return field(name, label, hint, el("input", { name, id: `field-${name}`, type: "text", required: true, ...attributes }));
}

/* A field of many lines. */
export function lines(name, { label, hint, ...attributes }) {
  return field(name, label, hint, el("textarea", { name, id: `field-${name}`, rows: 12, required: true, ...attributes }));
}

function field(name, label, hint, input) {
  if (hint) input.setAttribute("aria-describedby", `hint-${name}`);
  return el("div", { class: "field" },
    el("label", { for: input.id }, label),
    input,
    hint && el("p", { class: "hint", id: `hint-${name}` }, hint));
}

/* `send(values)` does the work and may return a sentence of success; what it throws is shown beside the button.
   The button is off while it runs: a double click is not two posts. */
export function form(fields, label, send) {
  const button = el("button", { type: "submit" }, label);
  const outcome = el("p", { class: "outcome", role: "alert" });
  return el("form", { onsubmit: submit }, fields, el("div", { class: "submit" }, button, outcome));

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    outcome.classList.remove("bad");
    outcome.textContent = t("loading");
    mark(event.target, {});
    try {
      outcome.textContent = (await send(Object.fromEntries(new FormData(event.target)))) ?? "";
    } catch (problem) {
      outcome.classList.add("bad");
      outcome.textContent = problem.message;
      mark(event.target, problem.document?.fields ?? {});
    } finally {
      button.disabled = false;
    }
  }
}

/* Marks the fields that the API named ("body.title") as wrong, and goes to the first of them. */
function mark(form, wrong) {
  const names = Object.keys(wrong).map((path) => path.split(".").at(-1));
  for (const input of form.querySelectorAll("input, textarea")) {
    if (names.includes(input.name)) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  form.querySelector("[aria-invalid]")?.focus();
}
