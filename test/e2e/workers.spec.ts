import { readFileSync } from 'node:fs';
import { ChatClient, user } from '../support/chat-client.js';
import { nanoOf, PRICE, Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

const TIMEOUT_MS = 90_000;
const NANO = 1_000_000_000n;

const BODY = { model: 't/held', messages: user('Hello'), max_tokens: 100 };

function usd(nanoUsd: bigint): string {
  return `${nanoUsd / NANO}.${(nanoUsd % NANO).toString().padStart(9, '0')}`;
}

/** Processes that this one started and that run our program (the database is its child too). */
function workersOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('main.js'));
}

/** CPU time in ticks. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function many<T>(count: number, work: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, work));
}

/** `WEB_CONCURRENCY=2`: two processes behind one port that count and spend as one. */
describe('two workers', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start({ env: { WEB_CONCURRENCY: '2' } });
    await bed.declare([
      { name: 'plain', served: { solo: answers('done') } },
      { name: 'held', served: { solo: answers('done', { hold: true }) } },
    ]);
  }, TIMEOUT_MS);

  afterAll(async () => bed?.stop(), TIMEOUT_MS);

  /** Calls at once, so many of which are refused with this status: those let in are held until all others were refused. */
  async function heldUntil(status: number, expected: { calls: number; refusals: number }, client: ChatClient): Promise<number[]> {
    let refused = 0;
    const calls = many(expected.calls, async () => {
      const answer = await client.chat(BODY);
      if (answer.status === status) refused += 1;
      return answer.status;
    });
    await bed.operator.eventually(async () => refused, 30_000, (count) => count === expected.refusals);
    await bed.simulator.until((stats) => stats.held === expected.calls - expected.refusals);
    bed.simulator.release('held.solo');
    return calls;
  }

  it('serve together: both work on a burst, and the metrics are of both', async () => {
    const pids = workersOf(bed.gateway.pid);
    expect(pids).toHaveLength(2);
    const before = pids.map(cpuOf);
    const { client } = await bed.key();
    const ended = await many(200, () => client.chat({ model: 't/plain', messages: user('x') }));
    expect(ended.filter(({ status }) => status !== 200)).toHaveLength(0);
    pids.forEach((pid, index) => expect(cpuOf(pid)).toBeGreaterThan(before[index] ?? Infinity));
    const text = await (await fetch(`${bed.gateway.url}/metrics`)).text();
    const counted = [...text.matchAll(/^og_requests_total\{[^}]*model="t\/plain"[^}]*\} (\d+)$/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
    expect(counted).toBe(200);
    expect(text.match(/^og_build_info\{.*\} (\d+)$/m)?.[1]).toBe('1');
  });

  it('admit exactly 10 of 100 parallel calls on a key of 10 a minute', async () => {
    const { client } = await bed.key({ limits: { rpm: 10 } });
    const statuses = (await many(100, () => client.chat({ model: 't/plain', messages: user('x') }))).map(({ status }) => status);
    expect([statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 429).length]).toEqual([10, 90]);
  });

  it('give concurrency slots back, tokens too, and say what is left', async () => {
    const { key, client } = await bed.key({ limits: { concurrency: 3, tpm: 100_000 } });
    const statuses = await heldUntil(429, { calls: 10, refusals: 7 }, client);
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    const answer = await client.chat({ model: 't/plain', messages: user('x'), max_tokens: 50 });
    expect(answer.status).toBe(200);
    const used = (await (await fetch(`${bed.gateway.url}/v1/key`, { headers: { authorization: `Bearer ${key}` } })).json()) as { limits: { limit: string; used: number }[] };
    expect(used.limits.find(({ limit }) => limit === 'concurrency')?.used).toBe(0);
    expect(used.limits.find(({ limit }) => limit === 'tpm')?.used).toBeLessThan(1_000);
  });

  it('admit exactly the limit when they had allowances, each window of them', async () => {
    for (const limits of [{ rpd: 500 }, { rpm: 450, concurrency: 200, tpm: 1_000_000 }]) {
      const { client } = await bed.key({ limits });
      const statuses: number[] = [];
      const oneByOne = async (): Promise<void> => {
        for (let index = 0; index < 40; index += 1) statuses.push((await client.chat({ model: 't/plain', messages: user('x'), max_tokens: 20 })).status);
      };
      await many(16, oneByOne);
      const limit = limits.rpm ?? limits.rpd;
      expect([statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 429).length]).toEqual([limit, 640 - (limit as number)]);
    }
  }, TIMEOUT_MS);

  it('have as many at a time as the limit says when they had allowances, and find each slot free at once', async () => {
    const { client } = await bed.key({ limits: { concurrency: 100 } });
    const plain = async (): Promise<number> => (await client.chat({ model: 't/plain', messages: user('x') })).status;
    const oneByOne = async (): Promise<number[]> => {
      const statuses: number[] = [];
      for (let index = 0; index < 20; index += 1) statuses.push(await plain());
      return statuses;
    };
    expect(new Set((await many(16, oneByOne)).flat())).toEqual(new Set([200]));
    const statuses = await heldUntil(429, { calls: 140, refusals: 40 }, client);
    expect(statuses.filter((status) => status === 200)).toHaveLength(100);
    // As many as there are slots, each asking again as soon as it is answered.
    expect(new Set((await many(100, oneByOne)).flat())).toEqual(new Set([200]));
  }, TIMEOUT_MS);

  it('spend exactly: 100 at once on credit for 10', async () => {
    const probe = await bed.client.chat({ ...BODY, model: 't/plain' });
    const hold = nanoOf((await bed.recordOf(probe))['hold_usd']);
    const { key } = await bed.operator.tenant({ creditUsd: usd(hold * 10n) });
    const statuses = await heldUntil(402, { calls: 100, refusals: 90 }, new ChatClient(bed.gateway.url, key));
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(await bed.settled()).toMatchObject({ ok: true, drift_nano_usd: 0 });
  }, TIMEOUT_MS);

  it('know every change before it is answered', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id, client } = await bed.key();
      expect((await many(8, () => client.chat({ model: 't/plain', messages: user('x') }))).map(({ status }) => status)).toEqual(Array(8).fill(200));
      await bed.operator.delete(`keys/${id}`);
      expect((await many(8, () => client.chat({ model: 't/plain', messages: user('x') }))).map(({ status }) => status)).toEqual(Array(8).fill(401));
      await bed.declare([{ name: `new-${round}`, served: { solo: answers('new') }, facts: { price: PRICE } }]);
      expect((await many(8, () => bed.client.chat({ model: `t/new-${round}`, messages: user('x') }))).map(({ status }) => status)).toEqual(Array(8).fill(200));
    }
  });

  it('replace one that is killed, and nothing stays held', async () => {
    const { client } = await bed.key({ limits: { concurrency: 20 } });
    const held = many(12, () => client.chat({ model: 't/held', messages: user('x') }).then(({ status }) => status, () => 0));
    await bed.simulator.until((stats) => stats.held === 12);
    const [first, second] = workersOf(bed.gateway.pid);
    process.kill(first as number, 'SIGKILL');
    bed.simulator.release('held.solo');
    const statuses = await held;
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
    expect(statuses.filter((status) => status === 0).length).toBeGreaterThan(0);
    await bed.operator.eventually(async () => workersOf(bed.gateway.pid), 30_000, (pids) => pids.length === 2 && pids.includes(second as number) && !pids.includes(first as number));
    const report = await bed.operator.eventually(() => bed.operator.get('ledger/verify'), 60_000, ({ open_holds: open }) => open === 0);
    expect(report).toMatchObject({ ok: true, drift_nano_usd: 0 });
    expect((await many(20, () => client.chat({ model: 't/plain', messages: user('x') }))).map(({ status }) => status)).toEqual(Array(20).fill(200));
  }, TIMEOUT_MS);

  it('stop together, the database included', async () => {
    const pids = [bed.gateway.pid, ...workersOf(bed.gateway.pid)];
    expect(await bed.gateway.stop()).toBe(0);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }, TIMEOUT_MS);
});
