// What all panels of an open dashboard share. In: the dashboard and the page's address. Out: the time range, the
// variables' values and how to change them. Whatever a reader chooses stands in the address, under Grafana's names
// (from, to, refresh, var-NAME, theme, viewPanel), so that a view can be sent to someone else.
import { createContext, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { dateTime, isDateTime, rangeUtil, type RawTimeRange, type TimeRange } from '@grafana/data';
import type { Dashboard } from '@grafana/schema';
import type { Datasource } from './api.ts';
import type { Mark } from './marks.ts';
import { durationMs, type Values } from './interpolate.ts';
import { isAsking, type Span } from './prometheus.ts';

export interface View {
  range: TimeRange;
  span: Span;
  timeZone: string;
  values: Values; // what queries are filled with
  names: Values; // what titles and texts are filled with
  datasources: Datasource[];
  marks: Mark[];
  sharedCursor: boolean;
  zoom: (span: Span) => void;
}

export const ViewContext = createContext<View | null>(null);

export function useView(): View {
  const view = useContext(ViewContext);
  if (view === null) {
    throw new Error('a panel stands outside of a dashboard');
  }
  return view;
}

const parameters = (): URLSearchParams => new URLSearchParams(window.location.search);

/** Puts one choice into the address; an empty one takes it out. */
export function remember(name: string, value: string | string[]): void {
  const all = parameters();
  all.delete(name);
  for (const one of Array.isArray(value) ? value : [value]) {
    if (one !== '') {
      all.append(name, one);
    }
  }
  const search = all.toString();
  window.history.replaceState(null, '', window.location.pathname + (search ? `?${search}` : ''));
}

export const remembered = (name: string): string[] => parameters().getAll(name);

const readTime = (text: string) => (/^\d{12,}$/.test(text) ? dateTime(Number(text)) : /^now/.test(text) ? text : dateTime(text));
const writeTime = (time: RawTimeRange['from']): string => (isDateTime(time) ? String(time.valueOf()) : time);

export interface Clock {
  range: TimeRange;
  refresh: string;
  setRange: (raw: RawTimeRange) => void;
  setRefresh: (interval: string) => void;
  tick: () => void;
}

/** The time range, moved on at each refresh. A page nobody looks at asks nothing, and a slow
 * datasource is not asked again before it has answered. */
export function useClock(dashboard: Dashboard, timeZone: string): Clock {
  const [raw, setRaw] = useState<RawTimeRange>(() => ({
    from: readTime(remembered('from')[0] ?? dashboard.time?.from ?? 'now-1h'),
    to: readTime(remembered('to')[0] ?? dashboard.time?.to ?? 'now'),
  }));
  const [refresh, setInterval] = useState(() => remembered('refresh')[0] ?? dashboard.refresh ?? '');
  const [count, setCount] = useState(0);
  const tick = useCallback(() => setCount((before) => before + 1), []);

  useEffect(() => {
    if (refresh === '') {
      return undefined;
    }
    const timer = window.setInterval(() => document.hidden || isAsking() || tick(), durationMs(refresh));
    return () => window.clearInterval(timer);
  }, [refresh, tick]);

  // `count` moves the relative ends of the range to the present.
  const range = useMemo(() => rangeUtil.convertRawToRange(raw, timeZone), [raw, timeZone, count]);
  const setRange = useCallback((chosen: RawTimeRange) => {
    remember('from', writeTime(chosen.from));
    remember('to', writeTime(chosen.to));
    setRaw(chosen);
  }, []);
  const setRefresh = useCallback((interval: string) => {
    remember('refresh', interval);
    setInterval(interval);
  }, []);
  return { range, refresh, setRange, setRefresh, tick };
}
