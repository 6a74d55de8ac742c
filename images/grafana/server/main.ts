// The stand-in's server: Grafana's provisioned dashboards, read-only, on Grafana's port.
// In: the variables of the real image that make sense for a reader. Out: HTTP, and one JSON line a noteworthy event.
import { createServer } from 'node:http';
import { makeHandler } from './routes.ts';
import { VERSION } from './version.ts';

function log(level: string, msg: string, more: Record<string, unknown> = {}): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, service: 'grafana', msg, ...more }));
}

// An edit that breaks a file is told once, not at every look at it.
const told = new Map<string, string>();
function reportOnce(file: string, error: unknown): void {
  if (told.get(file) !== String(error)) {
    told.set(file, String(error));
    log('error', 'not provisioned', { file, error: String(error) });
  }
}

const port = Number(process.env.GF_SERVER_HTTP_PORT ?? 3000);
const handler = makeHandler(
  {
    provisioning: process.env.GF_PATHS_PROVISIONING ?? '/etc/grafana/provisioning',
    homeDashboard: process.env.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH ?? '',
    pages: new URL('./public', import.meta.url).pathname,
  },
  reportOnce
);

const server = createServer((incoming, response) => {
  try {
    handler(incoming, response);
  } catch (error) {
    // A request that cannot be understood costs only itself.
    log('error', 'request failed', { url: incoming.url, error: String(error) });
    response.writeHead(400).end();
  }
});
server.requestTimeout = 30_000;
server.listen(port, process.env.GF_SERVER_HTTP_ADDR || undefined, () =>
  log('info', 'read-only stand-in for Grafana is listening', { port, version: VERSION })
);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    log('info', 'stopping', { signal });
    server.close(() => process.exit(0));
    server.closeAllConnections(); // only pages that ask again are on the other end
  });
}
