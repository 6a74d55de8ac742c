// The dashboard's variables. In: their definitions and what the address says. Out: each one's choices, what is
// chosen, and the values that queries, titles and links are filled with.
import { useCallback, useEffect, useState } from 'react';
import { VariableHide, type VariableModel } from '@grafana/schema';
import type { Datasource } from './api.ts';
import { interpolate, promDefault, type Value, type Values } from './interpolate.ts';
import { choices, type Span } from './prometheus.ts';
import { remember, remembered } from './view.ts';

export const ALL = '$__all';

export interface Variable {
  model: VariableModel;
  options: string[];
  chosen: string[];
}

export const isShown = ({ model }: Variable): boolean =>
  model.hide !== VariableHide.hideVariable && model.type !== 'constant';

export const uidOf = (reference: unknown, datasources: Datasource[], values: Values): string | undefined => {
  const written = typeof reference === 'string' ? reference : (reference as { uid?: string } | null | undefined)?.uid;
  const wanted = interpolate(written ?? '', values);
  const found = datasources.find((source) => source.uid === wanted || source.name === wanted);
  return (found ?? datasources.find((source) => source.isDefault) ?? datasources[0])?.uid;
};

const splitList = (text: string): string[] => text.split(',').map((part) => part.trim()).filter((part) => part !== '');

async function optionsOf(model: VariableModel, datasources: Datasource[], values: Values, span: Span): Promise<string[]> {
  const written = model.query;
  const query = typeof written === 'string' ? written : String((written as { query?: string } | undefined)?.query ?? '');
  switch (model.type) {
    case 'custom':
    case 'interval':
      return splitList(query);
    case 'constant':
    case 'textbox':
      return [query];
    case 'datasource':
      return datasources.filter((source) => source.type === query).map((source) => source.uid);
    case 'query': {
      const uid = uidOf(model.datasource, datasources, values);
      return uid === undefined ? [] : choices(uid, interpolate(query, values, promDefault), span, model.regex ?? '');
    }
    default:
      return [];
  }
}

function chosenOf(model: VariableModel, options: string[]): string[] {
  const asked = remembered(`var-${model.name}`);
  const current = model.current?.value;
  const preset = (Array.isArray(current) ? current : [current]).filter((value) => typeof value === 'string' && value !== '');
  const wanted = asked.length > 0 ? asked : (preset as string[]);
  const free = model.type === 'textbox';
  const valid = wanted.filter((value) => free || value === ALL || options.includes(value));
  if (valid.length > 0) {
    return model.multi ? valid : valid.slice(0, 1);
  }
  return model.includeAll ? [ALL] : options.slice(0, 1);
}

export function valueOf({ model, options, chosen }: Variable): Value {
  if (chosen.includes(ALL)) {
    return model.allValue ? model.allValue : options;
  }
  return model.multi || model.includeAll ? chosen : (chosen[0] ?? '');
}

/** For titles and texts, where "all" is said in one word. */
export function namesOf(variables: Variable[]): Values {
  return Object.fromEntries(variables.map(({ model, chosen }) => [model.name, chosen.includes(ALL) ? 'All' : chosen]));
}

export function valuesOf(variables: Variable[]): Values {
  return Object.fromEntries(variables.map((variable) => [variable.model.name, valueOf(variable)]));
}

/** Loads the variables one after another, because one may stand in the query of the next. Null: not there yet. */
export function useVariables(models: VariableModel[], datasources: Datasource[], span: Span) {
  const [variables, setVariables] = useState<Variable[] | null>(null);
  const [round, setRound] = useState(0);

  useEffect(() => {
    let current = true;
    void (async () => {
      const loaded: Variable[] = [];
      for (const model of models) {
        // A datasource that is down leaves a variable without choices; the panels then say why.
        const options = await optionsOf(model, datasources, valuesOf(loaded), span).catch(() => []);
        loaded.push({ model, options, chosen: chosenOf(model, options) });
      }
      if (current) {
        setVariables(loaded);
      }
    })();
    return () => {
      current = false;
    };
    // Not at each refresh: choices change when the dashboard is opened or another choice is made.
  }, [models, datasources, round]);

  const choose = useCallback((name: string, value: string[]) => {
    remember(`var-${name}`, value);
    setRound((before) => before + 1);
  }, []);
  return { variables, choose };
}
