// What the page asks its own server. In: nothing or a uid. Out: settings, dashboards, the list of dashboards.
import type { Dashboard } from '@grafana/schema';

export interface Datasource {
  uid: string;
  name: string;
  type: string;
  isDefault: boolean;
  jsonData: { timeInterval?: string };
}

export interface Settings {
  version: string;
  datasources: Datasource[];
}

export interface Found {
  uid: string;
  title: string;
  url: string;
  tags: string[];
}

const TRIES = 4;
const PAUSE_MS = 300;

/** `fetch`, tried again when the network failed: a browser drops all requests whenever a container comes or goes. */
export async function fetchPatiently(path: string, options: RequestInit = {}): Promise<Response> {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await fetch(path, options);
    } catch (error) {
      if (left === 0 || !(error instanceof TypeError)) { // an abort is no TypeError
        throw error;
      }
      await new Promise((resume) => setTimeout(resume, PAUSE_MS));
    }
  }
}

async function get<T>(path: string): Promise<T> {
  const response = await fetchPatiently(path);
  if (!response.ok) {
    throw new Error(`${path}: HTTP ${response.status}`);
  }
  return (await response.json()) as T;
}

export async function fetchSettings(): Promise<Settings> {
  const { buildInfo, datasources } = await get<{ buildInfo: { version: string }; datasources: Record<string, Datasource> }>(
    '/api/frontend/settings'
  );
  return { version: buildInfo.version, datasources: Object.values(datasources) };
}

export const fetchDashboards = (): Promise<Found[]> => get('/api/search?type=dash-db');

/** Without a uid: the home dashboard. */
export async function fetchDashboard(uid?: string): Promise<Dashboard> {
  const path = uid === undefined ? '/api/dashboards/home' : `/api/dashboards/uid/${uid}`;
  return (await get<{ dashboard: Dashboard }>(path)).dashboard;
}
