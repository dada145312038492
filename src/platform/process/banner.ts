export interface BannerFacts {
  readonly version: string;
  readonly baseUrl: string;
  readonly demoKey: string | null;
  readonly bootstrapPath: string;
  readonly storage: string;
}

/** For a person; the ready line that scripts wait for is printed on its own after it. */
export function renderBanner(facts: BannerFacts): string {
  const rows: [string, string][] = [
    ['Base URL', `${facts.baseUrl}/v1`],
    ['Demo key', facts.demoKey ?? 'none (make a key: npm run og -- keys --help)'],
    ['Console', `${facts.baseUrl}/console`],
    ['API docs', `${facts.baseUrl}/docs`],
    ['Storage', facts.storage],
    ['Admin token', `in ${facts.bootstrapPath}`],
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(12)} ${value}`);
  return ['', `OpenGateway ${facts.version}`, '', ...lines, '', 'Try it:', '', curlLine(facts), ''].join('\n');
}

/** Works as printed in any POSIX shell; without a demo key it asks for one thing that needs no key. */
function curlLine({ baseUrl, demoKey }: BannerFacts): string {
  if (demoKey === null) return `  curl ${baseUrl}/healthz`;
  const body = JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'Hello!' }] });
  return `  curl ${baseUrl}/v1/chat/completions -H 'Authorization: Bearer ${demoKey}' -H 'Content-Type: application/json' -d '${body}'`;
}

/** The address to show for a listener: one that a person can open. */
export function shownUrl(host: string, port: number): string {
  const any = host === '0.0.0.0' || host === '::' || host === '';
  const name = any ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

