import type { StatementLanguage } from '../dto/usage.dto.js';

/** The words of a printed statement. */
export interface StatementWords {
  readonly title: string;
  readonly period: string;
  readonly running: string;
  readonly opening: string;
  readonly granted: string;
  readonly refunded: string;
  readonly expired: string;
  readonly usage: string;
  readonly closing: string;
  readonly project: string;
  readonly model: string;
  readonly requests: string;
  readonly promptTokens: string;
  readonly completionTokens: string;
  readonly amount: string;
  readonly total: string;
  readonly movements: string;
  readonly date: string;
  readonly kind: string;
  readonly description: string;
  readonly nothing: string;
  readonly more: string;
  readonly rate: string;
  readonly exact: string;
  readonly kinds: Readonly<Record<'grant' | 'refund' | 'expiry', string>>;
}

export const STATEMENT_WORDS: Readonly<Record<StatementLanguage, StatementWords>> = {
  en: {
    title: 'Statement', period: 'Period', running: 'This period has not ended; figures are preliminary.', opening: 'Opening balance', granted: 'Credit added',
    refunded: 'Refunds', expired: 'Expired credit', usage: 'Usage', closing: 'Closing balance', project: 'Project', model: 'Model', requests: 'Requests',
    promptTokens: 'Input tokens', completionTokens: 'Output tokens', amount: 'Amount (USD)', total: 'Total', movements: 'Credit and refunds', date: 'Date', kind: 'Kind',
    description: 'Description', nothing: 'Nothing in this period.', more: 'more, see the CSV', rate: 'Exchange rate', exact: 'Amounts are exact to one billionth of a US dollar and shown rounded to six places.',
    kinds: { grant: 'Credit', refund: 'Refund', expiry: 'Expiry' },
  },
  ko: {
    title: '이용 명세서', period: '기간', running: '아직 끝나지 않은 기간입니다. 금액은 확정되지 않았습니다.', opening: '기초 잔액', granted: '충전', refunded: '환불', expired: '만료된 크레딧',
    usage: '이용 금액', closing: '기말 잔액', project: '프로젝트', model: '모델', requests: '요청 수', promptTokens: '입력 토큰', completionTokens: '출력 토큰', amount: '금액 (USD)', total: '합계',
    movements: '크레딧 및 환불', date: '날짜', kind: '구분', description: '내용', nothing: '이 기간에는 내역이 없습니다.', more: '건 더 있음 (CSV 참조)', rate: '적용 환율',
    exact: '금액은 10억분의 1달러까지 정확하게 계산되며, 소수점 여섯째 자리로 반올림하여 표시합니다.', kinds: { grant: '충전', refund: '환불', expiry: '만료' },
  },
  ja: {
    title: 'ご利用明細書', period: '対象期間', running: '対象期間は終了していません。金額は未確定です。', opening: '期首残高', granted: 'クレジット追加', refunded: '返金', expired: '失効クレジット',
    usage: 'ご利用額', closing: '期末残高', project: 'プロジェクト', model: 'モデル', requests: 'リクエスト数', promptTokens: '入力トークン', completionTokens: '出力トークン', amount: '金額 (USD)', total: '合計',
    movements: 'クレジットと返金', date: '日付', kind: '区分', description: '内容', nothing: '対象期間の明細はありません。', more: '件(CSV をご覧ください)', rate: '換算レート',
    exact: '金額は 10 億分の 1 ドルまで正確に計算し、小数点以下 6 桁に四捨五入して表示しています。', kinds: { grant: '追加', refund: '返金', expiry: '失効' },
  },
};
