// The panel types that can be shown, and by what.
import type { ComponentType } from 'react';
import type { DataFrame } from '@grafana/data';
import type { Panel } from '@grafana/schema';
import { TablePanel } from './TablePanel.tsx';
import { TextPanel } from './TextPanel.tsx';
import { TimeSeriesPanel } from './TimeSeriesPanel.tsx';
import { BarGaugePanel, StatPanel } from './ValuePanels.tsx';

export interface PanelProps {
  panel: Panel;
  frames: DataFrame[];
  width: number;
  height: number;
}

export const PANELS: Record<string, ComponentType<PanelProps>> = {
  timeseries: TimeSeriesPanel,
  stat: StatPanel,
  bargauge: BarGaugePanel,
  gauge: BarGaugePanel, // the round gauge is not among what @grafana/ui exports
  table: TablePanel,
  text: TextPanel,
};
