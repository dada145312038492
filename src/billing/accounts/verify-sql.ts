/** One invariant's question: each row of the answer is a violation, with what an operator needs to find it. */
export interface InvariantQuery {
  readonly id: string;
  readonly means: string;
  readonly text: string;
}

/** Balances replayed from zero: every transaction and every open lease, against what the ceilings say. */
export const REPLAY = `
  WITH entries AS (
    SELECT organization_id, sum(credit) AS amount FROM ledger_transactions WHERE credit IS NOT NULL GROUP BY organization_id
  ), charges AS (
    SELECT ceiling_id, sum(amount - refunded) AS amount FROM ledger_charges GROUP BY ceiling_id
  ), leases AS (
    SELECT ceiling_id, sum(amount) AS amount FROM ledger_leases GROUP BY ceiling_id
  )
  SELECT c.id, c.kind, c.scope, c.scope_id, c.posted, c.leased,
    CASE WHEN c.kind = 'account' THEN coalesce(e.amount, 0) ELSE c.amount - coalesce(b.amount, 0) END AS replayed_posted,
    coalesce(l.amount, 0) AS replayed_leased
  FROM ledger_ceilings c
    LEFT JOIN entries e ON c.kind = 'account' AND e.organization_id = c.scope_id
    LEFT JOIN charges b ON b.ceiling_id = c.id
    LEFT JOIN leases l ON l.ceiling_id = c.id`;

export const DRIFT = `
  SELECT coalesce(sum(abs(posted - replayed_posted) + abs(leased - replayed_leased)), 0)::text AS drift,
    md5(coalesce(string_agg(concat_ws(':', id, posted, leased), ',' ORDER BY id), '')) AS stored_hash,
    md5(coalesce(string_agg(concat_ws(':', id, replayed_posted, replayed_leased), ',' ORDER BY id), '')) AS replayed_hash
  FROM (${REPLAY}) replay`;

export const COUNTS = `
  SELECT
    (SELECT count(*) FROM ledger_requests WHERE state IN ('forwarded', 'streaming')) AS open_holds,
    (SELECT count(*) FROM ledger_leases) AS open_leases,
    (SELECT count(*) FROM ledger_transactions) AS transactions,
    (SELECT coalesce(sum(num_nonnulls(issuance, revenue, expired, provider_cost, suspense, loss, operator)
      + coalesce(cardinality(split_amounts), num_nonnulls(credit))), 0) FROM ledger_transactions) AS entries,
    (SELECT count(*) FROM ledger_requests) AS requests,
    (SELECT count(*) FROM ledger_engines WHERE state = 'live') AS live_engines,
    (SELECT coalesce(sum(hold), 0) FROM ledger_requests WHERE state IN ('forwarded', 'streaming')) AS held`;

/** By request: what its row says against what its transactions say. */
const BY_REQUEST = `
  SELECT request_id, -sum(credit) FILTER (WHERE kind = 'capture') AS captured, -sum(credit) FILTER (WHERE kind IN ('overage', 'late')) AS overage,
    sum(credit) FILTER (WHERE kind = 'refund') AS refunded, sum(loss) AS loss, sum(provider_cost) AS provider_cost, sum(suspense) AS suspense
  FROM ledger_transactions WHERE request_id IS NOT NULL GROUP BY request_id`;

export const INVARIANTS: readonly InvariantQuery[] = [
  {
    id: 'I01', means: 'the postings of every transaction sum to zero',
    text: `SELECT t.id AS transaction_id, coalesce(e.sum, 0) AS sum FROM ledger_transactions t
             LEFT JOIN (SELECT transaction_id, sum(amount) AS sum, count(*) AS count FROM ledger_entries GROUP BY transaction_id) e ON e.transaction_id = t.id
           WHERE e.sum IS DISTINCT FROM 0 OR e.count < 2`,
  },
  {
    id: 'I02', means: 'nothing is spent above a ceiling',
    text: `SELECT id AS ceiling_id, posted, leased, overdraft FROM ledger_ceilings WHERE posted - leased < -overdraft - shortfall`,
  },
  {
    id: 'I03', means: 'posted is the sum of the entries or charges, leased the sum of the open leases',
    text: `SELECT id AS ceiling_id, scope, scope_id, posted, replayed_posted, leased, replayed_leased FROM (${REPLAY}) r
           WHERE posted <> replayed_posted OR leased <> replayed_leased`,
  },
  {
    id: 'I04', means: 'each hold ended once, with the money its row says',
    text: `SELECT r.request_id, r.state, r.captured, b.captured AS entries_captured, r.overage, b.overage AS entries_overage
           FROM ledger_requests r FULL JOIN (${BY_REQUEST}) b USING (request_id)
           WHERE r.request_id IS NULL OR r.captured <> coalesce(b.captured, 0) OR r.overage <> coalesce(b.overage, 0)
             OR r.refunded <> coalesce(b.refunded, 0) OR r.loss <> coalesce(b.loss, 0)
             OR r.provider_cost <> coalesce(b.provider_cost, 0) OR r.suspense <> coalesce(b.suspense, 0)
             OR (r.state IN ('forwarded', 'streaming') AND (b.request_id IS NOT NULL OR r.settled_at IS NOT NULL))
             OR (r.state NOT IN ('forwarded', 'streaming') AND r.settled_at IS NULL)`,
  },
  {
    id: 'I05', means: 'captured is between nothing and the hold; all that was delivered was captured, charged beyond the hold, or lost',
    text: `SELECT request_id, hold, captured, overage, loss, worth FROM ledger_requests
           WHERE captured < 0 OR captured > hold OR (state NOT IN ('forwarded', 'streaming') AND captured + overage + loss <> worth)`,
  },
  {
    id: 'I06', means: 'at most one settlement per request and ceiling',
    text: `SELECT request_id, kind, count(*) FROM ledger_transactions WHERE request_id IS NOT NULL AND kind NOT IN ('refund', 'correction') GROUP BY request_id, kind HAVING count(*) > 1
           UNION ALL SELECT c.request_id, 'budget', count(*) FROM ledger_charges c JOIN ledger_requests r USING (request_id)
           WHERE c.amount <> r.captured + r.overage OR c.refunded <> r.refunded GROUP BY c.request_id`,
  },
  {
    id: 'I10', means: 'states and times agree',
    text: `SELECT request_id, state FROM ledger_requests
           WHERE (state IN ('forwarded', 'streaming')) <> (ended_at IS NULL) OR (state = 'compensated' AND refunded = 0 AND settled_by <> 'late')`,
  },
  {
    id: 'I15', means: 'what is left of a grant is what its entries say; issued = left + consumed + expired',
    text: `WITH moved AS (
             SELECT grant_id, sum(amount) AS remaining, -coalesce(sum(amount) FILTER (WHERE kind = 'expiry'), 0) AS expired
             FROM ledger_entries WHERE account = 'credit' AND grant_id IS NOT NULL GROUP BY grant_id)
           SELECT g.id AS grant_id, g.remaining, m.remaining AS entries_remaining, g.expired, m.expired AS entries_expired
           FROM ledger_grants g FULL JOIN moved m ON m.grant_id = g.id
           WHERE g.id IS NULL OR m.grant_id IS NULL OR g.remaining <> m.remaining OR g.expired <> m.expired`,
  },
  {
    id: 'I16', means: 'no redeem code is used more than it may; each use has its grant and each such grant its use',
    text: `SELECT c.id AS code_id, NULL::bigint AS grant_id, c.uses, c.max_uses, count(u.id) AS stored_uses
           FROM redeem_codes c LEFT JOIN redeem_uses u ON u.code_id = c.id LEFT JOIN redeem_batches b ON b.id = c.batch_id
             LEFT JOIN ledger_grants g ON g.id = u.grant_id AND g.source = 'redeem' AND g.organization_id = u.organization_id AND g.amount = b.amount
           GROUP BY c.id HAVING c.uses <> count(u.id) OR c.uses > c.max_uses OR count(u.id) <> count(g.id)
           UNION ALL SELECT NULL, g.id, NULL, NULL, NULL FROM ledger_grants g WHERE g.source = 'redeem' AND NOT EXISTS (SELECT 1 FROM redeem_uses u WHERE u.grant_id = g.id)`,
  },
  {
    id: 'I18', means: 'nothing unfinished belongs to an engine that has been dead for more than 40 s',
    text: `SELECT 'lease' AS what, l.engine_id, count(*) FROM ledger_leases l JOIN ledger_engines e ON e.id = l.engine_id
           WHERE e.state <> 'live' OR e.heartbeat_at < now() - interval '40 seconds' GROUP BY l.engine_id
           UNION ALL SELECT 'request', r.engine_id, count(*) FROM ledger_requests r JOIN ledger_engines e ON e.id = r.engine_id
           WHERE r.state IN ('forwarded', 'streaming') AND (e.state <> 'live' OR e.heartbeat_at < now() - interval '40 seconds') GROUP BY r.engine_id`,
  },
  {
    id: 'I20', means: 'by organization, what requests were charged is what its account lost to them',
    text: `WITH rows AS (SELECT organization_id, sum(captured + overage - refunded) AS amount FROM ledger_requests GROUP BY organization_id),
             posted AS (SELECT organization_id, -sum(credit) AS amount FROM ledger_transactions
               WHERE credit IS NOT NULL AND request_id IS NOT NULL GROUP BY organization_id)
           SELECT organization_id, r.amount AS rows, p.amount AS entries FROM rows r FULL JOIN posted p USING (organization_id)
           WHERE coalesce(r.amount, 0) <> coalesce(p.amount, 0)`,
  },
  {
    // Not of the ledger itself: the hours that usage is read from. Those with something posted since they were last summed are left out.
    id: 'U01', means: 'usage by hour is what the requests of the hour were charged',
    text: `WITH changed AS (
             SELECT DISTINCT date_trunc('hour', r.admitted_at, 'UTC') AS hour FROM usage_progress p
               JOIN ledger_transactions t ON t.created_at >= p.rolled_at - interval '60 seconds' JOIN ledger_requests r USING (request_id)),
             summed AS (SELECT hour, organization_id, sum(charged) AS charged, sum(refunded) AS refunded, sum(provider_cost) AS cost FROM usage_hours GROUP BY 1, 2),
             asked AS (SELECT date_trunc('hour', admitted_at, 'UTC') AS hour, organization_id, sum(captured + overage) AS charged, sum(refunded) AS refunded, sum(provider_cost) AS cost
               FROM ledger_requests WHERE admitted_at < (SELECT rolled_until FROM usage_progress) AND ended_at IS NOT NULL GROUP BY 1, 2)
           SELECT hour, organization_id, s.charged, a.charged AS requests_charged, s.refunded, a.refunded AS requests_refunded
           FROM summed s FULL JOIN asked a USING (hour, organization_id)
           WHERE hour NOT IN (SELECT hour FROM changed)
             AND (s.charged, s.refunded, s.cost) IS DISTINCT FROM (a.charged, a.refunded, a.cost)`,
  },
];
