import { Body, Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { RedeemRevocations } from '../billing/index.js';
import type { Queryable } from '../platform/database/index.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { RevokeRedeemCodeDto, RevokeRedeemCodesDto } from './dto/redeem-codes.dto.js';
import { Operated } from './operated.js';
import { renderRevocation } from './render-redeem-codes.js';

/** Withdraws codes, at once and for good. Doing it again is harmless. */
@Operated('redeem codes')
@Controller('admin/v1/redeem-codes')
export class RedeemCodesRevocationController {
  constructor(private readonly revocations: RedeemRevocations) {}

  /** One code that the operator has in hand. */
  @Post('revoke')
  @HttpCode(200)
  async revokeCode(@Body() body: RevokeRedeemCodeDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    const transaction = request.transaction as Queryable;
    const { batchId, codeNumber } = await this.revocations.locate(body.code, transaction);
    return renderRevocation(await this.revocations.revoke({ batchId, codeNumber, reason: body.reason, clawBack: body.claw_back ?? false }, transaction));
  }

  /** A batch, or one code of it by its number. */
  @Post(':id/revoke')
  @HttpCode(200)
  async revoke(@Param('id') id: string, @Body() body: RevokeRedeemCodesDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    const { number: codeNumber, reason, claw_back: clawBack = false } = body;
    return renderRevocation(await this.revocations.revoke({ batchId: id, codeNumber, reason, clawBack }, request.transaction as Queryable));
  }
}
