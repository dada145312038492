import type { Command } from '../command.js';
import { catalogCheck, catalogImport } from './catalog.js';
import { apply, config, diff } from './configuration.js';
import { accounts, credits } from './credits.js';
import { doctor } from './doctor.js';
import { explain } from './explain.js';
import { keysCreate, keysList, keysRevoke, keysRotate } from './keys.js';
import { ledgerVerify } from './ledger.js';
import { exportCommand } from './export.js';
import { reconcileImport, reconcilePost, reconcileShow } from './reconcile.js';
import { alerts, webhooksCreate, webhooksList, webhooksRemove, webhooksTest } from './webhooks.js';
import { creditsList, rates, usage } from './usage.js';
import { models } from './models.js';
import { organizations, projects } from './organizations.js';
import { redeemCodesCreate, redeemCodesDeliver, redeemCodesExport, redeemCodesList, redeemCodesRevoke } from './redeem-codes.js';
import { routesDiscard, routesDraft, routesDrafts, routesList, routesPublish, routesResults, routesRollBack, routesValidate, routesVersions } from './routes.js';
import { requestsGet, requestsList } from './requests.js';

/** Every verb of `og`, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  apply,
  diff,
  config,
  organizations,
  projects,
  keysCreate,
  keysList,
  keysRevoke,
  keysRotate,
  credits,
  creditsList,
  accounts,
  redeemCodesCreate,
  redeemCodesList,
  redeemCodesDeliver,
  redeemCodesExport,
  redeemCodesRevoke,
  models,
  explain,
  routesList,
  routesDraft,
  routesDrafts,
  routesValidate,
  routesPublish,
  routesDiscard,
  routesVersions,
  routesRollBack,
  routesResults,
  requestsList,
  requestsGet,
  ledgerVerify,
  usage,
  rates,
  reconcileImport,
  reconcileShow,
  reconcilePost,
  exportCommand,
  webhooksCreate,
  webhooksList,
  webhooksTest,
  webhooksRemove,
  alerts,
  catalogCheck,
  catalogImport,
  doctor,
];
