// Time series with holes. In: points as Prometheus gives them, which leaves out what it does not know. Out: the same
// points and a null in each hole, so that no line is drawn over a time without figures.

export interface Points {
  times: number[];
  values: (number | null)[];
}

/** A hole is longer than one step. What cannot be drawn (0/0, x/0) becomes a hole, too. */
export function withGaps(times: readonly number[], values: readonly unknown[], stepMs: number): Points {
  const filled: Points = { times: [], values: [] };
  times.forEach((time, at) => {
    const before = times[at - 1];
    if (before !== undefined && time - before > stepMs) {
      filled.times.push(before + stepMs);
      filled.values.push(null);
    }
    const value = values[at];
    filled.times.push(time);
    filled.values.push(typeof value === 'number' && Number.isFinite(value) ? value : null);
  });
  return filled;
}
