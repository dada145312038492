/** The directions of the house (docs/architecture.md), enforced in the build. */
const SIBLINGS = ['providers', 'auth', 'billing', 'logs'];

/** @param {string} name @param {string} comment @param {object} from @param {object} to */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
const SPEC = '\\.spec\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    forbid('no-circular', 'A cycle has no direction.', { pathNot: SPEC }, { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } }),
    forbid('core-is-pure', 'core imports itself and node: built-ins only.', { path: '^src/core/', pathNot: SPEC }, { pathNot: '^src/core/', dependencyTypesNot: ['core'] }),
    forbid('platform-stands-on-core', 'platform uses core, migrations and libraries.', { path: '^src/platform/', pathNot: SPEC }, { path: '^src/', pathNot: '^src/(platform|core)/' }),
    ...SIBLINGS.map((name) =>
      forbid(
        `${name}-stands-on-platform`,
        'providers, auth, billing and logs use core and platform; they do not know each other.',
        { path: `^src/${name}/`, pathNot: SPEC },
        { path: '^src/', pathNot: `^src/(${name}|platform|core)/` },
      ),
    ),
    forbid('routing-may-use-providers', 'routing uses core, platform and providers.', { path: '^src/routing/', pathNot: SPEC }, { path: '^src/', pathNot: '^src/(routing|providers|platform|core)/' }),
    forbid('sandbox-uses-core-only', 'The built-in provider is a pure upstream.', { path: '^src/sandbox/', pathNot: SPEC }, { path: '^src/', pathNot: '^src/(sandbox|core)/' }),
    forbid('gateway-does-not-know-admin', 'Engine and back office are separable.', { path: '^src/gateway/', pathNot: SPEC }, { path: '^src/admin/' }),
    forbid('admin-does-not-know-gateway', 'Engine and back office are separable.', { path: '^src/admin/', pathNot: SPEC }, { path: '^src/gateway/' }),
    forbid('alerts-watch-the-leaves', 'alerts look at what auth, billing and logs know.', { path: '^src/alerts/', pathNot: SPEC }, { path: '^src/', pathNot: '^src/(alerts|auth|billing|logs|platform|core)/' }),
    forbid('nothing-stands-on-the-top', 'gateway and admin stand on top.', { path: '^src/(core|platform|providers|routing|auth|billing|logs|sandbox)/', pathNot: SPEC }, { path: '^src/(gateway|admin|cli)/' }),
    forbid(
      'modules-are-entered-through-their-index',
      'Another module sees only what index.ts exports.',
      { path: '^src/([^/]+)/', pathNot: `(${SPEC}|^src/core/)` },
      { path: '^src/(providers|routing|auth|billing|logs|alerts|gateway|admin|sandbox)/', pathNot: '^src/($1/|[^/]+/index\\.ts$)' },
    ),
    forbid(
      'app-enters-through-index',
      'main.ts and app.module.ts see what index.ts exports, too.',
      { path: '^src/[^/]+\\.ts$' },
      { path: '^src/(providers|routing|auth|billing|logs|alerts|gateway|admin|sandbox)/', pathNot: '^src/[^/]+/index\\.ts$' },
    ),
    forbid(
      'platform-parts-are-entered-through-their-index',
      'A port of the platform is its index.ts.',
      { path: '^src/', pathNot: `(${SPEC}|^src/platform/)` },
      { path: '^src/platform/', pathNot: ['^src/platform/index\\.ts$', '^src/platform/[^/]+/index\\.ts$'] },
    ),
    forbid(
      'protocols-do-not-know-each-other',
      'A protocol never imports another protocol; what they share lies beside them.',
      { path: '^src/core/protocols/([^/]+)/', pathNot: SPEC },
      { path: '^src/core/protocols/[^/]+/', pathNot: '^src/core/protocols/($1|sse|eventstream|ndjson|shared[^/]*)/' },
    ),
    forbid(
      'definitions-are-data',
      'A definition imports its types and the dialect words, nothing else.',
      { path: '^src/providers/definitions/[^/]+\\.ts$', pathNot: `(${SPEC}|/(index|registry|definition|types)\\.ts$)` },
      { pathNot: '^src/providers/(definitions/(definition|types)\\.ts$|dialect/)' },
    ),
    forbid('no-tests-in-production', 'Shipped code imports no spec and no test support.', { path: '^(src|migrations)/', pathNot: SPEC }, { path: `(${SPEC}|^test/)` }),
    forbid('no-dev-packages-in-production', 'Shipped code needs only dependencies.', { path: '^(src|migrations)/', pathNot: SPEC }, { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] }),
    forbid('resolvable', 'Every import leads somewhere.', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
