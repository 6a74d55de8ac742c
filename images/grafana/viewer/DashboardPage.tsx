// An open dashboard. In: its JSON and the datasources. Out: controls and panels that follow the clock.
import { useCallback, useEffect, useMemo, useState } from 'react';
import { dateTime } from '@grafana/data';
import { DashboardCursorSync, type Dashboard } from '@grafana/schema';
import { Icon } from '@grafana/ui';
import { fetchMarks } from './annotations.ts';
import type { Datasource } from './api.ts';
import { Controls } from './Controls.tsx';
import { interpolate, intervalOf } from './interpolate.ts';
import { COLUMNS, GAP_PX, layout, LINE_PX, type Place } from './layout.ts';
import type { Mark } from './marks.ts';
import { PanelFrame } from './PanelFrame.tsx';
import { namesOf, useVariables, valuesOf } from './variables.ts';
import { remember, remembered, useClock, ViewContext, type View } from './view.ts';

const NARROW_PX = 768; // below, panels stand one under the other, as in Grafana
const ABOVE_PX = 140;  // the banner, the name and the controls

const gridStyle = ({ x, y, w, h }: Place) => ({ gridColumn: `${x + 1} / span ${w}`, gridRow: `${y + 1} / span ${h}`, minWidth: 0 });

function useNarrow(): boolean {
  const query = useMemo(() => window.matchMedia(`(max-width: ${NARROW_PX}px)`), []);
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const follow = (): void => setNarrow(query.matches);
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, [query]);
  return narrow;
}

interface Props {
  dashboard: Dashboard;
  datasources: Datasource[];
  light: boolean;
  onTheme: () => void;
}

export function DashboardPage({ dashboard, datasources, light, onTheme }: Props) {
  const [timeZone, setTimeZone] = useState(dashboard.timezone || 'browser');
  const clock = useClock(dashboard, timeZone);
  const span = useMemo(() => ({ fromMs: clock.range.from.valueOf(), toMs: clock.range.to.valueOf() }), [clock.range]);
  const models = useMemo(() => dashboard.templating?.list ?? [], [dashboard]);
  const { variables, choose } = useVariables(models, datasources, span);
  const values = useMemo(() => ({
    ...valuesOf(variables ?? []),
    __dashboard: dashboard.title ?? '',
    __url_time_range: `from=${span.fromMs}&to=${span.toMs}`,
  }), [variables, dashboard, span]);
  const names = useMemo(() => ({ ...values, ...namesOf(variables ?? []) }), [values, variables]);

  const [marks, setMarks] = useState<Mark[]>([]);
  useEffect(() => {
    const queries = dashboard.annotations?.list ?? [];
    const { stepMs } = intervalOf(span.toMs - span.fromMs, 500, 15_000);
    void fetchMarks(queries, datasources, values, span, stepMs).then(setMarks);
  }, [dashboard, datasources, values, span]);

  const zoom = useCallback((to: View['span']) => clock.setRange({ from: dateTime(to.fromMs), to: dateTime(to.toMs) }), [clock.setRange]);
  const sharedCursor = (dashboard.graphTooltip ?? DashboardCursorSync.Off) !== DashboardCursorSync.Off;
  const view = useMemo<View>(
    () => ({ range: clock.range, span, timeZone, values, names, datasources, marks, sharedCursor, zoom }),
    [clock.range, span, timeZone, values, names, datasources, marks, sharedCursor, zoom]);

  const [toggled, setToggled] = useState<ReadonlySet<number>>(new Set());
  const toggle = (id: number): void => setToggled((before) => {
    const after = new Set(before);
    after.delete(id) || after.add(id);
    return after;
  });
  const [viewed, setViewed] = useState<number | null>(() => {
    const asked = Number((remembered('viewPanel')[0] ?? '').replace('panel-', ''));
    return asked > 0 ? asked : null;
  });
  const show = (id: number | null): void => {
    remember('viewPanel', id === null ? '' : String(id));
    setViewed(id);
  };

  const narrow = useNarrow();
  const placed = useMemo(() => layout(dashboard.panels ?? [], toggled, narrow), [dashboard, toggled, narrow]);
  const alone = viewed === null ? undefined : placed.find((one) => 'panel' in one && one.panel.id === viewed);
  const grid = { display: 'grid', gridTemplateColumns: `repeat(${COLUMNS}, 1fr)`, gridAutoRows: LINE_PX, gap: GAP_PX, padding: '0 16px 16px' };

  return (
    <ViewContext.Provider value={view}>
      <Controls
        dashboard={dashboard} clock={clock} variables={variables ?? []} values={values} timeZone={timeZone} light={light}
        choose={choose} onTimeZone={setTimeZone} onTheme={onTheme}
      />
      {variables !== null && (
        <main style={grid}>
          {(alone === undefined ? placed : [{ ...alone, place: { x: 0, y: 0, w: COLUMNS, h: Math.floor((window.innerHeight - ABOVE_PX) / (LINE_PX + GAP_PX)) } }]).map((one) => 'row' in one ? (
            <button key={one.row.id} type="button" onClick={() => toggle(one.row.id)} aria-expanded={!one.collapsed}
              style={{ ...gridStyle(one.place), background: 'none', border: 0, color: 'inherit', textAlign: 'left', fontWeight: 500 }}>
              <Icon name={one.collapsed ? 'angle-right' : 'angle-down'} /> {interpolate(one.row.title ?? '', names)}
              {one.collapsed && <small> ({one.count} {one.count === 1 ? 'panel' : 'panels'})</small>}
            </button>
          ) : (
            <PanelFrame
              key={one.panel.id} panel={one.panel} style={gridStyle(one.place)} alone={alone !== undefined}
              onView={() => show(alone === undefined ? (one.panel.id ?? null) : null)}
            />
          ))}
        </main>
      )}
    </ViewContext.Provider>
  );
}
