import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Panel, RowPanel } from '@grafana/schema';
import { withGaps } from '../viewer/gaps.ts';
import { layout } from '../viewer/layout.ts';
import { marksOf } from '../viewer/marks.ts';

const panel = (id: number, x: number, y: number, h = 4): Panel => ({ id, type: 'stat', gridPos: { x, y, w: 6, h } });
const row = (id: number, collapsed: boolean, panels: Panel[] = []): RowPanel => ({ id, type: 'row', collapsed, panels });
const shown = (all: ReturnType<typeof layout>) => all.map((one) => ['row' in one ? one.row.id : one.panel.id, one.place.y]);

test('an open row is followed by its panels, a collapsed one takes a single line', () => {
  const all = [panel(1, 0, 0), row(10, false), panel(2, 0, 5), panel(3, 6, 5), row(11, true, [panel(4, 0, 20)]), row(12, false), panel(5, 0, 30)];
  assert.deepEqual(shown(layout(all, new Set())), [[1, 0], [10, 4], [2, 5], [3, 5], [11, 9], [12, 10], [5, 11]]);
});

test('a click opens a collapsed row and moves what is below it', () => {
  const all = [row(11, true, [panel(4, 0, 20, 8)]), row(12, false), panel(5, 0, 30)];
  assert.deepEqual(shown(layout(all, new Set([11]))), [[11, 0], [4, 1], [12, 9], [5, 10]]);
});

test('on a narrow screen panels that stood side by side stand one below the other', () => {
  assert.deepEqual(shown(layout([panel(1, 0, 0), panel(2, 6, 0)], new Set(), true)), [[1, 0], [2, 4]]);
});

test('points of an annotation that follow each other are one mark, others are not', () => {
  const marks = marksOf([[10, '1'], [15, '1'], [20, '0'], [25, '1'], [60, 'NaN'], [65, '2']], 5000, 'deploy', 'blue');
  assert.deepEqual(marks.map(({ fromMs, toMs }) => [fromMs, toMs]), [[10_000, 15_000], [25_000, 25_000], [65_000, 65_000]]);
});

test('a line is not drawn over a time without figures, nor through what is no number', () => {
  const { times, values } = withGaps([0, 5, 10, 30, 35], [1, NaN, 3, 4, Infinity], 5);
  assert.deepEqual(times, [0, 5, 10, 15, 30, 35]);
  assert.deepEqual(values, [1, null, 3, null, 4, null]);
});
