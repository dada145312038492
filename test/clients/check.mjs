/** Counts steps; a script ends with `done()`, which prints the count. */
let stepCount = 0;

export function check(holds, what, shown) {
  stepCount += 1;
  if (holds) return;
  console.error(`not so: ${what}`, shown === undefined ? '' : JSON.stringify(shown, null, 1));
  process.exit(1);
}

export async function refused(promise, what) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  check(false, `${what} was refused`);
  return undefined;
}

export function done() {
  console.log(`${stepCount} checks`);
}

export const target = { url: process.env.OG_URL, key: process.env.OG_API_KEY, poorKey: process.env.OG_POOR_KEY };

/** A fetch that counts calls, to see what an SDK's own retries do. */
export function countingFetch() {
  const counter = { calls: 0, fetch: (...words) => ((counter.calls += 1), fetch(...words)) };
  return counter;
}

export const WEATHER_SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' }, celsius: { type: 'number' } },
  required: ['city', 'celsius'],
  additionalProperties: false,
};
