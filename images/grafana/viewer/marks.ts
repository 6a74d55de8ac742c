// What an annotation query's answer means on the time axis. In: points. Out: marks, each from its first point to its last.

export interface Mark {
  fromMs: number;
  toMs: number;
  text: string;
  color: string;
}

/** Joins the points of one series that are not further apart than one step. */
export function marksOf(points: [number, string][], stepMs: number, text: string, color: string): Mark[] {
  const marks: Mark[] = [];
  for (const [seconds, value] of points) {
    if (!(Number(value) > 0)) {
      continue;
    }
    const at = seconds * 1000;
    const last = marks.at(-1);
    if (last !== undefined && at - last.toMs <= stepMs) {
      last.toMs = at;
    } else {
      marks.push({ fromMs: at, toMs: at, text, color });
    }
  }
  return marks;
}
