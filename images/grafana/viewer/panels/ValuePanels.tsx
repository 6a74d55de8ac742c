// One value a series: stat and bar gauge. In: frames. Out: each series reduced to a number and shown by
// Grafana's BigValue or BarGauge, as many as fit beside or below each other.
import {
  getDisplayValueAlignmentFactors, getFieldDisplayValues, VizOrientation, type FieldDisplay, type ReduceDataOptions,
} from '@grafana/data';
import { BarGaugeDisplayMode, BarGaugeNamePlacement, BarGaugeValueMode, type PercentChangeColorMode, type VizTextDisplayOptions } from '@grafana/schema';
import {
  BarGauge, BigValue, BigValueColorMode, BigValueGraphMode, BigValueJustifyMode, BigValueTextMode, useTheme2, VizRepeater,
} from '@grafana/ui';
import { configOf } from '../fieldConfig.ts';
import { replacerOf } from '../panelData.ts';
import { useView } from '../view.ts';
import type { PanelProps } from './index.ts';

interface Options {
  reduceOptions?: ReduceDataOptions;
  orientation?: VizOrientation;
  text?: VizTextDisplayOptions;
  // stat
  colorMode?: BigValueColorMode;
  graphMode?: BigValueGraphMode;
  justifyMode?: BigValueJustifyMode;
  textMode?: BigValueTextMode;
  showPercentChange?: boolean;
  percentChangeColorMode?: PercentChangeColorMode;
  wideLayout?: boolean;
  // bar gauge
  displayMode?: BarGaugeDisplayMode;
  valueMode?: BarGaugeValueMode;
  namePlacement?: BarGaugeNamePlacement;
  showUnfilled?: boolean;
  minVizWidth?: number;
  minVizHeight?: number;
  maxVizHeight?: number;
}

function useValues({ panel, frames }: PanelProps, sparkline: boolean): () => FieldDisplay[] {
  const theme = useTheme2();
  const view = useView();
  const { reduceOptions, showPercentChange = false } = (panel.options ?? {}) as Options;
  return () => getFieldDisplayValues({
    data: frames, theme, timeZone: view.timeZone, sparkline, percentChange: showPercentChange,
    fieldConfig: configOf(panel), reduceOptions: reduceOptions ?? { calcs: ['lastNotNull'] },
    replaceVariables: replacerOf(view.values),
  });
}

export function StatPanel(props: PanelProps) {
  const theme = useTheme2();
  const options = (props.panel.options ?? {}) as Options;
  const { graphMode = BigValueGraphMode.Area, orientation = VizOrientation.Auto } = options;
  const getValues = useValues(props, graphMode !== BigValueGraphMode.None);
  return (
    <VizRepeater
      getValues={getValues} getAlignmentFactors={getDisplayValueAlignmentFactors} source={props.frames} renderCounter={0}
      width={props.width} height={props.height} orientation={orientation} autoGrid itemSpacing={3}
      renderValue={({ value, width, height, count, alignmentFactors }) => (
        <BigValue
          value={value.display} width={width} height={height} count={count} alignmentFactors={alignmentFactors} theme={theme}
          sparkline={value.sparkline} text={options.text}
          graphMode={graphMode} colorMode={options.colorMode ?? BigValueColorMode.Value}
          justifyMode={options.justifyMode ?? BigValueJustifyMode.Auto} textMode={options.textMode ?? BigValueTextMode.Auto}
          disableWideLayout={!(options.wideLayout ?? true)}
          percentChangeColorMode={options.percentChangeColorMode}
        />
      )}
    />
  );
}

export function BarGaugePanel(props: PanelProps) {
  const theme = useTheme2();
  const options = (props.panel.options ?? {}) as Options;
  const getValues = useValues(props, false);
  return (
    <VizRepeater
      getValues={getValues} getAlignmentFactors={getDisplayValueAlignmentFactors} source={props.frames} renderCounter={0}
      width={props.width} height={props.height} orientation={options.orientation ?? VizOrientation.Auto} itemSpacing={8}
      minVizWidth={options.minVizWidth ?? 8} minVizHeight={options.minVizHeight ?? 16} maxVizHeight={options.maxVizHeight ?? 300}
      renderValue={({ value, width, height, orientation, alignmentFactors }) => (
        <BarGauge
          value={value.display} field={value.field} width={width} height={height} orientation={orientation} theme={theme}
          display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)} text={options.text} alignmentFactors={alignmentFactors}
          displayMode={options.displayMode ?? BarGaugeDisplayMode.Gradient} showUnfilled={options.showUnfilled ?? true}
          valueDisplayMode={options.valueMode ?? BarGaugeValueMode.Color} namePlacement={options.namePlacement ?? BarGaugeNamePlacement.Auto}
        />
      )}
    />
  );
}
