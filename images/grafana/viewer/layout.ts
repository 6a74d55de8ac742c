// Where each panel stands. In: a dashboard's panels with their grid positions. Out: the rows and panels that are
// shown, top to bottom, with positions that leave no hole where a row is collapsed.
// Grid: 24 columns; one line is 30 px high with 8 px between (Grafana documentation, "Dashboard JSON model").
import type { Panel, RowPanel } from '@grafana/schema';

export const COLUMNS = 24;
export const LINE_PX = 30;
export const GAP_PX = 8;

export interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface PlacedPanel {
  panel: Panel;
  place: Place;
}

export interface PlacedRow {
  row: RowPanel;
  place: Place;
  collapsed: boolean;
  count: number;
}

interface Section {
  row?: RowPanel;
  panels: Panel[];
}

export const isRow = (panel: Panel | RowPanel): panel is RowPanel => panel.type === 'row';

const gridOf = (panel: Panel): Place => {
  const { x = 0, y = 0, w = COLUMNS, h = 8 } = panel.gridPos ?? {};
  return { x, y, w, h };
};

/** A collapsed row keeps its panels inside itself, an open one is followed by them. */
function sectionsOf(panels: (Panel | RowPanel)[]): Section[] {
  const sections: Section[] = [{ panels: [] }];
  for (const panel of panels) {
    if (isRow(panel)) {
      sections.push({ row: panel, panels: [...panel.panels] });
    } else {
      sections.at(-1)?.panels.push(panel);
    }
  }
  return sections;
}

/** `toggled` holds the ids of the rows that stand otherwise than their JSON says. `narrow`: one panel a line. */
export function layout(all: (Panel | RowPanel)[], toggled: ReadonlySet<number>, narrow = false): (PlacedPanel | PlacedRow)[] {
  const placed: (PlacedPanel | PlacedRow)[] = [];
  let line = 0;
  for (const { row, panels } of sectionsOf(all)) {
    const collapsed = row !== undefined && row.collapsed !== toggled.has(row.id);
    if (row !== undefined) {
      placed.push({ row, collapsed, count: panels.length, place: { x: 0, y: line, w: COLUMNS, h: 1 } });
      line += 1;
    }
    if (collapsed || panels.length === 0) {
      continue;
    }
    const top = Math.min(...panels.map((panel) => gridOf(panel).y));
    let bottom = line;
    for (const panel of panels) {
      const grid = gridOf(panel);
      const place = narrow ? { x: 0, y: bottom, w: COLUMNS, h: grid.h } : { ...grid, y: grid.y - top + line };
      placed.push({ panel, place });
      bottom = Math.max(bottom, place.y + place.h);
    }
    line = bottom;
  }
  return placed;
}
