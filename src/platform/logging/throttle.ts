/**
 * An outage makes the same error many times a second: the first is told at once, then one per period with the number of
 * those left out.
 */
export function throttled(periodMs: number, tell: (error: Error, leftOutCount: number) => void): (error: Error) => void {
  let nextMs = 0;
  let leftOut = 0;
  return (error) => {
    const nowMs = performance.now();
    if (nowMs < nextMs) {
      leftOut += 1;
      return;
    }
    nextMs = nowMs + periodMs;
    tell(error, leftOut);
    leftOut = 0;
  };
}
