import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { renderErrorCatalogue } from '../core/errors/render-catalogue.js';

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}code{font-size:.95em}dt{margin-top:1.25rem}:target{background:#fff3bf}';

/** The page that `docs_url` of every error leads to: one anchor per code. */
@ApiExcludeController()
@Controller('docs/errors')
export class ErrorDocsController {
  private readonly page = renderPage();

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  errors(): string {
    return this.page;
  }
}

function renderPage(): string {
  const rows = renderErrorCatalogue().data.map(
    ({ code, status, type, remedy }) => `<dt id="${code.replaceAll('_', '-')}"><code>${code}</code> · ${status} · ${type}</dt><dd>${escape(remedy)}</dd>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Errors · OpenGateway</title><style>${STYLE}</style><h1>Errors</h1><p>Every <code>error.code</code>. The same as JSON: <code>GET /v1/errors</code>.</p><dl>${rows.join('')}</dl></html>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
