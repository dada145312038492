import { Module } from '@nestjs/common';
import { AuditLog } from './audit/audit-log.js';
import { AlertsController, WebhooksController } from './alerts.controller.js';
import { AuditController } from './audit.controller.js';
import { CreditsController, LedgerController } from './billing.controller.js';
import { ConfigurationController } from './configuration.controller.js';
import { ConsoleController } from './console.controller.js';
import { KeysController } from './keys.controller.js';
import { OrganizationsController, ProjectsController } from './organizations.controller.js';
import { RedeemCodesController } from './redeem-codes.controller.js';
import { RedeemCodesRevocationController } from './redeem-codes-revocation.controller.js';
import { RequestsController } from './requests.controller.js';
import { ReconciliationsController } from './reconciliations.controller.js';
import { StatementsController } from './statements.controller.js';
import { ExchangeRatesController, UsageController } from './usage.controller.js';
import { ExplainController } from './routes/explain.controller.js';
import { RouteResultsController } from './routes/route-results.controller.js';
import { RoutesController } from './routes/routes.controller.js';
import { RoutingController } from './routing.controller.js';

/** The operator's API, `/admin/v1`. Needs the leaves in scope; joins what they know and adds the audit log. */
@Module({
  controllers: [
    ConsoleController,
    ConfigurationController,
    OrganizationsController,
    ProjectsController,
    KeysController,
    CreditsController,
    LedgerController,
    RedeemCodesController,
    RedeemCodesRevocationController,
    RequestsController,
    ExplainController,
    RouteResultsController,
    RoutesController,
    RoutingController,
    UsageController,
    ExchangeRatesController,
    StatementsController,
    ReconciliationsController,
    AlertsController,
    WebhooksController,
    AuditController,
  ],
  providers: [AuditLog],
})
export class AdminModule {}
