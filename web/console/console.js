// The operator's overview, over the same admin API that `og` uses. Everything from outside is set as text, never as HTML.
const TOKEN = 'opengateway-admin-token';
const byId = (id) => document.getElementById(id);
const view = byId('view');

async function ask(path) {
  const answer = await fetch(`/admin/v1/${path}`, { headers: { authorization: `Bearer ${sessionStorage.getItem(TOKEN)}` } });
  const body = await answer.json();
  if (answer.ok) return body;
  if (answer.status === 401) signOut();
  throw new Error(body.error?.message ?? `the gateway answered ${answer.status}`);
}

function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children.map((child) => child ?? '–'));
  return node;
}

/** `columns`: heading, what a row shows there (text or node), and whether it is a number. */
function table(columns, rows) {
  if (rows.length === 0) return element('p', { className: 'muted' }, 'Nothing here yet.');
  const cell = (tag, numeric, content) => element(tag, { className: numeric ? 'number' : '' }, content);
  const head = element('tr', {}, ...columns.map(([heading, , numeric]) => cell('th', numeric, heading)));
  const lines = rows.map((row) => element('tr', {}, ...columns.map(([, shown, numeric]) => cell('td', numeric, shown(row)))));
  return element('div', { className: 'table' }, element('table', {}, element('thead', {}, head), element('tbody', {}, ...lines)));
}

function figures(pairs) {
  return element('dl', { className: 'figures' }, ...pairs.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));
}

const text = (value) => (value === null || value === undefined || value === '' ? '–' : String(value));
const time = (iso) => (iso ? new Date(iso).toLocaleString() : '–');
const mark = (holds, word) => element('span', { className: holds ? 'good' : 'bad' }, word);

async function requests() {
  const [list, account] = await Promise.all([ask('requests?limit=50'), ask('accounts/default')]);
  return [
    element('h2', {}, 'Requests'),
    figures([['Balance of default', `$${account.balance_usd}`], ['Held', `$${account.held_usd}`], ['Available', `$${account.available_usd}`]]),
    table(
      [
        ['When', (row) => time(row.received_at)],
        ['Request', (row) => element('a', { href: `#request/${row.id}` }, row.id)],
        ['Model', (row) => text(row.served_model ?? row.model)],
        ['Provider', (row) => text(row.provider)],
        ['State', (row) => mark(row.state === 'completed', row.state)],
        ['Status', (row) => text(row.status), true],
        ['Tokens in', (row) => text(row.prompt_tokens), true],
        ['Tokens out', (row) => text(row.completion_tokens), true],
        ['Cost USD', (row) => text(row.cost_usd), true],
        ['First token ms', (row) => text(row.ttft_ms && Math.round(row.ttft_ms)), true],
        ['Total ms', (row) => text(Math.round(row.total_ms)), true],
      ],
      list.data,
    ),
  ];
}

async function request(id) {
  const detail = await ask(`requests/${encodeURIComponent(id)}`);
  return [
    element('h2', {}, `Request ${detail.id}`),
    figures([['State', detail.state], ['Held', `$${detail.hold_usd}`], ['Charged', `$${detail.cost_usd}`], ['Attempts', String(detail.attempts?.length ?? 0)]]),
    element('h2', {}, 'Routing'),
    table([['Place', (row) => text(row.place), true], ['Provider', (row) => row.provider], ['Model', (row) => row.model], ['Excluded', (row) => text(row.excluded)], ['Why', (row) => row.reasons.join('; ')]], detail.candidates ?? []),
    element('h2', {}, 'Everything recorded'),
    element('pre', {}, JSON.stringify(detail, null, 2)),
  ];
}

async function providers() {
  const { data } = await ask('providers/health');
  return [
    element('h2', {}, 'Providers'),
    table(
      [
        ['Provider', (row) => row.provider],
        ['Model', (row) => row.model],
        ['Zones', (row) => row.zones.join(', ') || 'any'],
        ['Circuit', (row) => (row.kept ? mark(row.circuit === 'closed', row.circuit) : element('span', { className: 'muted' }, 'not kept'))],
        ['Credential', (row) => mark(row.credential_state === 'ok', row.credential_state)],
        ['Success', (row) => (row.success_rate === null ? '–' : `${(row.success_rate * 100).toFixed(1)} %`), true],
        ['p95 ms', (row) => text(row.p95_ms && Math.round(row.p95_ms)), true],
        ['Last error', (row) => text(row.last_error)],
      ],
      data,
    ),
  ];
}

async function keys() {
  const { data } = await ask('keys?limit=200');
  return [
    element('h2', {}, 'Virtual keys'),
    table([['Name', (row) => row.name], ['Id', (row) => row.id], ['Ends in', (row) => row.last4], ['Project', (row) => row.project_id], ['Status', (row) => mark(row.status === 'active', row.status)], ['Limits', (row) => JSON.stringify(row.limits)], ['Policy', (row) => JSON.stringify(row.policy)], ['Expires', (row) => time(row.expires_at)]], data),
  ];
}

async function ledger() {
  const report = await ask('ledger/verify');
  return [
    element('h2', {}, 'Ledger'),
    figures([['Verdict', mark(report.ok, report.ok ? 'holds' : 'does not hold')], ['Drift', `${report.drift_nano_usd} nano-USD`], ['Open holds', String(report.open_holds)], ['Open leases', String(report.open_leases)], ['Transactions', String(report.transactions)]]),
    table([['', (row) => mark(row.ok, row.ok ? '✓' : '✗')], ['Invariant', (row) => row.id], ['Means', (row) => row.means], ['Violations', (row) => String(row.violations), true]], report.invariants),
  ];
}

async function audit() {
  const { data } = await ask('audit-log?limit=100');
  return [element('h2', {}, 'Audit log'), table([['When', (row) => time(row.at)], ['Action', (row) => row.action], ['Target', (row) => text(row.target)], ['Outcome', (row) => mark(row.outcome === 'done', row.outcome)], ['From', (row) => row.client_ip], ['Request', (row) => row.request_id]], data)];
}

const VIEWS = { requests, request, providers, keys, ledger, audit };

async function show() {
  const signedIn = sessionStorage.getItem(TOKEN) !== null;
  byId('sign-in').hidden = signedIn;
  byId('nav').hidden = view.hidden = !signedIn;
  byId('message').hidden = true;
  if (!signedIn) return;
  const [name, id] = (location.hash.slice(1) || 'requests').split('/');
  for (const link of document.querySelectorAll('nav a')) link.toggleAttribute('aria-current', false);
  document.querySelector(`nav a[href="#${name === 'request' ? 'requests' : name}"]`)?.setAttribute('aria-current', 'page');
  try {
    view.replaceChildren(...(await (VIEWS[name] ?? requests)(id)));
  } catch (error) {
    byId('message').textContent = error.message;
    byId('message').hidden = false;
  }
}

function signOut() {
  sessionStorage.removeItem(TOKEN);
  view.replaceChildren();
  void show();
}

byId('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, byId('token').value.trim());
  byId('token').value = '';
  void show();
});
byId('sign-out').addEventListener('click', signOut);
addEventListener('hashchange', show);
void show();
