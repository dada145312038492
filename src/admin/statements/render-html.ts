import { convertUsd, decimalsOf, formatUsd, type ExchangeRate } from '../../core/pricing/index.js';
import type { StatementLanguage } from '../dto/usage.dto.js';
import type { StatementDocument } from './statement-document.js';
import { STATEMENT_WORDS, type StatementWords } from './statement-words.js';

/** USD itself, for amounts that are shown rounded. */
const USD = { nanoPerUsd: 1_000_000_000n };
const SHOWN_DECIMALS = 6;

const STYLE = `
@page { size: A4; margin: 18mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; color: #555; } }
:root { color-scheme: light; }
body { font: 10.5pt/1.45 system-ui, "Noto Sans KR", "Noto Sans JP", "Apple SD Gothic Neo", "Hiragino Sans", "Malgun Gothic", "Yu Gothic", sans-serif; color: #111; background: #fff; max-width: 190mm; margin: 12mm auto; padding: 0 4mm; }
h1 { font-size: 20pt; margin: 0 0 2mm; } h2 { font-size: 12pt; margin: 9mm 0 2mm; }
header p { margin: 0; color: #444; } .note { border-left: 3px solid #b45309; padding: 1mm 3mm; color: #7c2d12; margin: 4mm 0; }
table { border-collapse: collapse; width: 100%; } th, td { padding: 1.4mm 2mm; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; overflow-wrap: anywhere; }
thead { display: table-header-group; } tr { break-inside: avoid; } thead th { font-weight: 600; border-bottom: 1.5px solid #111; } tbody th { font-weight: 400; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; overflow-wrap: normal; }
.date { white-space: nowrap; }
.sum td, .sum th { border-top: 1.5px solid #111; border-bottom: none; font-weight: 700; }
.balance { width: auto; min-width: 55%; } footer { margin-top: 8mm; color: #555; font-size: 8.5pt; }
@media print { body { margin: 0; max-width: none; padding: 0; } }
`;

/** A page to print or to keep as PDF. Everything that people wrote is escaped; nothing is loaded. */
export function renderStatementHtml(document: StatementDocument, language: StatementLanguage): string {
  const words = STATEMENT_WORDS[language];
  const { statement, organizationName } = document;
  const title = `${words.title} ${statement.month} · ${organizationName}`;
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>${STYLE}</style></head>
<body>
<header><h1>${words.title} ${statement.month}</h1>
<p>${escape(organizationName)} <small>(${escape(statement.organizationId)})</small></p>
<p>${words.period}: ${periodOf(document)} (${escape(statement.timezone)})</p></header>
${statement.final ? '' : `<p class="note">${words.running}</p>`}
${balanceTable(document, words)}
${viewTable(document, words)}
<h2>${words.usage}</h2>
${usageTable(document, words, language)}
<h2>${words.movements}</h2>
${movementTable(document, words)}
<footer><p>${words.exact}</p></footer>
</body>
</html>
`;
}

function periodOf({ statement }: StatementDocument): string {
  const day = dayFormat(statement.timezone);
  return `${day(statement.fromMs)} – ${day(statement.toMs - 1)}`;
}

/** The same totals in the customer's currency, and which rate of which day that is. */
function viewTable({ statement, rate }: StatementDocument, words: StatementWords): string {
  if (rate === null) return '';
  const amount = (nanoUsd: bigint): string => inCurrency(nanoUsd, rate);
  const basis = `1 USD = ${formatUsd(rate.nanoPerUsd)} ${rate.currency} · ${dayFormat(statement.timezone)(rate.effectiveFromMs)} · ${rate.source}`;
  return `<h2>${rate.currency}</h2>
<table class="balance"><tbody><tr><th scope="row">${words.usage}</th><td class="n">${amount(-statement.usageNanoUsd)}</td></tr>
<tr><th scope="row">${words.closing}</th><td class="n">${amount(statement.closingNanoUsd)}</td></tr></tbody></table>
<p><small>${words.rate}: ${escape(basis)}</small></p>`;
}

function inCurrency(nanoUsd: bigint, rate: ExchangeRate): string {
  const [whole = '0', fraction] = convertUsd(nanoUsd, rate, decimalsOf(rate.currency)).split('.');
  return `${grouped(whole)}${fraction === undefined ? '' : `.${fraction}`} ${rate.currency}`;
}

function balanceTable({ statement }: StatementDocument, words: StatementWords): string {
  const lines: [string, bigint][] = [
    [words.opening, statement.openingNanoUsd],
    [words.granted, statement.grantedNanoUsd],
    [words.refunded, statement.refundedNanoUsd],
    [words.expired, -statement.expiredNanoUsd],
    [words.usage, -statement.usageNanoUsd],
  ];
  const rows = lines.map(([label, amount]) => `<tr><th scope="row">${label}</th><td class="n">${usd(amount)}</td></tr>`).join('\n');
  const closing = `<tr class="sum"><th scope="row">${words.closing}</th><td class="n">${usd(statement.closingNanoUsd)}</td></tr>`;
  return `<table class="balance"><thead><tr><th></th><th class="n">${words.amount}</th></tr></thead><tbody>\n${rows}\n${closing}</tbody></table>`;
}

function usageTable({ statement, projectNames }: StatementDocument, words: StatementWords, language: StatementLanguage): string {
  if (statement.usage.length === 0) return `<p>${words.nothing}</p>`;
  const count = new Intl.NumberFormat(language);
  const rows = statement.usage.map(
    (line) => `<tr><td>${escape(projectNames.get(line.projectId) ?? line.projectId)}</td><td>${escape(line.model)}</td><td class="n">${count.format(line.requestCount)}</td>
<td class="n">${count.format(line.promptTokenCount)}</td><td class="n">${count.format(line.completionTokenCount)}</td><td class="n">${usd(line.amountNanoUsd)}</td></tr>`,
  );
  return `<table><thead><tr><th>${words.project}</th><th>${words.model}</th><th class="n">${words.requests}</th><th class="n">${words.promptTokens}</th><th class="n">${words.completionTokens}</th><th class="n">${words.amount}</th></tr></thead>
<tbody>${rows.join('\n')}
<tr class="sum"><td colspan="5">${words.total}</td><td class="n">${usd(statement.usageNanoUsd)}</td></tr></tbody></table>`;
}

function movementTable({ statement }: StatementDocument, words: StatementWords): string {
  if (statement.movements.length === 0) return `<p>${words.nothing}</p>`;
  const day = dayFormat(statement.timezone);
  const rows = statement.movements.map(
    (movement) => `<tr><td class="date">${day(movement.atMs)}</td><td>${words.kinds[movement.kind]}</td><td>${escape(movement.reason ?? '')}${reference(movement.requestId)}</td><td class="n">${usd(movement.amountNanoUsd)}</td></tr>`,
  );
  const more = statement.movementsLeftOutCount === 0 ? '' : `<p>+ ${statement.movementsLeftOutCount} ${words.more}</p>`;
  return `<table><thead><tr><th>${words.date}</th><th>${words.kind}</th><th>${words.description}</th><th class="n">${words.amount}</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>${more}`;
}

function reference(requestId: string | null): string {
  return requestId === null ? '' : ` <small>${escape(requestId)}</small>`;
}

function dayFormat(timezone: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone });
  return (ms) => format.format(ms);
}

/** With thousands separators, as bookkeeping wants it; a comma in every language of ours. */
function usd(nanoUsd: bigint): string {
  const [whole = '0', fraction = ''] = convertUsd(nanoUsd, USD, SHOWN_DECIMALS).split('.');
  return `${grouped(whole)}.${fraction}`;
}

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ',');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}
