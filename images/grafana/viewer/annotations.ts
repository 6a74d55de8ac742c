// Events drawn over the time axis: each query of the dashboard's annotations that gives a value above zero.
// In: the dashboard's annotation queries and a span. Out: marks.
import type { AnnotationQuery } from '@grafana/schema';
import type { Datasource } from './api.ts';
import { interpolate, legendOf, promDefault, type Values } from './interpolate.ts';
import { marksOf, type Mark } from './marks.ts';
import { ask, type Span } from './prometheus.ts';
import { uidOf } from './variables.ts';

interface PrometheusAnnotation {
  expr?: string;
  target?: { expr?: string }; // where newer dashboards have it
  titleFormat?: string;
  textFormat?: string;
}

type Matrix = { result: { metric: Record<string, string>; values: [number, string][] }[] };

export async function fetchMarks(
  queries: AnnotationQuery[], datasources: Datasource[], values: Values, span: Span, stepMs: number
): Promise<Mark[]> {
  const asked = queries.map(async (query): Promise<Mark[]> => {
    const { target, expr = target?.expr, titleFormat, textFormat } = query as PrometheusAnnotation;
    const uid = uidOf(query.datasource, datasources, values);
    if (query.enable === false || expr === undefined || uid === undefined) {
      return [];
    }
    const start = Math.floor(span.fromMs / stepMs) * stepMs;
    const { result } = await ask<Matrix>(uid, 'query_range', {
      query: interpolate(expr, values, promDefault),
      start: String(start / 1000),
      end: String(span.toMs / 1000),
      step: String(stepMs / 1000),
    });
    return result.flatMap(({ metric, values: points }) => {
      const text = [query.name, legendOf(titleFormat ?? '', metric), legendOf(textFormat ?? '', metric)];
      return marksOf(points, stepMs, text.filter((part) => part !== '').join(' · '), query.iconColor ?? 'blue');
    });
  });
  // A failing annotation query must not take the panels with it.
  const settled = await Promise.allSettled(asked);
  return settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
}
