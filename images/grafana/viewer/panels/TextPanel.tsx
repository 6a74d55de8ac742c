// A text in Markdown or HTML, with the dashboard's variables filled in. Scripts are taken out by Grafana's own sanitizer.
import { renderTextPanelMarkdown, textUtil } from '@grafana/data';
import { interpolate } from '../interpolate.ts';
import { useView } from '../view.ts';
import type { PanelProps } from './index.ts';

export function TextPanel({ panel, height }: PanelProps) {
  const view = useView();
  const { content = '', mode = 'markdown' } = (panel.options ?? {}) as { content?: string; mode?: string };
  const filled = interpolate(content, view.names);
  const html = mode === 'html' ? textUtil.sanitizeTextPanelContent(filled) : renderTextPanelMarkdown(filled);
  return <div className="markdown-html" style={{ height, overflow: 'auto' }} dangerouslySetInnerHTML={{ __html: html }} />;
}
