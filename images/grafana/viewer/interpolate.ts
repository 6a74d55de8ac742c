// Puts values in the place of $name, ${name}, ${name:format} and [[name]], as Grafana does.
// In: a text and the values that are known. Out: the text; an unknown name stays as it is written.
// Formats: Grafana documentation, "Variable syntax". Prometheus queries get regex form for lists by default.

export type Value = string | string[];
export type Values = Record<string, Value>;
type Format = (value: Value) => string;

const list = (value: Value): string[] => (Array.isArray(value) ? value : [value]);
const escapeRegex = (text: string): string => text.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');

/** One regex that matches each value of a list, with backslashes doubled for a PromQL string. */
function promRegex(value: Value): string {
  const parts = list(value).map((text) => escapeRegex(text).replaceAll('\\', '\\\\'));
  return parts.length === 1 ? (parts[0] ?? '') : `(${parts.join('|')})`;
}

/** Default of PromQL: a single value is a plain string in quotes, a list becomes a regex. */
export const promDefault: Format = (value) =>
  Array.isArray(value) ? promRegex(value) : value.replaceAll('\\', '\\\\').replaceAll('"', '\\"');

/** Default of titles, texts and links. */
export const textDefault: Format = (value) => list(value).join(' + ');

const FORMATS: Record<string, Format> = {
  raw: (value) => list(value).join(','),
  csv: (value) => list(value).join(','),
  pipe: (value) => list(value).join('|'),
  text: textDefault,
  regex: (value) => {
    const parts = list(value).map(escapeRegex);
    return parts.length === 1 ? (parts[0] ?? '') : `(${parts.join('|')})`;
  },
  percentencode: (value) => encodeURIComponent(list(value).join(',')),
};

const REFERENCE = /\$(\w+)|\$\{(\w+)(?:\.[^:}]+)?(?::([^}]+))?\}|\[\[(\w+)(?::([^\]]+))?\]\]/g;

export function interpolate(text: string, values: Values, plain: Format = textDefault): string {
  return text.replace(REFERENCE, (written, bare, braced, bracedFormat, square, squareFormat) => {
    const value = values[bare ?? braced ?? square];
    if (value === undefined) {
      return written;
    }
    return (FORMATS[bracedFormat ?? squareFormat ?? ''] ?? plain)(value);
  });
}

/** A legend's `{{job}} {{mode}}` filled from the labels; an absent label leaves nothing. */
export function legendOf(format: string, labels: Record<string, string>): string {
  return format.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
}

const DURATION_MS: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, y: 31536e6 };

/** `1m30s` in ms. Throws RangeError on anything else. */
export function durationMs(text: string): number {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim()) {
    throw new RangeError(`not a duration: ${text}`);
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * (DURATION_MS[part[2] ?? ''] ?? 0), 0);
}

/** A duration as PromQL takes it, in the greatest unit that leaves no rest: 90000 → `90s`. */
export function promDuration(ms: number): string {
  const units = [['d', 864e5], ['h', 36e5], ['m', 6e4], ['s', 1e3]] as const;
  const unit = units.find(([, size]) => ms >= size && ms % size === 0);
  return unit ? `${ms / unit[1]}${unit[0]}` : `${Math.round(ms)}ms`;
}

// The steps that Grafana rounds to (rangeUtil.roundInterval), up to a day: upper bound of the raw value → step, in ms.
const STEPS: [number, number][] = [
  [10, 1], [15, 10], [35, 20], [75, 50], [150, 100], [350, 200], [750, 500], [1500, 1e3], [3500, 2e3], [7500, 5e3],
  [12500, 1e4], [17500, 15e3], [25e3, 2e4], [45e3, 3e4], [90e3, 6e4], [21e4, 12e4], [45e4, 3e5], [75e4, 6e5],
  [105e4, 9e5], [15e5, 12e5], [27e5, 18e5], [54e5, 36e5], [9e6, 72e5], [162e5, 108e5], [324e5, 216e5], [864e5, 432e5],
];

export interface Interval {
  stepMs: number;
  rateIntervalMs: number;
}

/**
 * The step of a query and the window of its rates. `points` is what the panel can show, `minimumMs` how often
 * Prometheus looks at what is asked for. A rate's window always holds four such looks, so that one missed leaves no
 * hole (Grafana documentation, Prometheus, "Using $__rate_interval").
 */
export function intervalOf(rangeMs: number, points: number, minimumMs: number): Interval {
  const raw = rangeMs / Math.max(points, 1);
  const rounded = STEPS.find(([bound]) => raw < bound)?.[1] ?? 864e5;
  const limit = rangeMs / 11_000; // Prometheus refuses more points than this in one answer
  const stepMs = Math.max(rounded, minimumMs, Math.ceil(limit));
  return { stepMs, rateIntervalMs: Math.max(stepMs + minimumMs, 4 * minimumMs) };
}
