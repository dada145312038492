import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';

export interface ChatAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  json: Record<string, unknown>;
}

type Json = Record<string, unknown>;

/** Calls `/v1/chat/completions` with node:http, one connection per call, so that ends of connections mean what they say. */
export class ChatClient {
  private readonly running = new Set<ClientRequest>();

  constructor(
    private readonly url: string,
    readonly key: string,
  ) {}

  async chat(body: Json, headers: Record<string, string> = {}): Promise<ChatAnswer> {
    const { response } = await this.open(body, headers);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    return { status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) };
  }

  /** The head of the answer; the body is the caller's to read, or not to. */
  open(body: Json, headers: Record<string, string> = {}, path = '/v1/chat/completions'): Promise<{ request: ClientRequest; response: IncomingMessage }> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(this.url + path, {
        method: 'POST',
        agent: false,
        headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json', ...headers },
      });
      this.running.add(request);
      request.on('close', () => this.running.delete(request));
      request.on('error', reject);
      request.on('response', (response) => resolve({ request, response }));
      request.end(JSON.stringify(body));
    });
  }

  /** Closes the connections of all calls that still run. */
  leaveAll(): void {
    for (const request of this.running) request.destroy();
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}

export const user = (content: string): { role: string; content: string }[] => [{ role: 'user', content }];
