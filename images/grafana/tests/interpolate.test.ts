import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMs, interpolate, intervalOf, legendOf, promDefault, promDuration } from '../viewer/interpolate.ts';

test('every way of writing a variable is filled, and an unknown name stays', () => {
  const values = { job: 'web' };
  assert.equal(interpolate('$job ${job} [[job]] ${job:raw} $other', values), 'web web web web $other');
});

test('a list becomes one regex in a query and is escaped for a PromQL string', () => {
  const query = 'up{instance=~"$instance"}';
  assert.equal(interpolate(query, { instance: ['a.b', 'c'] }, promDefault), 'up{instance=~"(a\\\\.b|c)"}');
  assert.equal(interpolate(query, { instance: ['a'] }, promDefault), 'up{instance=~"a"}');
});

test('a quote in a value cannot leave its PromQL string', () => {
  assert.equal(interpolate('up{job="$job"}', { job: 'x"} or up{job="' }, promDefault), 'up{job="x\\"} or up{job=\\""}');
});

test('an address gets its values percent-encoded when asked', () => {
  assert.equal(interpolate('/d/x?var-a=${a:percentencode}', { a: 'b c&d' }), '/d/x?var-a=b%20c%26d');
});

test('a rate spans four scrapes even when the step is shorter', () => {
  assert.deepEqual(intervalOf(30 * 60_000, 1000, 5000), { stepMs: 5000, rateIntervalMs: 20_000 });
});

test('the step grows with the range, and the rate with the step', () => {
  assert.deepEqual(intervalOf(6 * 3600_000, 700, 5000), { stepMs: 30_000, rateIntervalMs: 35_000 });
});

test('no query asks for more points than Prometheus gives', () => {
  const year = 365 * 86_400_000;
  assert.ok(year / intervalOf(year, 1_000_000, 1000).stepMs <= 11_000);
});

test('durations are read and written as PromQL has them', () => {
  assert.equal(durationMs('1m30s'), 90_000);
  assert.equal(promDuration(90_000), '90s');
  assert.equal(promDuration(3_600_000), '1h');
  assert.throws(() => durationMs('soon'), RangeError);
});

test('a legend takes labels and leaves nothing for an absent one', () => {
  assert.equal(legendOf('{{ job }} {{mode}}', { job: 'web' }), 'web ');
});
