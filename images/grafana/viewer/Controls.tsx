// The bar above the panels: variables, links to other dashboards, time range and refresh.
import { css } from '@emotion/css';
import { dateTime, type GrafanaTheme2, type TimeRange } from '@grafana/data';
import type { Dashboard } from '@grafana/schema';
import { Combobox, InlineLabel, Input, LinkButton, MultiCombobox, RefreshPicker, TimeRangePicker, ToolbarButton, useStyles2 } from '@grafana/ui';
import { interpolate, type Values } from './interpolate.ts';
import { ALL, isShown, type Variable } from './variables.ts';
import type { Clock } from './view.ts';

type Choose = (name: string, value: string[]) => void;

function VariablePicker({ variable, choose }: { variable: Variable; choose: Choose }) {
  const { model, options, chosen } = variable;
  const label = model.label || model.name;
  const entries = [...(model.includeAll ? [ALL] : []), ...options].map((value) => ({ value, label: value === ALL ? 'All' : value }));
  const id = `var-${model.name}`;
  return (
    <div style={{ display: 'flex' }}>
      {model.hide !== 1 && <InlineLabel width="auto" htmlFor={id} tooltip={model.description ?? undefined}>{label}</InlineLabel>}
      {model.type === 'textbox' ? (
        <Input id={id} defaultValue={chosen[0] ?? ''} onBlur={(event) => choose(model.name, [event.currentTarget.value])} />
      ) : model.multi ? (
        <MultiCombobox id={id} width="auto" minWidth={12} options={entries} value={chosen} onChange={(picked) => {
          // "All" and single choices exclude each other: the newer one stays.
          const values = picked.map(({ value }) => value);
          choose(model.name, values.at(-1) === ALL ? [ALL] : values.filter((value) => value !== ALL));
        }} />
      ) : (
        <Combobox id={id} width="auto" minWidth={12} options={entries} value={chosen[0] ?? null} onChange={({ value }) => choose(model.name, [value])} />
      )}
    </div>
  );
}

interface Props {
  dashboard: Dashboard;
  clock: Clock;
  variables: Variable[];
  values: Values;
  timeZone: string;
  light: boolean;
  choose: Choose;
  onTimeZone: (zone: string) => void;
  onTheme: () => void;
}

export function Controls({ dashboard, clock, variables, values, timeZone, light, choose, onTimeZone, onTheme }: Props) {
  const style = useStyles2(styles);
  const { range } = clock;
  const shift = (part: number): void => {
    const [from, to] = [range.from.valueOf(), range.to.valueOf()];
    const by = (to - from) * part;
    clock.setRange({ from: dateTime(from + by), to: dateTime(to + by) });
  };
  const zoomOut = (): void => {
    const [from, to] = [range.from.valueOf(), range.to.valueOf()];
    clock.setRange({ from: dateTime(from - (to - from) / 2), to: dateTime(to + (to - from) / 2) });
  };
  return (
    <div className={style}>
      {variables.filter(isShown).map((variable) => <VariablePicker key={variable.model.name} variable={variable} choose={choose} />)}
      {(dashboard.links ?? []).filter((link) => link.type === 'link').map((link) => (
        <LinkButton key={link.title} size="sm" variant="secondary" fill="outline" href={interpolate(link.url ?? '', values)}
          tooltip={link.tooltip} target={link.targetBlank ? '_blank' : '_self'}>{link.title}</LinkButton>
      ))}
      <span style={{ flexGrow: 1 }} />
      <ToolbarButton icon="palette" tooltip={light ? 'Dark theme' : 'Light theme'} onClick={onTheme} variant="canvas" />
      <TimeRangePicker
        value={range} timeZone={timeZone} isOnCanvas onChange={(picked: TimeRange) => clock.setRange(picked.raw)} onChangeTimeZone={onTimeZone}
        onMoveBackward={() => shift(-0.5)} onMoveForward={() => shift(0.5)} onZoom={zoomOut}
      />
      <RefreshPicker
        value={clock.refresh} onRefresh={clock.tick} onIntervalChanged={clock.setRefresh} isOnCanvas
        intervals={dashboard.timepicker?.refresh_intervals ?? ['5s', '10s', '30s', '1m', '5m']}
      />
    </div>
  );
}

const styles = (theme: GrafanaTheme2): string => css({
  display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: theme.spacing(1), padding: theme.spacing(1, 2),
});
