// A panel's data. In: a panel, its width and the view. Out: frames as its targets, transformations and field config
// say, and the state of the question. While new data is on its way the old stays on the screen.
import { useEffect, useMemo, useState } from 'react';
import { lastValueFrom } from 'rxjs';
import { LoadingState, transformDataFrame, type DataFrame, type DataTransformerConfig, type InterpolateFunction } from '@grafana/data';
import type { Panel } from '@grafana/schema';
import { useTheme2 } from '@grafana/ui';
import { applyConfig } from './fieldConfig.ts';
import { durationMs, interpolate, intervalOf, type Values } from './interpolate.ts';
import { runTarget, type Target } from './prometheus.ts';
import { uidOf } from './variables.ts';
import type { View } from './view.ts';

export interface PanelData {
  state: LoadingState;
  frames: DataFrame[];
  asked: boolean; // there was an answer before, be it an empty one
  error?: string;
}

const DEFAULT_SCRAPE = '15s'; // Grafana's own, where the datasource says nothing

async function load(panel: Panel, width: number, view: View, signal: AbortSignal): Promise<DataFrame[]> {
  const targets = ((panel.targets ?? []) as Target[]).filter((target) => !target.hide && target.expr);
  const { span, values, datasources } = view;
  const answers = targets.map((target) => {
    const source = (target as { datasource?: unknown }).datasource ?? panel.datasource;
    const uid = uidOf(source, datasources, values);
    if (uid === undefined) {
      throw new Error('no datasource is provisioned');
    }
    const scrape = datasources.find((found) => found.uid === uid)?.jsonData.timeInterval ?? DEFAULT_SCRAPE;
    const minimum = interpolate(target.interval || panel.interval || scrape, values);
    const points = panel.maxDataPoints ?? Math.max(Math.floor(width), 100);
    const interval = intervalOf(span.toMs - span.fromMs, points, durationMs(minimum));
    return runTarget(uid, target, span, interval, values, targets.length === 1, signal);
  });
  const frames = (await Promise.all(answers)).flat();
  const context = { interpolate: (text: string) => interpolate(text, values) };
  return lastValueFrom(transformDataFrame((panel.transformations ?? []) as DataTransformerConfig[], frames, context));
}

export function replacerOf(values: Values): InterpolateFunction {
  return (text, scoped) => {
    const more: Values = { ...values };
    for (const [name, variable] of Object.entries(scoped ?? {})) {
      if (typeof variable?.value === 'string') {
        more[name] = variable.value;
      }
    }
    return interpolate(text, more);
  };
}

/** `shown`: only panels on the screen ask. `width` 0: not measured yet. */
export function usePanelData(panel: Panel, width: number, view: View, shown: boolean): PanelData {
  const [raw, setRaw] = useState<PanelData>({ state: LoadingState.NotStarted, frames: [], asked: false });
  const { span, values, datasources } = view;

  useEffect(() => {
    if (!shown || width === 0 || (panel.targets ?? []).length === 0) {
      return undefined;
    }
    const abort = new AbortController();
    setRaw((before) => ({ ...before, state: LoadingState.Loading }));
    load(panel, width, view, abort.signal).then(
      (frames) => abort.signal.aborted || setRaw({ state: LoadingState.Done, frames, asked: true }),
      (error: unknown) =>
        abort.signal.aborted ||
        setRaw((before) => ({ ...before, state: LoadingState.Error, asked: true, error: error instanceof Error ? error.message : String(error) }))
    );
    return () => abort.abort();
    // A resize alone asks nothing: the next refresh fits the new width.
  }, [panel, span, values, datasources, shown, width === 0]);

  const theme = useTheme2();
  const frames = useMemo(
    () => applyConfig(panel, raw.frames, theme, view.timeZone, replacerOf(values)),
    [panel, raw.frames, theme, view.timeZone, values]
  );
  return { ...raw, frames };
}
