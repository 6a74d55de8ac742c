// Reads what Grafana reads at its start: datasources and dashboard providers as YAML, dashboards as JSON.
// In: the provisioning folder. Out: plain objects. A file that cannot be read is reported and left out, so that
// one broken dashboard does not take the others with it.
// Format: Grafana documentation, "Provision Grafana".
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

export interface Datasource {
  uid: string;
  name: string;
  type: string;
  url: string;
  isDefault: boolean;
  jsonData: Record<string, unknown>;
}

export interface StoredDashboard {
  uid: string;
  title: string;
  slug: string;
  tags: string[];
  folder: string;
  file: string;
  dashboard: Record<string, unknown>;
}

export type Report = (file: string, error: unknown) => void;
type Environment = Record<string, string | undefined>;

/** `$NAME` and `${NAME}` become the variable's value (nothing when it is not set), `$$` a dollar sign. */
export function expandEnvironment(text: string, env: Environment): string {
  return text.replace(/\$(?:\$|\{(\w+)\}|([A-Za-z_]\w*))/g, (match, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    return match === '$$' || name === undefined ? '$' : (env[name] ?? '');
  });
}

function expandAll(value: unknown, env: Environment): unknown {
  if (typeof value === 'string') {
    return expandEnvironment(value, env);
  }
  if (Array.isArray(value)) {
    return value.map((item) => expandAll(item, env));
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expandAll(item, env)]));
  }
  return value;
}

/** The address part of a dashboard's title, as Grafana makes it: `The ladder` → `the-ladder`. */
export function slugOf(title: string): string {
  return title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '') || 'dashboard';
}

function filesIn(folder: string, pattern: RegExp): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => pattern.test(name))
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .sort();
  } catch {
    return []; // an absent folder provisions nothing, in the real server too
  }
}

function entries(folder: string, key: string, env: Environment, report: Report): Record<string, unknown>[] {
  return filesIn(folder, /^[^/]+\.ya?ml$/).flatMap((file) => {
    try {
      const content = expandAll(parse(readFileSync(file, 'utf8')), env) as Record<string, unknown> | null;
      return (content?.[key] ?? []) as Record<string, unknown>[];
    } catch (error) {
      report(file, error);
      return [];
    }
  });
}

export function readDatasources(provisioning: string, env: Environment, report: Report): Datasource[] {
  return entries(join(provisioning, 'datasources'), 'datasources', env, report).map((entry) => ({
    uid: String(entry.uid ?? slugOf(String(entry.name))),
    name: String(entry.name),
    type: String(entry.type),
    url: String(entry.url ?? '').replace(/\/+$/, ''),
    isDefault: entry.isDefault === true,
    jsonData: (entry.jsonData ?? {}) as Record<string, unknown>,
  }));
}

function readDashboard(file: string, folder: string): StoredDashboard {
  const dashboard = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  if (typeof dashboard.title !== 'string') {
    throw new Error('a dashboard needs a title');
  }
  const uid = typeof dashboard.uid === 'string' ? dashboard.uid : slugOf(basename(file, '.json'));
  const tags = Array.isArray(dashboard.tags) ? dashboard.tags.map(String) : [];
  return { uid, title: dashboard.title, slug: slugOf(dashboard.title), tags, folder, file, dashboard };
}

export function readDashboards(provisioning: string, env: Environment, report: Report): StoredDashboard[] {
  const providers = entries(join(provisioning, 'dashboards'), 'providers', env, report);
  return providers.flatMap((provider) => {
    const options = (provider.options ?? {}) as Record<string, unknown>;
    return filesIn(String(options.path ?? ''), /\.json$/).flatMap((file) => {
      try {
        return [readDashboard(file, String(provider.folder ?? ''))];
      } catch (error) {
        report(file, error);
        return [];
      }
    });
  });
}
