/* Who is logged in, as far as this browser knows. The proof is the `session` cookie, which scripts cannot read
   (HttpOnly); this is only the name to greet, and the id to compare with. When the two disagree, the API answers
   401 and `forget` brings them together again. */

const KEY = "sluice.member";

/* → {id, name, avatar} or null. */
export function member() {
  try {
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

/* What is not told stays as it was: only a profile knows the avatar. */
export function remember({ id, name, avatar }) {
  const before = member();
  const kept = avatar === undefined && before?.id === id ? before.avatar : avatar;
  localStorage.setItem(KEY, JSON.stringify({ id, name, avatar: kept ?? null }));
  dispatchEvent(new Event("sluice:member"));
}

export function forget() {
  localStorage.removeItem(KEY);
  dispatchEvent(new Event("sluice:member"));
}
