// Which address gives what: the part of Grafana's HTTP API that a reader needs, under Grafana's own paths.
// In: a request. Out: its answer. Files are read anew for each answer, so an edited dashboard shows after a reload.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { countRequest, metricsText } from './metrics.ts';
import { sendFile } from './pages.ts';
import { readDashboards, readDatasources, type Report, type StoredDashboard } from './provisioning.ts';
import { forward } from './proxy.ts';
import { VERSION } from './version.ts';

export interface Settings {
  provisioning: string;
  homeDashboard: string; // path of a JSON file, empty: the first one found
  pages: string;
}

export type Handler = (incoming: IncomingMessage, response: ServerResponse) => void;

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

const addressOf = (found: StoredDashboard): string => `/d/${found.uid}/${found.slug}`;

const fullForm = (found: StoredDashboard): unknown => ({
  dashboard: found.dashboard,
  meta: { type: 'db', canSave: false, canEdit: false, provisioned: true, slug: found.slug, url: addressOf(found) },
});

function searchForm(found: StoredDashboard): unknown {
  const { uid, title, tags, folder } = found;
  return { uid, title, tags, folderTitle: folder, url: addressOf(found), type: 'dash-db', isStarred: false };
}

export function makeHandler(settings: Settings, report: Report): Handler {
  const dashboards = (): StoredDashboard[] => readDashboards(settings.provisioning, process.env, report);
  const datasources = () => readDatasources(settings.provisioning, process.env, report);
  const home = (): StoredDashboard | undefined => {
    const all = dashboards();
    return all.find((found) => found.file === settings.homeDashboard) ?? all[0];
  };

  type Route = [name: string, pattern: RegExp, answer: (match: string[], incoming: IncomingMessage, response: ServerResponse, url: URL) => void];
  const ROUTES: Route[] = [
    ['/api/health', /^\/(?:api\/health|healthz)$/, (_, __, response) =>
      sendJson(response, 200, { database: 'ok', version: VERSION, commit: 'stand-in' })],
    ['/metrics', /^\/metrics$/, (_, __, response) => {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(metricsText());
    }],
    ['/api/search', /^\/api\/search\/?$/, (_, __, response, url) => {
      const wanted = (url.searchParams.get('query') ?? '').toLowerCase();
      sendJson(response, 200, dashboards().filter((found) => found.title.toLowerCase().includes(wanted)).map(searchForm));
    }],
    ['/api/dashboards/home', /^\/api\/dashboards\/home$/, (_, __, response) => {
      const found = home();
      return found ? sendJson(response, 200, fullForm(found)) : sendJson(response, 404, { message: 'Dashboard not found' });
    }],
    ['/api/dashboards/uid/:uid', /^\/api\/dashboards\/uid\/([^/]+)$/, ([, uid], __, response) => {
      const found = dashboards().find((dashboard) => dashboard.uid === uid);
      return found ? sendJson(response, 200, fullForm(found)) : sendJson(response, 404, { message: 'Dashboard not found' });
    }],
    ['/api/frontend/settings', /^\/api\/frontend\/settings$/, (_, __, response) =>
      sendJson(response, 200, {
        buildInfo: { version: VERSION, edition: 'stand-in' },
        datasources: Object.fromEntries(datasources().map(({ url: _address, ...shown }) => [shown.name, shown])),
      })],
    ['/api/datasources/proxy/uid/:uid/*', /^\/api\/datasources\/proxy\/uid\/([^/]+)\/(.+)$/, ([, uid, path], incoming, response, url) => {
      const source = datasources().find((found) => found.uid === uid);
      if (source === undefined) {
        return sendJson(response, 404, { message: 'Unable to find datasource' });
      }
      void forward(source, path ?? '', url.search, incoming, response);
    }],
    ['/public/*', /^\/public\/(.+)$/, ([, path], __, response) => sendFile(settings.pages, path ?? '', response)],
    ['/d/:uid/:slug', /^\/(?:|dashboards|d\/[^/]+(?:\/[^/]*)?)$/, (_, __, response) => sendFile(settings.pages, 'build/index.html', response)],
  ];

  return (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://grafana');
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('x-frame-options', 'deny');
    for (const [name, pattern, answer] of ROUTES) {
      const match = pattern.exec(url.pathname);
      if (match !== null) {
        response.on('finish', () => countRequest(name, response.statusCode));
        return answer(match, incoming, response, url);
      }
    }
    sendJson(response, 404, { message: 'Not found' });
  };
}
