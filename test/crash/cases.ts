import type { Failpoint } from '../../src/platform/failpoint/index.js';

export type DatabaseFate = 'up' | 'restarted' | 'down';
export type RedisFate = 'none' | 'up' | 'flushed';

/** One crash: where the process dies, what it was doing, and what becomes of its dependencies before it is started again. */
export interface CrashCase {
  readonly point: Failpoint;
  readonly stream: boolean;
  readonly lease: boolean;
  readonly database: DatabaseFate;
  readonly redis: RedisFate;
}

/** What the customer may have paid once everything is recovered. */
export type Toll =
  /** Nothing: not a byte of an answer was delivered. */
  | 'nothing'
  /** Nothing, or the prompt: the provider had begun. */
  | 'prompt at most'
  /** Something, and no more than was delivered. */
  | 'delivered at most'
  /** The answer's price to the nano-USD. */
  | 'exact'
  /** Not a request: an operator's or a customer's other act, done once when it is repeated. */
  | 'once';

interface PointFacts {
  readonly kinds: readonly ('whole' | 'stream')[];
  readonly toll: Readonly<{ whole?: Toll; stream?: Toll }>;
}

const BOTH = ['whole', 'stream'] as const;
const NOTHING: PointFacts = { kinds: BOTH, toll: { whole: 'nothing', stream: 'nothing' } };
const EXACT: PointFacts = { kinds: BOTH, toll: { whole: 'exact', stream: 'exact' } };
const ONCE: PointFacts = { kinds: ['whole'], toll: { whole: 'once' } };

export const POINTS: Readonly<Record<Failpoint, PointFacts>> = {
  'body-parsed': NOTHING,
  'limits-taken': NOTHING,
  'lease-committed': NOTHING,
  admitted: NOTHING,
  'request-sent': NOTHING,
  'upstream-headers': { kinds: BOTH, toll: { whole: 'nothing', stream: 'prompt at most' } },
  checkpointed: { kinds: ['stream'], toll: { stream: 'delivered at most' } },
  // Whole: the answer was read and never sent. A stream's last checkpoint is what its client had.
  'usage-seen': { kinds: BOTH, toll: { whole: 'nothing', stream: 'delivered at most' } },
  ended: EXACT,
  posted: EXACT,
  'webhook-sent': ONCE,
  'code-consumed': ONCE,
  refunded: ONCE,
  'half-posted': EXACT,
  'half-recovered': { kinds: ['stream'], toll: { stream: 'delivered at most' } },
};

export function tollOf({ point, stream }: CrashCase): Toll {
  return POINTS[point].toll[stream ? 'stream' : 'whole'] as Toll;
}

export function nameOf({ point, stream, lease, database, redis }: CrashCase): string {
  const words = [point, stream ? 'stream' : 'whole', lease ? 'lease' : 'strict', `database ${database}`];
  return redis === 'none' ? words.join(' · ') : [...words, `Redis ${redis}`].join(' · ');
}

/** Every failpoint × kind × ledger mode × what happens to the database; with Redis for some. */
export function wholeMatrix(hasRedis: boolean): CrashCase[] {
  const cases = matrixOf(Object.keys(POINTS) as Failpoint[], ['up', 'restarted', 'down'], [true, false]);
  if (!hasRedis) return cases;
  const some: Failpoint[] = ['limits-taken', 'admitted', 'checkpointed', 'ended', 'posted'];
  const plain = matrixOf(some, ['up'], [true, false]);
  return [...cases, ...plain.map((each) => ({ ...each, redis: 'up' as const })), ...plain.map((each) => ({ ...each, redis: 'flushed' as const }))];
}

/** Each failpoint once, and the database's fates at the telling ones: what `npm test` has time for. */
export function shortMatrix(): CrashCase[] {
  // An event that was sent and not noted is due again after a minute: too long here.
  const points = (Object.keys(POINTS) as Failpoint[]).filter((point) => point !== 'webhook-sent');
  const once = points.map((point, index): CrashCase => {
    const { kinds } = POINTS[point];
    return { point, stream: (kinds[index % kinds.length] ?? kinds[0]) === 'stream', lease: true, database: 'up', redis: 'none' };
  });
  const fates = (['restarted', 'down'] as const).flatMap((database) =>
    (['checkpointed', 'ended'] as const).map((point): CrashCase => ({ point, stream: true, lease: point === 'ended', database, redis: 'none' })),
  );
  return [...once, ...fates];
}

function matrixOf(points: readonly Failpoint[], databases: readonly DatabaseFate[], leases: readonly boolean[]): CrashCase[] {
  return databases.flatMap((database) =>
    points.flatMap((point) => POINTS[point].kinds.flatMap((kind) => leases.map((lease): CrashCase => ({ point, stream: kind === 'stream', lease, database, redis: 'none' })))),
  );
}
