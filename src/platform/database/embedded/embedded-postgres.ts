import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries, type PostgresBinaries } from './binaries.js';
import { APPLICATION_ROLE } from '../application-role.js';
import { canConnect, ensureDatabase } from './connection.js';
import { run, startServer, type ServerProcess } from './server-process.js';
import { findServerUser, type ServerUser } from './server-user.js';
import { findSocketDirectory } from './socket-directory.js';
import { Supervisor } from './supervisor.js';

/** Data of one major version cannot be read by another: the major stands in the path, so that an upgrade is a new folder. */
const MAJOR_FOLDER = 'pg18';
const SUPERUSER = 'opengateway';
const DATABASE = 'opengateway';
const START_DEADLINE_MS = 30_000;
const INIT_DEADLINE_MS = 120_000;
const LOG_LIMIT_BYTES = 5_000_000;
/** Where the database goes when root lacks the capability to let its server into the wanted folder. */
const SHARED_DATA_DIRECTORY = '/var/lib/opengateway';

export type Say = (line: string) => void;

export interface EmbeddedPostgresOptions {
  readonly dataDirectory: string;
  /** False in tests only: a crash of the machine may then lose everything. */
  readonly durable: boolean;
  /** Told what a person would like to know: that the database was created, or lies elsewhere. */
  readonly say: Say;
}

/** A PostgreSQL server on a unix socket, started by us or adopted from another process of the same data directory. */
export interface EmbeddedPostgres {
  /** The schema's owner, for pg: `postgresql://opengateway@localhost/opengateway?host=<socket directory>`. */
  readonly url: string;
  /** The application's role, which the migrations make. */
  readonly applicationUrl: string;
  readonly adopted: boolean;
  /** The server process's id; null when adopted. */
  readonly pid: number | null;
  /** Ends a server that we started and waits for it; leaves an adopted one alone. */
  stop(): Promise<void>;
}

/** Thrown with one clear line: what is missing or what the server's own log says. */
export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError';
}

interface Installation {
  readonly binaries: PostgresBinaries;
  readonly user: ServerUser;
  readonly data: string;
  readonly sockets: string;
  readonly log: string;
  readonly durable: boolean;
}

/** Several processes may race on one data directory: one server wins, the others adopt it. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const installation = prepare(options);
  const url = urlOf(installation.sockets, DATABASE);
  const deadline = Date.now() + START_DEADLINE_MS;
  if (await canConnect(urlOf(installation.sockets, 'postgres'))) return adopt(installation, url);
  if (!existsSync(join(installation.data, 'PG_VERSION'))) {
    options.say('Creating the embedded database');
    await initialise(installation);
  }
  while (Date.now() < deadline) {
    const server = startServer(serverCommand(installation), environment(installation), installation.log);
    if (await becameReady(installation, server, deadline)) return own(installation, url, server, options.say);
    if (await canConnect(urlOf(installation.sockets, 'postgres'))) return adopt(installation, url);
    await sleep(100);
  }
  throw new EmbeddedPostgresError(`The embedded database did not start within ${START_DEADLINE_MS / 1000} s; see ${installation.log}`);
}

function prepare(options: EmbeddedPostgresOptions): Installation {
  const user = findServerUser();
  if (!user.usable) {
    throw new EmbeddedPostgresError('The embedded database needs CAP_DAC_OVERRIDE when root starts it: run as an ordinary user, or set DATABASE_URL');
  }
  const home = join(chooseHome(options, user), MAJOR_FOLDER);
  mkdirSync(home, { recursive: true, mode: 0o755 });
  const binaries = findBinaries(join(home, 'lib'));
  if (binaries === null) {
    throw new EmbeddedPostgresError(
      `No embedded PostgreSQL for ${process.platform}-${process.arch} is installed: set DATABASE_URL to a PostgreSQL 15 or later`,
    );
  }
  sweepInterruptedInits(home);
  const log = join(home, 'postgres.log');
  if (existsSync(log) && statSync(log).size > LOG_LIMIT_BYTES) truncateSync(log);
  return { binaries, user, data: join(home, 'data'), sockets: findSocketDirectory(home, user), log, durable: options.durable };
}

function chooseHome(options: EmbeddedPostgresOptions, user: ServerUser): string {
  const wanted = resolve(options.dataDirectory);
  if (user.reachesEverything) return wanted;
  const home = join(SHARED_DATA_DIRECTORY, Buffer.from(wanted).toString('base64url').slice(-40));
  options.say(`This root user may not open ${wanted} to the database's user: the database lies in ${home}`);
  return home;
}

/** A killed start leaves its half-made cluster behind; one that is younger may belong to a process racing with us. */
function sweepInterruptedInits(home: string): void {
  for (const name of readdirSync(home).filter((entry) => entry.startsWith('init-'))) {
    const path = join(home, name);
    if (Date.now() - statSync(path).mtimeMs > INIT_DEADLINE_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Created aside and renamed: a data directory is either whole or not there, and of two racers one wins. */
async function initialise(installation: Installation): Promise<void> {
  const temporary = mkdtempSync(join(installation.data, '..', 'init-'));
  installation.user.own(temporary);
  const args = ['-D', temporary, '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--locale-provider=builtin'];
  args.push('--builtin-locale=C.UTF-8', ...(installation.durable ? [] : ['--no-sync']));
  try {
    const result = await run(installation.user.command(installation.binaries.initdb, args), environment(installation), INIT_DEADLINE_MS);
    if (result.code !== 0) throw new EmbeddedPostgresError(`initdb failed: ${result.output.trim().slice(-500)}`);
    renameSync(temporary, installation.data);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (existsSync(join(installation.data, 'PG_VERSION'))) return;
    throw error;
  }
}

function serverCommand(installation: Installation): readonly [string, readonly string[]] {
  const settings: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: `"${installation.sockets}"`,
    unix_socket_permissions: '0700',
    max_connections: '200',
    shared_buffers: '64MB',
    // Pages of tables that only grow are written once, when their place is needed: written ahead they cost 3 µs more a request (2026-11-30).
    bgwriter_lru_maxpages: '0',
    wal_level: 'minimal',
    max_wal_senders: '0',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'warning',
    ...(installation.durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return installation.user.command(installation.binaries.postgres, ['-D', installation.data, ...args]);
}

function environment(installation: Installation): NodeJS.ProcessEnv {
  const libraries = installation.binaries.libraryPath;
  const base: NodeJS.ProcessEnv = { PATH: process.env['PATH'], LANG: 'C', LC_ALL: 'C', TZ: 'UTC' };
  return libraries === null ? base : { ...base, LD_LIBRARY_PATH: libraries };
}

async function becameReady(installation: Installation, server: ServerProcess, deadline: number): Promise<boolean> {
  const probe = urlOf(installation.sockets, 'postgres');
  while (Date.now() < deadline && !server.exited()) {
    if (isPostmaster(installation, server.pid) && (await canConnect(probe))) return true;
    await sleep(15);
  }
  return false;
}

/** Of racing servers only one holds the lock file; another's process is about to exit although its socket answers. */
function isPostmaster(installation: Installation, pid: number): boolean {
  try {
    return readFileSync(join(installation.data, 'postmaster.pid'), 'utf8').startsWith(`${pid}\n`);
  } catch {
    return false;
  }
}

async function own(installation: Installation, url: string, server: ServerProcess, say: Say): Promise<EmbeddedPostgres> {
  await ensureDatabase(urlOf(installation.sockets, 'postgres'), DATABASE);
  const supervisor = new Supervisor(server, () => startServer(serverCommand(installation), environment(installation), installation.log), say);
  return { url, applicationUrl: applicationUrlOf(installation), adopted: false, pid: server.pid, stop: () => supervisor.stop() };
}

async function adopt(installation: Installation, url: string): Promise<EmbeddedPostgres> {
  await ensureDatabase(urlOf(installation.sockets, 'postgres'), DATABASE);
  return { url, applicationUrl: applicationUrlOf(installation), adopted: true, pid: null, stop: () => Promise.resolve() };
}

function applicationUrlOf({ sockets }: Installation): string {
  return urlOf(sockets, DATABASE, APPLICATION_ROLE);
}

function urlOf(sockets: string, database: string, user = SUPERUSER): string {
  return `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(sockets)}`;
}
