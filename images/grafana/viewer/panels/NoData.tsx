// A panel without data says why, in the dashboard's own words where it has some ("from stage 4 on").
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import type { Panel } from '@grafana/schema';
import { useStyles2 } from '@grafana/ui';

export function NoData({ panel }: { panel: Panel }) {
  const style = useStyles2(styles);
  return <div className={style}>{panel.fieldConfig?.defaults?.noValue ?? 'No data'}</div>;
}

const styles = (theme: GrafanaTheme2): string => css({
  height: '100%', display: 'flex', alignItems: 'center', justifyContent: 'center', textAlign: 'center',
  color: theme.colors.text.secondary,
});
