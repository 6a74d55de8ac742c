// Draws the dashboard's marks into a plot: a dashed line for a moment, a shaded span for a duration, and the text
// when the pointer is near. In: a plot's config and marks. Out: pixels.
import { useLayoutEffect, useRef } from 'react';
import { useTheme2, type UPlotConfigBuilder } from '@grafana/ui';
import type { Mark } from '../marks.ts';

interface Props {
  config: UPlotConfigBuilder;
  marks: Mark[];
}

export function AnnotationMarks({ config, marks }: Props) {
  const theme = useTheme2();
  const latest = useRef(marks);
  latest.current = marks;

  useLayoutEffect(() => {
    config.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      const [low, high] = [plot.scales.x?.min ?? 0, plot.scales.x?.max ?? 0];
      ctx.save();
      for (const { fromMs, toMs, color } of latest.current) {
        if (toMs < low || fromMs > high) {
          continue;
        }
        const shade = theme.visualization.getColorByName(color);
        const left = plot.valToPos(Math.max(fromMs, low), 'x', true);
        const right = plot.valToPos(Math.min(toMs, high), 'x', true);
        ctx.fillStyle = theme.colors.emphasize(shade, 0);
        ctx.globalAlpha = 0.12;
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
        ctx.globalAlpha = 0.9;
        ctx.strokeStyle = shade;
        ctx.setLineDash([4, 4]);
        ctx.beginPath();
        ctx.moveTo(left, bbox.top);
        ctx.lineTo(left, bbox.top + bbox.height);
        ctx.stroke();
      }
      ctx.restore();
    });
    config.addHook('setCursor', (plot) => {
      const at = plot.posToVal(plot.cursor.left ?? -10, 'x');
      const near = (plot.scales.x!.max! - plot.scales.x!.min!) / 100;
      const found = latest.current.filter(({ fromMs, toMs }) => at >= fromMs - near && at <= toMs + near);
      plot.over.title = found.map(({ text }) => text).join('\n');
    });
  }, [config, theme]);
  return null;
}
