// Rows and columns. In: one frame. Out: Grafana's table.
import type { TableCellHeight } from '@grafana/schema';
import type { TableSortByFieldState } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { useView } from '../view.ts';
import { NoData } from './NoData.tsx';
import type { PanelProps } from './index.ts';

interface Options {
  frameIndex?: number;
  showHeader?: boolean;
  cellHeight?: TableCellHeight;
  sortBy?: TableSortByFieldState[];
}

export function TablePanel({ panel, frames, width, height }: PanelProps) {
  const view = useView();
  const { frameIndex = 0, showHeader = true, cellHeight, sortBy = [] } = (panel.options ?? {}) as Options;
  const frame = frames[frameIndex] ?? frames[0];
  if (frame === undefined || frame.length === 0) {
    return <NoData panel={panel} />;
  }
  return (
    <TableNG
      data={frame} width={width} height={height} noHeader={!showHeader} sortBy={sortBy} timeRange={view.range} structureRev={1} cellHeight={cellHeight}
    />
  );
}
