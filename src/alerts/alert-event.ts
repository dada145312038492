export const ALERT_TYPES = ['budget.soft', 'budget.hard', 'credits.exhausted', 'ledger.drift', 'webhook.test'] as const;
export type AlertType = (typeof ALERT_TYPES)[number];

/** Something an operator wants to be told, once. */
export interface NewAlert {
  readonly type: AlertType;
  /** What makes it the same event however often it is seen: a budget's period and threshold, a day, a verification. */
  readonly occasion: string;
  readonly organizationId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface AlertEvent {
  readonly id: string;
  readonly type: AlertType;
  readonly organizationId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly createdAtMs: number;
}
