/* The words of the site in English and Korean, and the shapes of its numbers and dates. A sentence has the same
   key in both tables (a test compares them). */

const WORDS = {
  en: {
    skip: "Skip to the content",
    home: "Home", write: "Write", sign_up: "Sign up", log_in: "Log in", log_out: "Log out",
    other_language: "한국어", log_out_everywhere: "Log out everywhere", log_out_everywhere_sure: "Yes, in all browsers",
    notifications: "Notifications", notifications_unread: "Notifications, {count} unread", unread: "unread", wrote: "wrote",
    notifications_need_log_in: "Log in to see what the members you follow have written.",
    no_notifications: "Nothing yet. Follow a member, and their new posts are announced here.",
    tagline: "One application, five architectures.",
    tagline_more: "A small community on a stack that you climb one stage at a time. Open the line at the bottom to see which boxes answered you.",
    popular: "Most viewed", newest: "Newest posts", posts_by: "Posts by {name}",
    more: "More posts", no_posts: "Nothing here yet.",
    loading: "Loading …", loaded: "{count} shown",
    views_one: "{count} view", views_other: "{count} views",
    posts_one: "{count} post", posts_other: "{count} posts",
    member_since: "Member since {date}", settings: "Your account",
    follow: "Follow", followed: "Following", now_followed: "Their new posts will be announced to you.", now_unfollowed: "You no longer follow this member.",
    avatar_choose: "Choose a picture", avatar_hint: "JPEG, PNG, WebP or GIF, up to 5 MiB. It is cut to a square.",
    avatar_sent: "Sending", avatar_queued: "In the queue", avatar_done: "Ready in three sizes",
    avatar_saved: "This is your new picture.", avatar_failed: "The picture could not be used: {reason}",
    avatar_late: "It takes longer than usual. The picture will appear when it is ready.",
    title: "Title", body: "Your post", publish: "Publish", published: "Published.",
    email: "E-mail", name: "Name", password: "Password", password_hint: "At least 10 characters.",
    name_hint: "Shown beside your posts.",
    rename: "Change my name", save: "Save", saved: "Saved.",
    have_account: "Already a member?", no_account: "Not a member yet?",
    welcome: "Welcome, {name}.", goodbye: "You are logged out.", goodbye_everywhere: "You are logged out in all browsers.",
    write_needs_log_in: "Log in to write a post.",
    not_found: "This page does not exist.", back_home: "Back to the posts",
    try_again: "Try again",
    problem_400: "The server could not read that.",
    problem_401: "E-mail and password do not match, or your session has ended. Please log in.",
    problem_403: "That is not yours to change.",
    problem_404: "There is nothing here.",
    problem_409: "This e-mail address is taken.",
    problem_413: "That is too large.",
    problem_415: "This kind of file is not taken.",
    problem_422: "Please check what you entered.",
    problem_429: "Too many requests. Please wait {seconds} s.",
    problem_503: "The service cannot answer right now. Please try again in a moment.",
    problem_other: "The server could not answer ({status}). Request {request}.",
    problem_network: "The server cannot be reached.",
    made_title: "How this page was made",
    made_lead: "The boxes behind this page, and the way that each of its requests took, as its own answer tells.",
    made_hint: "Point at a request below, or choose it, to see its way and where it spent its time. Now: how many requests came by each box.",
    made_browser: "browser", made_later: "later {boxes}", made_stored: "stored; made by {box}",
    made_request: "Request", made_edge: "Edge", made_served_by: "Served by", made_from: "Answered from", made_time: "Time",
    made_summary_one: "{count} request, {ms} ms", made_summary_other: "{count} requests, the slowest {ms} ms",
    made_browser_cache: "this browser's cache", made_edge_cache: "edge cache", made_failed: "no answer",
    made_job_queued: "{job}: queued", made_job_done: "{job}: done in the request", made_job_left: "{job}: left for later",
    made_cache_hit: "cache: hit", made_cache_miss: "cache: miss", made_cache_off: "no cache",
  },
  ko: {
    skip: "본문으로 건너뛰기",
    home: "홈", write: "글쓰기", sign_up: "가입", log_in: "로그인", log_out: "로그아웃",
    other_language: "English", log_out_everywhere: "모든 기기에서 로그아웃", log_out_everywhere_sure: "네, 모든 브라우저에서",
    notifications: "알림", notifications_unread: "알림, 읽지 않음 {count}개", unread: "읽지 않음", wrote: "님이 새 글을 썼습니다",
    notifications_need_log_in: "팔로우한 회원의 새 글을 보려면 로그인하세요.",
    no_notifications: "아직 알림이 없습니다. 회원을 팔로우하면 새 글을 여기에서 알려 드립니다.",
    tagline: "하나의 애플리케이션, 다섯 가지 아키텍처.",
    tagline_more: "한 단계씩 올라가는 스택 위의 작은 커뮤니티입니다. 맨 아래 줄을 열면 어떤 서버가 응답했는지 볼 수 있습니다.",
    popular: "인기 글", newest: "새 글", posts_by: "{name} 님의 글",
    more: "글 더 보기", no_posts: "아직 글이 없습니다.",
    loading: "불러오는 중 …", loaded: "{count}개를 표시했습니다",
    views_one: "조회 {count}회", views_other: "조회 {count}회",
    posts_one: "글 {count}개", posts_other: "글 {count}개",
    member_since: "{date} 가입", settings: "내 계정",
    follow: "팔로우", followed: "팔로잉", now_followed: "이 회원의 새 글을 알려 드립니다.", now_unfollowed: "팔로우를 취소했습니다.",
    avatar_choose: "사진 선택", avatar_hint: "JPEG, PNG, WebP, GIF, 최대 5 MiB. 정사각형으로 잘립니다.",
    avatar_sent: "보내는 중", avatar_queued: "대기열에서 처리 중", avatar_done: "세 가지 크기로 준비됨",
    avatar_saved: "새 사진으로 바뀌었습니다.", avatar_failed: "사진을 사용할 수 없습니다: {reason}",
    avatar_late: "평소보다 오래 걸립니다. 준비되면 사진이 나타납니다.",
    title: "제목", body: "내용", publish: "올리기", published: "글을 올렸습니다.",
    email: "이메일", name: "이름", password: "비밀번호", password_hint: "10자 이상 입력하세요.",
    name_hint: "글 옆에 표시됩니다.",
    rename: "이름 바꾸기", save: "저장", saved: "저장했습니다.",
    have_account: "이미 회원이신가요?", no_account: "아직 회원이 아니신가요?",
    welcome: "{name} 님, 환영합니다.", goodbye: "로그아웃했습니다.", goodbye_everywhere: "모든 브라우저에서 로그아웃했습니다.",
    write_needs_log_in: "글을 쓰려면 로그인하세요.",
    not_found: "없는 페이지입니다.", back_home: "글 목록으로",
    try_again: "다시 시도",
    problem_400: "서버가 요청을 읽지 못했습니다.",
    problem_401: "이메일과 비밀번호가 맞지 않거나 로그인이 만료되었습니다. 다시 로그인하세요.",
    problem_403: "본인의 것만 바꿀 수 있습니다.",
    problem_404: "찾는 내용이 없습니다.",
    problem_409: "이미 사용 중인 이메일입니다.",
    problem_413: "파일이 너무 큽니다.",
    problem_415: "지원하지 않는 형식입니다.",
    problem_422: "입력한 내용을 확인하세요.",
    problem_429: "요청이 너무 많습니다. {seconds}초 뒤에 다시 시도하세요.",
    problem_503: "지금은 서비스가 응답할 수 없습니다. 잠시 뒤에 다시 시도하세요.",
    problem_other: "서버가 응답하지 못했습니다 ({status}). 요청 {request}.",
    problem_network: "서버에 연결할 수 없습니다.",
    made_title: "이 페이지가 만들어진 과정",
    made_lead: "이 페이지 뒤에 있는 서버들과, 각 요청이 지나간 경로입니다. 응답이 스스로 밝힌 내용입니다.",
    made_hint: "아래 요청을 가리키거나 선택하면 지나간 경로와 걸린 시간을 볼 수 있습니다. 지금은 각 서버를 지나간 요청 수입니다.",
    made_browser: "브라우저", made_later: "이후 {boxes}", made_stored: "저장된 응답, {box} 생성",
    made_request: "요청", made_edge: "엣지", made_served_by: "처리한 서버", made_from: "응답 출처", made_time: "시간",
    made_summary_one: "요청 {count}개, {ms} ms", made_summary_other: "요청 {count}개, 가장 느린 것 {ms} ms",
    made_browser_cache: "이 브라우저의 캐시", made_edge_cache: "엣지 캐시", made_failed: "응답 없음",
    made_job_queued: "{job}: 대기열", made_job_done: "{job}: 요청 안에서 완료", made_job_left: "{job}: 나중에 처리",
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
