/* Who is logged in, as far as this browser knows. The proof is the `session` cookie, which scripts cannot read
   (HttpOnly); this is only the name to greet, and the id to compare with. When the two disagree, the API answers
   401 and `forget` brings them together again. */

const KEY = "sluice.member";

/* → {id, name} or null. */
export function member() {
  try {
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export function remember({ id, name }) {
  localStorage.setItem(KEY, JSON.stringify({ id, name }));
  dispatchEvent(new Event("sluice:member"));
}

export function forget() {
  localStorage.removeItem(KEY);
  dispatchEvent(new Event("sluice:member"));
}
