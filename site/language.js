/* The words of the site in English and Korean, and the shapes of its numbers and dates. A sentence has the same
   key in both tables (a test compares them). */

const WORDS = {
  en: {
    skip: "Skip to the content",
    home: "Home", write: "Write", sign_up: "Sign up", log_in: "Log in", log_out: "Log out",
    other_language: "한국어",
    tagline: "One application, five architectures.",
    tagline_more: "A small community on a stack that you climb one stage at a time. Open the line at the bottom to see which boxes answered you.",
    popular: "Most viewed", newest: "Newest posts", posts_by: "Posts by {name}",
    more: "More posts", no_more: "That was everything.", no_posts: "Nothing here yet.",
    loading: "Loading …", loaded: "{count} posts shown",
    views_one: "{count} view", views_other: "{count} views",
    posts_one: "{count} post", posts_other: "{count} posts",
    member_since: "Member since {date}",
    title: "Title", body: "Your post", publish: "Publish", published: "Published.",
    email: "E-mail", name: "Name", password: "Password", password_hint: "At least 10 characters.",
    name_hint: "Shown beside your posts.",
    rename: "Change my name", save: "Save", saved: "Saved.",
    have_account: "Already a member?", no_account: "Not a member yet?",
    welcome: "Welcome, {name}.", goodbye: "You are logged out.",
    write_needs_log_in: "Log in to write a post.",
    not_found: "This page does not exist.", back_home: "Back to the posts",
    try_again: "Try again",
    problem_400: "The server could not read that.",
    problem_401: "E-mail and password do not match, or your session has ended. Please log in.",
    problem_403: "That is not yours to change.",
    problem_404: "There is nothing here.",
    problem_409: "This e-mail address is taken.",
    problem_422: "Please check what you entered.",
    problem_429: "Too many requests. Please wait {seconds} s.",
    problem_503: "The service cannot answer right now. Please try again in a moment.",
    problem_other: "The server could not answer ({status}). Request {request}.",
    problem_network: "The server cannot be reached.",
    made_title: "How this page was made",
    made_lead: "Every request of this page, with what its own answer says about how it was made.",
    made_request: "Request", made_edge: "Edge", made_served_by: "Served by", made_from: "Answered from", made_time: "Time",
    made_summary_one: "{count} request, {ms} ms", made_summary_other: "{count} requests, the slowest {ms} ms",
    made_browser_cache: "this browser's cache", made_failed: "no answer",
    made_cache_hit: "cache: hit", made_cache_miss: "cache: miss", made_cache_off: "no cache",
  },
  ko: {
    skip: "본문으로 건너뛰기",
    home: "홈", write: "글쓰기", sign_up: "가입", log_in: "로그인", log_out: "로그아웃",
    other_language: "English",
    tagline: "하나의 애플리케이션, 다섯 가지 아키텍처.",
    tagline_more: "한 단계씩 올라가는 스택 위의 작은 커뮤니티입니다. 맨 아래 줄을 열면 어떤 서버가 응답했는지 볼 수 있습니다.",
    popular: "인기 글", newest: "새 글", posts_by: "{name} 님의 글",
    more: "글 더 보기", no_more: "마지막 글입니다.", no_posts: "아직 글이 없습니다.",
    loading: "불러오는 중 …", loaded: "글 {count}개를 표시했습니다",
    views_one: "조회 {count}회", views_other: "조회 {count}회",
    posts_one: "글 {count}개", posts_other: "글 {count}개",
    member_since: "{date} 가입",
    title: "제목", body: "내용", publish: "올리기", published: "글을 올렸습니다.",
    email: "이메일", name: "이름", password: "비밀번호", password_hint: "10자 이상 입력하세요.",
    name_hint: "글 옆에 표시됩니다.",
    rename: "이름 바꾸기", save: "저장", saved: "저장했습니다.",
    have_account: "이미 회원이신가요?", no_account: "아직 회원이 아니신가요?",
    welcome: "{name} 님, 환영합니다.", goodbye: "로그아웃했습니다.",
    write_needs_log_in: "글을 쓰려면 로그인하세요.",
    not_found: "없는 페이지입니다.", back_home: "글 목록으로",
    try_again: "다시 시도",
    problem_400: "서버가 요청을 읽지 못했습니다.",
    problem_401: "이메일과 비밀번호가 맞지 않거나 로그인이 만료되었습니다. 다시 로그인하세요.",
    problem_403: "본인의 것만 바꿀 수 있습니다.",
    problem_404: "찾는 내용이 없습니다.",
    problem_409: "이미 사용 중인 이메일입니다.",
    problem_422: "입력한 내용을 확인하세요.",
    problem_429: "요청이 너무 많습니다. {seconds}초 뒤에 다시 시도하세요.",
    problem_503: "지금은 서비스가 응답할 수 없습니다. 잠시 뒤에 다시 시도하세요.",
    problem_other: "서버가 응답하지 못했습니다 ({status}). 요청 {request}.",
    problem_network: "서버에 연결할 수 없습니다.",
    made_title: "이 페이지가 만들어진 과정",
    made_lead: "이 페이지가 보낸 모든 요청과, 그 응답이 스스로 밝힌 처리 과정입니다.",
    made_request: "요청", made_edge: "엣지", made_served_by: "처리한 서버", made_from: "응답 출처", made_time: "시간",
    made_summary_one: "요청 {count}개, {ms} ms", made_summary_other: "요청 {count}개, 가장 느린 것 {ms} ms",
    made_browser_cache: "이 브라우저의 캐시", made_failed: "응답 없음",
    made_cache_hit: "캐시 적중", made_cache_miss: "캐시 미스", made_cache_off: "캐시 없음",
  },
};

const KEY = "sluice.language";
let current = localStorage.getItem(KEY) ?? (navigator.language.startsWith("ko") ? "ko" : "en");

export function language() {
  return current;
}

export function other() {
  return current === "ko" ? "en" : "ko";
}

/* Changes the language of the page's fixed words and says so to whoever drew the rest. */
export function speak(code) {
  current = WORDS[code] ? code : "en";
  localStorage.setItem(KEY, current);
  document.documentElement.lang = current;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  dispatchEvent(new Event("sluice:language"));
}

/* The sentence of a key, with {name}s filled in. An unknown key is shown as it is, which is easy to see. */
export function t(key, values = {}) {
  const sentence = WORDS[current][key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function known(key) {
  return key in WORDS[current];
}

/* `counted("views", 1234)` → "1,234 views": the plural as the language has it, the number shortened from 10,000 on. */
export function counted(noun, count) {
  const plural = new Intl.PluralRules(current).select(count) === "one" ? "one" : "other";
  return t(`${noun}_${plural}`, { count: short(count) });
}

export function short(count) {
  const notation = count >= 10000 ? "compact" : "standard";
  return new Intl.NumberFormat(current, { notation, maximumFractionDigits: 1 }).format(count);
}

export function date(iso) {
  return new Intl.DateTimeFormat(current, { dateStyle: "long" }).format(new Date(iso));
}

const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/* "3 hours ago", "yesterday". */
export function ago(iso) {
  const seconds = Math.min(0, (new Date(iso) - Date.now()) / 1000);
  const [unit, length] = STEPS.find(([, size]) => -seconds >= size) ?? STEPS.at(-1);
  return new Intl.RelativeTimeFormat(current, { numeric: "auto" }).format(Math.ceil(seconds / length), unit);
}
