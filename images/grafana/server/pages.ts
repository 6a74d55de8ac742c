// The page's own files. In: a path. Out: the file from dist/public/, or the one HTML page for every address of a dashboard.
// Files under build/assets/ carry a hash of their content in their name, so they may be kept for a year.
import { createReadStream, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Sends one file of `root`; answers 404 for what is not there and for what is not below it. */
export function sendFile(root: string, path: string, response: ServerResponse): void {
  const file = join(root, normalize(`/${path}`));
  let size: number;
  try {
    const found = statSync(file);
    if (!found.isFile()) {
      throw new Error('not a file');
    }
    size = found.size;
  } catch {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    return;
  }
  const lasting = path.startsWith('build/assets/');
  response.writeHead(200, {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'content-length': size,
    'cache-control': lasting ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  createReadStream(file).on('error', () => response.destroy()).pipe(response);
}
