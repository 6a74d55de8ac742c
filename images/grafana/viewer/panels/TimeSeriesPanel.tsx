// Lines over time. In: frames with a time and number fields. Out: Grafana's TimeSeries with legend and tooltip.
import { useCallback, useMemo, useRef, useState } from 'react';
import {
  compareArrayValues, compareDataFrameStructures, DashboardCursorSync, dateTimeFormat, EventBusSrv, FieldType, getFieldDisplayName,
  type DataFrame,
} from '@grafana/data';
import { LegendDisplayMode, SortOrder, TooltipDisplayMode, type LegendPlacement, type VizLegendOptions, type VizTooltipOptions } from '@grafana/schema';
import {
  PanelContextProvider, TimeSeries, TooltipPlugin2, VizTooltipContent, VizTooltipHeader, VizTooltipWrapper, getFieldDisplayItems,
  SeriesVisibilityChangeMode, type PanelContext,
} from '@grafana/ui';
import { withGaps } from '../gaps.ts';
import { TooltipHoverMode } from '../grafanaInternals.ts';
import { useView } from '../view.ts';
import { AnnotationMarks } from './AnnotationMarks.tsx';
import { NoData } from './NoData.tsx';
import type { PanelProps } from './index.ts';

interface Options {
  legend?: Partial<VizLegendOptions>;
  tooltip?: Partial<VizTooltipOptions>;
}

const eventBus = new EventBusSrv();
const LAST_LABEL_PX = 18; // half of a time's width: the last one would be cut off at the edge

/** Fills the holes of each frame and marks the series that the reader has hidden. */
function prepare(frames: DataFrame[], hidden: ReadonlySet<string>): DataFrame[] {
  return frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === FieldType.time);
    if (time === undefined || frame.length === 0) {
      return [];
    }
    const stepMs = time.config.interval ?? Infinity;
    const fields = frame.fields.filter((field) => field.type === FieldType.number).map((field) => {
      const isHidden = hidden.has(getFieldDisplayName(field, frame, frames));
      const hideFrom = { legend: false, tooltip: isHidden, viz: isHidden };
      const custom = { ...field.config.custom, ...(isHidden ? { hideFrom } : {}) };
      const { values } = withGaps(time.values, field.values, stepMs);
      return { ...field, values, config: { ...field.config, custom } };
    });
    const { times } = withGaps(time.values, [], stepMs);
    return [{ ...frame, length: times.length, fields: [{ ...time, values: times }, ...fields] }];
  });
}

/** Grows when the fields change, not when only values do: the plot is rebuilt for the former alone. */
function useStructureRev(frames: DataFrame[]): number {
  const last = useRef<{ frames: DataFrame[]; rev: number }>({ frames: [], rev: 1 });
  return useMemo(() => {
    const same = compareArrayValues(last.current.frames, frames, compareDataFrameStructures);
    last.current = { frames, rev: last.current.rev + (same ? 0 : 1) };
    return last.current.rev;
  }, [frames]);
}

/** A click on a name in the legend shows it alone, with Ctrl or Shift hides or shows it. */
function useVisibility(names: string[]) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback((label: string | string[] | null, mode: SeriesVisibilityChangeMode) => {
    const chosen = label === null ? [] : [label].flat();
    setHidden((before) => {
      if (mode === SeriesVisibilityChangeMode.AppendToSelection) {
        const after = new Set(before);
        chosen.forEach((name) => after.delete(name) || after.add(name));
        return after;
      }
      const others = names.filter((name) => !chosen.includes(name));
      const alone = others.length === before.size && others.every((name) => before.has(name));
      return new Set(alone || chosen.length === 0 ? [] : others);
    });
  }, [names.join('\n')]);
  return { hidden, toggle };
}

export function TimeSeriesPanel({ panel, frames, width, height }: PanelProps) {
  const view = useView();
  const options = (panel.options ?? {}) as Options;
  const names = frames.flatMap((frame) =>
    frame.fields.filter((field) => field.type === FieldType.number).map((field) => getFieldDisplayName(field, frame, frames)));
  const { hidden, toggle } = useVisibility(names);
  const prepared = useMemo(() => prepare(frames, hidden), [frames, hidden]);
  const structureRev = useStructureRev(prepared);
  const sync = useCallback(() => (view.sharedCursor ? DashboardCursorSync.Crosshair : DashboardCursorSync.Off), [view.sharedCursor]);
  const context = useMemo<PanelContext>(
    () => ({ eventsScope: 'dashboard', eventBus, sync, onToggleSeriesVisibility: toggle }), [sync, toggle]);

  if (prepared.length === 0) {
    return <NoData panel={panel} />;
  }
  const mode = options.tooltip?.mode ?? TooltipDisplayMode.Multi;
  const legend: VizLegendOptions = {
    displayMode: LegendDisplayMode.List, placement: 'bottom' as LegendPlacement, showLegend: true, calcs: [], ...options.legend,
  };
  return (
    <PanelContextProvider value={context}>
      <TimeSeries
        frames={prepared} structureRev={structureRev} timeRange={view.range} timeZone={view.timeZone}
        width={width} height={height} legend={legend}
      >
        {(config, aligned) => {
          config.setPadding([null, LAST_LABEL_PX, null, null]);
          return (
          <>
            <AnnotationMarks config={config} marks={view.marks} />
            {mode !== TooltipDisplayMode.None && (
              <TooltipPlugin2
                config={config}
                hoverMode={mode === TooltipDisplayMode.Single ? TooltipHoverMode.xOne : TooltipHoverMode.xAll}
                syncMode={sync()} syncScope="dashboard"
                queryZoom={({ from, to }) => view.zoom({ fromMs: from, toMs: to })}
                render={(_, dataIdxs, seriesIdx, isPinned) => {
                  const xField = aligned.fields[0]!;
                  const at = xField.values[dataIdxs[0] ?? -1] as number | undefined;
                  const items = getFieldDisplayItems(
                    aligned.fields, xField, dataIdxs, seriesIdx, mode, options.tooltip?.sort ?? SortOrder.None,
                    (field) => field.type === FieldType.number && !field.config.custom?.hideFrom?.tooltip);
                  return (
                    <VizTooltipWrapper>
                      <VizTooltipHeader item={{ label: '', value: at === undefined ? '' : dateTimeFormat(at, { timeZone: view.timeZone }) }} isPinned={isPinned} />
                      <VizTooltipContent items={items} isPinned={isPinned} />
                    </VizTooltipWrapper>
                  );
                }}
              />
            )}
          </>
          );
        }}
      </TimeSeries>
    </PanelContextProvider>
  );
}
