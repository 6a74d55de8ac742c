// Carries a panel's query to its datasource. In: a request under /api/datasources/proxy/uid/. Out: the
// datasource's answer, byte for byte. Only the reading part of Prometheus' HTTP API is let through: nothing that
// administers or changes anything can be reached.
import { Agent, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { Datasource } from './provisioning.ts';

const QUERY_API = /^api\/v1\/(query|query_range|series|labels|label\/[^/?]+\/values)$/;
const MAX_QUERY_BYTES = 64 * 1024; // a dashboard's longest query has about 1 KiB
const QUERY_TIMEOUT_MS = 30_000;   // what Grafana gives a datasource

// Prometheus has a small box: more queries at once would only wait there.
const agents = {
  'http:': new Agent({ keepAlive: true, maxSockets: 8 }),
  'https:': new TlsAgent({ keepAlive: true, maxSockets: 8 }),
};

export function isAllowed(method: string | undefined, path: string): boolean {
  return (method === 'GET' || method === 'POST') && QUERY_API.test(path);
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_QUERY_BYTES) {
      throw new RangeError('the query is longer than 64 KiB');
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function fail(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) {
    response.destroy(); // half an answer must not look like a whole one
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status: 'error', errorType: 'proxy', error: message }));
}

/** Forwards one query. Answers 403 for anything but a query, 413 for one too long, 502 and 504 in the datasource's name. */
export async function forward(
  source: Datasource,
  path: string,
  search: string,
  incoming: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  if (!isAllowed(incoming.method, path)) {
    return fail(response, 403, 'only queries are let through');
  }
  let body: Buffer;
  try {
    body = await bodyOf(incoming);
  } catch (error) {
    return fail(response, error instanceof RangeError ? 413 : 400, String(error));
  }
  const target = new URL(`${source.url}/${path}${search}`);
  const send = target.protocol === 'https:' ? tlsRequest : request;
  const headers: Record<string, string | number> = { accept: 'application/json', 'content-length': body.length };
  for (const name of ['content-type', 'accept-encoding'] as const) {
    const value = incoming.headers[name];
    if (value !== undefined) {
      headers[name] = String(value);
    }
  }
  const agent = agents[target.protocol === 'https:' ? 'https:' : 'http:'];
  const outgoing = send(target, { method: incoming.method, headers, agent, timeout: QUERY_TIMEOUT_MS }, (answer) => {
    const { 'content-type': type, 'content-encoding': encoding } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, {
      'content-type': type ?? 'application/json',
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
      'cache-control': 'no-store',
    });
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
  outgoing.on('error', (error) => fail(response, error.message === 'timeout' ? 504 : 502, `${source.name}: ${error.message}`));
  response.on('close', () => outgoing.destroy()); // the page went on: the query need not
  outgoing.end(body);
}
