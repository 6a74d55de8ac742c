// What the process says of itself, under the names that Grafana uses. In: nothing. Out: Prometheus' text format.
import { VERSION } from './version.ts';

const startedAt = Date.now() / 1000 - process.uptime();
const counts = new Map<string, number>();

/** Counts one finished request. `handler` is the route, never the raw path: the number of series stays bounded. */
export function countRequest(handler: string, status: number): void {
  const key = `handler="${handler}",status_code="${status}"`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export function metricsText(): string {
  const cpu = process.cpuUsage();
  const lines = [
    '# TYPE grafana_build_info gauge',
    `grafana_build_info{version="${VERSION}",edition="stand-in"} 1`,
    '# TYPE process_cpu_seconds_total counter',
    `process_cpu_seconds_total ${(cpu.user + cpu.system) / 1e6}`,
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    '# TYPE process_start_time_seconds gauge',
    `process_start_time_seconds ${startedAt}`,
    '# TYPE grafana_http_request_duration_seconds_count counter',
  ];
  for (const [labels, count] of counts) {
    lines.push(`grafana_http_request_duration_seconds_count{${labels}} ${count}`);
  }
  return `${lines.join('\n')}\n`;
}
