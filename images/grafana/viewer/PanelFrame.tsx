// One panel in its place. In: its JSON and place. Out: Grafana's PanelChrome with title, description, links, the
// state of its queries and the picture.
import { useEffect, useRef, useState, type CSSProperties } from 'react';
import { LoadingState, renderMarkdown } from '@grafana/data';
import type { Panel } from '@grafana/schema';
import { Alert, Icon, Menu, PanelChrome, Tooltip } from '@grafana/ui';
import { interpolate } from './interpolate.ts';
import { PANELS } from './panels/index.ts';
import { usePanelData } from './panelData.ts';
import { useView, type View } from './view.ts';

interface Size {
  width: number;
  height: number;
  shown: boolean;
}

/** The element's size, and whether it is on the screen or was: a panel that nobody scrolled to asks nothing. */
function useSize() {
  const element = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0, shown: false });
  useEffect(() => {
    const box = element.current;
    if (box === null) {
      return undefined;
    }
    const resized = new ResizeObserver(([entry]) => {
      const { width = 0, height = 0 } = entry?.contentRect ?? {};
      setSize((before) => ({ ...before, width: Math.floor(width), height: Math.floor(height) }));
    });
    const seen = new IntersectionObserver(
      ([entry]) => setSize((before) => ({ ...before, shown: entry?.isIntersecting ?? before.shown })), { rootMargin: '200px' });
    resized.observe(box);
    seen.observe(box);
    return () => {
      resized.disconnect();
      seen.disconnect();
    };
  }, []);
  return { element, size };
}

function PanelLinks({ panel, view }: { panel: Panel; view: View }) {
  return (panel.links ?? []).map((link) => (
    <Tooltip key={link.title} content={link.title}>
      <a href={interpolate(link.url ?? '', view.values)} target={link.targetBlank ? '_blank' : undefined} rel="noreferrer" aria-label={link.title}
        style={{ padding: '0 4px' }}>
        <Icon name="external-link-alt" />
      </a>
    </Tooltip>
  ));
}

interface Props {
  panel: Panel;
  style: CSSProperties;
  alone: boolean;
  onView: () => void;
}

export function PanelFrame({ panel, style, alone, onView }: Props) {
  const view = useView();
  const { element, size } = useSize();
  const { state, frames, asked, error } = usePanelData(panel, size.width, view, size.shown);
  const Picture = PANELS[panel.type];
  const title = interpolate(panel.title ?? '', view.names);
  const description = panel.description ? renderMarkdown(interpolate(panel.description, view.names)) : undefined;
  const waiting = !asked && (panel.targets ?? []).length > 0;
  const menu = <Menu><Menu.Item label={alone ? 'Back to the dashboard' : 'View'} icon="eye" onClick={onView} /></Menu>;
  return (
    <div ref={element} style={style} data-panel={panel.id} data-state={state}>
      {size.width > 0 && (
        <PanelChrome
          title={title} description={description} width={size.width} height={size.height} loadingState={state} menu={menu}
          titleItems={<PanelLinks panel={panel} view={view} />} hoverHeader={title === ''}
          displayMode={panel.transparent ? 'transparent' : 'default'} statusMessage={state === LoadingState.Error ? error : undefined}
        >
          {(width, height) =>
            Picture === undefined ? <Alert severity="info" title={`Panels of type ${panel.type} are shown by the real Grafana only.`} />
            : waiting ? null
            : <Picture panel={panel} frames={frames} width={width} height={height} />}
        </PanelChrome>
      )}
    </div>
  );
}
