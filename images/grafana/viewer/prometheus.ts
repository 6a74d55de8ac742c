// Asks Prometheus and turns its answer into Grafana's data frames.
// In: one target of a panel and a time range. Out: frames; throws Error with Prometheus' own words.
import { FieldType, type DataFrame, type Labels } from '@grafana/data';
import { fetchPatiently } from './api.ts';
import { interpolate, legendOf, promDefault, promDuration, type Interval, type Values } from './interpolate.ts';

export interface Target {
  refId?: string;
  expr?: string;
  hide?: boolean;
  instant?: boolean;
  range?: boolean;
  format?: string;
  legendFormat?: string;
  interval?: string;
}

export interface Span {
  fromMs: number;
  toMs: number;
}

type Sample = [seconds: number, value: string];
interface Series {
  metric: Labels;
  value?: Sample;
  values?: Sample[];
}

interface Answer {
  status: string;
  error?: string;
  data: { resultType: string; result: Series[] | Sample };
}

let underWay = 0;

/** Whether an answer is still waited for: a datasource slower than the refresh is not asked again meanwhile. */
export const isAsking = (): boolean => underWay > 0;

/** Calls one of Prometheus' query addresses through the server. */
export async function ask<T>(uid: string, path: string, parameters: Record<string, string>, signal?: AbortSignal): Promise<T> {
  const options = { method: 'POST', body: new URLSearchParams(parameters), signal };
  underWay += 1;
  try {
    const response = await fetchPatiently(`/api/datasources/proxy/uid/${uid}/api/v1/${path}`, options);
    const answer = (await response.json().catch(() => ({ error: response.statusText }))) as Answer;
    if (!response.ok || answer.status !== 'success') {
      throw new Error(answer.error ?? `HTTP ${response.status}`);
    }
    return answer.data as T;
  } finally {
    underWay -= 1;
  }
}

const number = (text: string): number =>
  text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);

function frameOf(series: Series, target: Target, stepMs: number): DataFrame {
  const samples = series.values ?? (series.value ? [series.value] : []);
  const { __name__: metric, ...labels } = series.metric;
  const format = target.legendFormat ?? '';
  const named = format !== '' && format !== '__auto';
  const name = named ? legendOf(format, series.metric) : Object.keys(labels).length === 0 ? (metric ?? target.expr) : undefined;
  return {
    refId: target.refId,
    length: samples.length,
    fields: [
      { name: 'Time', type: FieldType.time, config: { interval: stepMs }, values: samples.map(([seconds]) => seconds * 1000) },
      {
        name: metric ?? 'Value',
        type: FieldType.number,
        labels,
        config: name === undefined ? {} : { displayNameFromDS: name },
        values: samples.map(([, value]) => number(value)),
      },
    ],
  };
}

/** All series in one frame: a column for each label, as the table format of Grafana's Prometheus datasource. */
function tableOf(all: Series[], target: Target, valueName: string): DataFrame {
  const rows = all.flatMap((series) => (series.values ?? [series.value as Sample]).map((sample) => ({ series, sample })));
  const labels = [...new Set(all.flatMap((series) => Object.keys(series.metric)))].sort();
  return {
    refId: target.refId,
    length: rows.length,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: rows.map(({ sample }) => sample[0] * 1000) },
      ...labels.map((name) => ({
        name, type: FieldType.string, config: {}, values: rows.map(({ series }) => series.metric[name] ?? ''),
      })),
      { name: valueName, type: FieldType.number, config: {}, values: rows.map(({ sample }) => number(sample[1])) },
    ],
  };
}

function framesOf(data: Answer['data'], target: Target, stepMs: number, valueName: string): DataFrame[] {
  const all = data.resultType === 'scalar'
    ? [{ metric: {}, value: data.result as Sample }]
    : (data.result as Series[]);
  return target.format === 'table' ? [tableOf(all, target, valueName)] : all.map((series) => frameOf(series, target, stepMs));
}

/** Runs a target. A range starts at a multiple of its step, so that points do not dance at every refresh. */
export async function runTarget(
  uid: string, target: Target, span: Span, interval: Interval, values: Values, alone: boolean, signal: AbortSignal
): Promise<DataFrame[]> {
  const query = interpolate(target.expr ?? '', { ...values, ...intervalValues(interval, span) }, promDefault);
  const stepMs = interval.stepMs;
  const valueName = alone ? 'Value' : `Value #${target.refId}`;
  const asked: Promise<Answer['data']>[] = [];
  if (target.range !== false || target.instant !== true) {
    const start = Math.floor(span.fromMs / stepMs) * stepMs;
    const end = Math.floor(span.toMs / stepMs) * stepMs;
    const range = { query, start: String(start / 1000), end: String(end / 1000), step: String(stepMs / 1000) };
    asked.push(ask(uid, 'query_range', range, signal));
  }
  if (target.instant === true) {
    asked.push(ask(uid, 'query', { query, time: String(span.toMs / 1000) }, signal));
  }
  return (await Promise.all(asked)).flatMap((data) => framesOf(data, target, stepMs, valueName));
}

export function intervalValues(interval: Interval, span: Span): Values {
  const rangeMs = span.toMs - span.fromMs;
  return {
    __interval: promDuration(interval.stepMs),
    __interval_ms: String(interval.stepMs),
    __rate_interval: promDuration(interval.rateIntervalMs),
    __rate_interval_ms: String(interval.rateIntervalMs),
    __range: promDuration(Math.round(rangeMs / 1000) * 1000),
    __range_s: String(Math.round(rangeMs / 1000)),
    __range_ms: String(rangeMs),
    __from: String(span.fromMs),
    __to: String(span.toMs),
  };
}

const LABEL_VALUES = /^label_values\((?:(.+),\s*)?([a-zA-Z_]\w*)\)$/;

/** The choices of a query variable: `label_values(metric, label)`, `label_values(label)` or `query_result(expr)`. */
export async function choices(uid: string, query: string, span: Span, regex: string): Promise<string[]> {
  const time = { start: String(span.fromMs / 1000), end: String(span.toMs / 1000) };
  const labels = LABEL_VALUES.exec(query.trim());
  const result = /^query_result\((.+)\)$/.exec(query.trim());
  let found: string[] = [];
  if (labels !== null) {
    const [, metric, label] = labels as unknown as [string, string | undefined, string];
    const series = await ask<Labels[]>(uid, 'series', { 'match[]': metric ?? `{${label}!=""}`, ...time });
    found = series.flatMap((one) => one[label] ?? []);
  } else if (result?.[1] !== undefined) {
    const { result: all } = await ask<{ result: Series[] }>(uid, 'query', { query: result[1], time: time.end });
    found = all.map((one) => `${one.metric.__name__ ?? ''}${JSON.stringify(one.metric)} ${one.value?.[1] ?? ''}`);
  }
  const pattern = regex === '' ? /(.*)/ : new RegExp(regex.replace(/^\/|\/$/g, ''));
  const kept = found.flatMap((text) => { const match = pattern.exec(text); return match ? (match[1] ?? match[0]) : []; });
  return [...new Set(kept)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
