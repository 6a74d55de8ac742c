/* The one place that talks to the API. Each call is shown under "How this page was made", and whatever is not a
   success becomes one `Problem`. */

import { t, known } from "/static/language.js";
import { record } from "/static/made.js";
import { forget } from "/static/session.js";

/* A refusal (RFC 9457 problem document) or no answer at all (status 0). `message` is a sentence for a person. */
export class Problem extends Error {
  constructor(status, document, { request = "", seconds = "" } = {}) {
    const key = status === 0 ? "problem_network" : `problem_${status}`;
    super(t(known(key) ? key : "problem_other", { status, request, seconds }));
    this.status = status;
    this.document = document;
  }
}

/* How long a person waits before being told that the server cannot be reached: the longest step of the timeout
   ladder, so that the server's own, more telling answer arrives first. */
const TIMEOUT_MS = 20000;

/* A read that got no answer is tried once more after this time: a moment without a network is no news. A write is not:
   it may have been done. */
const AGAIN_MS = 400;

/* `body` is a file, sent as it is, or anything else, sent as JSON. */
async function call(method, path, body, again = method === "GET") {
  const started = performance.now();
  const file = body instanceof Blob;
  let response, text;
  try {
    response = await fetch(path, {
      method,
      headers: body ? { "content-type": file ? body.type : "application/json" } : {},
      body: file ? body : body && JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch (error) {
    record(method, path, null, performance.now() - started);
    if (!again || error.name === "TimeoutError") throw new Problem(0, {});
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    return call(method, path, body, false);
  }
  record(method, path, response, performance.now() - started);
  if (response.ok) return text ? JSON.parse(text) : null;
  throw problem(response, text);
}

function problem(response, text) {
  if (response.status === 401) forget();
  let document = {};
  try {
    document = JSON.parse(text);
  } catch {
    // A proxy in front of the application answered with its own page: the status alone must do.
  }
  const request = response.headers.get("x-request-id") ?? "";
  return new Problem(response.status, document, { request, seconds: response.headers.get("retry-after") ?? "1" });
}

const page = (path, cursor) => call("GET", cursor ? `${path}?cursor=${encodeURIComponent(cursor)}` : path);

export const api = {
  popular: () => call("GET", "/api/posts/popular"),
  posts: (cursor) => page("/api/posts", cursor),
  post: (id) => call("GET", `/api/posts/${id}`),
  write: (post) => call("POST", "/api/posts", post),
  member: (id) => call("GET", `/api/users/${id}`),
  memberPosts: (id, cursor) => page(`/api/users/${id}/posts`, cursor),
  rename: (id, name) => call("PATCH", `/api/users/${id}`, { name }),
  signUp: (account) => call("POST", "/api/users", account),
  logIn: (credentials) => call("POST", "/api/sessions", credentials),
  logOut: () => call("DELETE", "/api/sessions"),
  logOutEverywhere: () => call("DELETE", "/api/sessions/all"),
  sendAvatar: (file) => call("PUT", "/api/users/me/avatar", file),
  job: (address) => call("GET", address),
  follows: (id) => call("GET", `/api/users/me/following/${id}`),
  follow: (id) => call("PUT", `/api/users/me/following/${id}`),
  unfollow: (id) => call("DELETE", `/api/users/me/following/${id}`),
  notifications: (cursor) => page("/api/notifications", cursor),
  unread: () => call("GET", "/api/notifications?limit=1"),
  markRead: (id) => call("PUT", "/api/notifications/read", { up_to: id }),
  architecture: () => call("GET", "/api/architecture"),
};
