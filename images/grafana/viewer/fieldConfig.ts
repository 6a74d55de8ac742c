// Applies a panel's field config (units, thresholds, colours, overrides) to its frames, with Grafana's own code.
// In: a panel and raw frames. Out: frames whose fields know how to show themselves.
import {
  applyFieldOverrides, cacheFieldDisplayNames, displayNameOverrideProcessor, FieldColorModeId, FieldConfigOptionsRegistry, identityOverrideProcessor,
  numberOverrideProcessor, stringOverrideProcessor, thresholdsOverrideProcessor, type DataFrame,
  type FieldConfigPropertyItem, type FieldConfigSource, type FieldOverrideContext, type GrafanaTheme2, type InterpolateFunction, type ThresholdsConfig, ThresholdsMode,
} from '@grafana/data';
import { AxisPlacement, GraphDrawStyle, LineInterpolation, StackingMode, VisibilityMode, type GraphFieldConfig, type Panel } from '@grafana/schema';

type Process = (value: unknown, context: FieldOverrideContext, settings?: unknown) => unknown;

// The properties that every panel type has; the editors that Grafana adds to them are not needed by a reader.
const STANDARD: Record<string, Process> = {
  unit: identityOverrideProcessor as Process,
  min: numberOverrideProcessor as Process,
  max: numberOverrideProcessor as Process,
  decimals: numberOverrideProcessor as Process,
  displayName: displayNameOverrideProcessor as Process,
  color: identityOverrideProcessor as Process,
  thresholds: thresholdsOverrideProcessor as Process,
  mappings: identityOverrideProcessor as Process,
  noValue: stringOverrideProcessor as Process,
  links: identityOverrideProcessor as Process,
  fieldMinMax: identityOverrideProcessor as Process,
};

function item(id: string, path: string, isCustom: boolean, process: Process): FieldConfigPropertyItem {
  const never = () => null;
  return { id, path, name: id, isCustom, process, shouldApply: () => true, editor: never, override: never } as FieldConfigPropertyItem;
}

/** Grafana learns a panel's own properties from its plugin; here they are those that its JSON uses. */
function registryOf({ defaults, overrides }: FieldConfigSource): FieldConfigOptionsRegistry {
  const custom = new Set(Object.keys(defaults.custom ?? {}));
  for (const { properties } of overrides) {
    for (const { id } of properties) {
      if (id.startsWith('custom.')) {
        custom.add(id.slice('custom.'.length));
      }
    }
  }
  return new FieldConfigOptionsRegistry(() => [
    ...Object.entries(STANDARD).map(([id, process]) => item(id, id, false, process)),
    ...[...custom].map((path) => item(`custom.${path}`, path, true, identityOverrideProcessor as Process)),
  ]);
}

// What Grafana's time series plugin takes where the JSON says nothing.
const GRAPH_DEFAULTS: GraphFieldConfig = {
  drawStyle: GraphDrawStyle.Line,
  lineInterpolation: LineInterpolation.Linear,
  lineWidth: 1,
  fillOpacity: 0,
  barWidthFactor: 0.6,
  pointSize: 5,
  showPoints: VisibilityMode.Auto,
  axisPlacement: AxisPlacement.Auto,
  axisGridShow: true,
  stacking: { mode: StackingMode.None, group: 'A' },
};

// Grafana's own, where a panel has none.
const DEFAULT_THRESHOLDS: ThresholdsConfig = {
  mode: ThresholdsMode.Absolute,
  steps: [{ color: 'green', value: -Infinity }, { color: 'red', value: 80 }],
};

export function configOf(panel: Panel): FieldConfigSource {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const custom = panel.type === 'timeseries' ? { ...GRAPH_DEFAULTS, ...defaults.custom } : (defaults.custom ?? {});
  const color = panel.type === 'timeseries' ? { mode: FieldColorModeId.PaletteClassic } : { mode: FieldColorModeId.Thresholds };
  return { defaults: { color, thresholds: DEFAULT_THRESHOLDS, ...defaults, custom }, overrides } as FieldConfigSource;
}

export function applyConfig(
  panel: Panel, frames: DataFrame[], theme: GrafanaTheme2, timeZone: string, replaceVariables: InterpolateFunction
): DataFrame[] {
  const fieldConfig = configOf(panel);
  const applied = applyFieldOverrides({
    data: frames, fieldConfig, fieldConfigRegistry: registryOf(fieldConfig), replaceVariables, theme, timeZone,
  });
  cacheFieldDisplayNames(applied); // the table looks nowhere else for its columns' names
  return applied;
}
