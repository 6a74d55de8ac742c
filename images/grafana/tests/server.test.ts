import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { expandEnvironment } from '../server/provisioning.ts';
import { isAllowed } from '../server/proxy.ts';
import { makeHandler } from '../server/routes.ts';

const closing: (() => void)[] = [];
after(() => closing.forEach((close) => close()));

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A provisioning folder with one datasource at `url`, a good dashboard and a broken one. */
function provision(url: string): string {
  const root = mkdtempSync(join(tmpdir(), 'grafana-'));
  for (const folder of ['datasources', 'dashboards', 'json']) {
    mkdirSync(join(root, folder));
  }
  writeFileSync(join(root, 'datasources/one.yml'), `apiVersion: 1\ndatasources:\n- {name: Prometheus, uid: prom, type: prometheus, url: "${url}", isDefault: true}\n`);
  writeFileSync(join(root, 'dashboards/one.yaml'), `apiVersion: 1\nproviders:\n- {name: files, folder: Sluice, options: {path: "${root}/json"}}\n`);
  writeFileSync(join(root, 'json/good.json'), JSON.stringify({ uid: 'over', title: 'The Overview!', tags: ['a'] }));
  writeFileSync(join(root, 'json/broken.json'), '{');
  return root;
}

async function standIn(url = 'http://127.0.0.1:1') {
  const reported: string[] = [];
  const root = provision(url);
  const address = await serve(makeHandler({ provisioning: root, homeDashboard: '', pages: root }, (file) => reported.push(file)));
  return { address, reported };
}

test('variables in provisioning files are filled from the environment', () => {
  assert.equal(expandEnvironment('http://$HOST:${PORT}/$$1$NOTHING', { HOST: 'h', PORT: '9' }), 'http://h:9/$1');
});

test('health answers as the real one does', async () => {
  const { address } = await standIn();
  const answer = (await (await fetch(`${address}/api/health`)).json()) as Record<string, string>;
  assert.equal(answer.database, 'ok');
  assert.match(answer.version ?? '', /^13\./);
});

test('a broken dashboard is reported and the good one still shown', async () => {
  const { address, reported } = await standIn();
  const found = (await (await fetch(`${address}/api/search`)).json()) as { uid: string; url: string; folderTitle: string }[];
  assert.deepEqual(found.map(({ uid, url, folderTitle }) => [uid, url, folderTitle]), [['over', '/d/over/the-overview', 'Sluice']]);
  assert.ok(reported.some((file) => file.endsWith('broken.json')));
});

test('the address of a datasource is not told to the browser', async () => {
  const { address } = await standIn('http://secret.example');
  assert.doesNotMatch(await (await fetch(`${address}/api/frontend/settings`)).text(), /secret/);
});

test('a query reaches the datasource with its body, and its answer comes back with its status', async () => {
  const asked: string[] = [];
  const prometheus = await serve((incoming, response) => {
    incoming.setEncoding('utf8').on('data', (body: string) => asked.push(`${incoming.method} ${incoming.url} ${body}`));
    incoming.on('end', () => response.writeHead(422).end('{"status":"error"}'));
  });
  const { address } = await standIn(prometheus);
  const answer = await fetch(`${address}/api/datasources/proxy/uid/prom/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: 'up' }) });
  assert.equal(answer.status, 422);
  assert.deepEqual(asked, ['POST /api/v1/query query=up']);
});

test('a datasource that is down gives 502 in its name, and an unknown one 404', async () => {
  const { address } = await standIn();
  const down = await fetch(`${address}/api/datasources/proxy/uid/prom/api/v1/query?query=up`);
  assert.equal(down.status, 502);
  assert.match(await down.text(), /Prometheus/);
  assert.equal((await fetch(`${address}/api/datasources/proxy/uid/other/api/v1/query`)).status, 404);
});

test('nothing but queries is let through to a datasource', () => {
  assert.ok(isAllowed('GET', 'api/v1/query_range'));
  assert.ok(isAllowed('GET', 'api/v1/label/job/values'));
  for (const path of ['api/v1/admin/tsdb/delete_series', '-/reload', '-/quit', 'api/v1/label/../../x', 'api/v1/query/../targets', 'metrics']) {
    assert.ok(!isAllowed('POST', path), path);
  }
  assert.ok(!isAllowed('DELETE', 'api/v1/query'));
});

test('a query of more than 64 KiB is refused', async () => {
  const { address } = await standIn();
  const answer = await fetch(`${address}/api/datasources/proxy/uid/prom/api/v1/query`, { method: 'POST', body: 'x'.repeat(70_000) });
  assert.equal(answer.status, 413);
});

test('files outside of the page are out of reach', async () => {
  const { address } = await standIn();
  assert.equal((await fetch(`${address}/public/..%2f..%2fetc/passwd`)).status, 404);
  assert.equal((await fetch(`${address}/public/json`)).status, 404);
});
