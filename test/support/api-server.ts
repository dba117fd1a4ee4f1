import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { EventReaders } from '../../src/api/event-readers.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import type { OwnerId } from '../../src/base/ids.ts';
import { buildApi, type ApiParts } from '../../src/api/build-api.ts';
import type { ApiKey } from '../../src/ports/store.ts';
import { stubService } from './stub-endpoint-service.ts';
import { stubJobService } from './stub-job-service.ts';
import { stubResources } from './stub-resources.ts';
import { stubWhatIf } from './stub-what-if.ts';

export const KEY = 'pl-test-key-0123456789';

export const API_KEY: ApiKey = {
  hash: createHash('sha256').update(KEY).digest('hex'),
  ownerId: 'owner-1' as OwnerId,
  name: 'test',
  admin: true,
  createdAtMs: 0,
};

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The API behind a real server, as it is mounted in production; closed when the test ends. */
export async function startApi(context: TestContext, parts: Partial<ApiParts> = {}) {
  const logLines: LogLine[] = [];
  const logAt =
    (level: string) =>
    (message: string, facts: Readonly<Record<string, unknown>> = {}): void => {
      logLines.push({ level, message, facts });
    };
  const service = stubService();
  const api = buildApi({
    service,
    resources: stubResources(),
    whatIf: stubWhatIf(),
    jobs: stubJobService(),
    jobLimits: { inputBytes: 1_048_576 },
    eventReaders: new EventReaders(systemClock()),
    apiKeys: (hash) => (hash === API_KEY.hash ? API_KEY : undefined),
    clock: systemClock(),
    log: { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') },
    readMetrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'up 1\n' }),
    isServing: () => true,
    version: '1.2.3',
    ...parts,
  });
  await api.ready();
  const server = createServer((request, response) => api.routing(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(async () => {
    server.closeAllConnections();
    server.close();
    await api.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, calls: service.calls, logLines };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined when it is not JSON. */
  readonly json: unknown;
}

/** One request with the right key, unless `headers` say otherwise (an empty value drops the header). */
export async function ask(
  url: string,
  method = 'GET',
  body?: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const all: Record<string, string> = {
    authorization: `Bearer ${KEY}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  };
  const response = await fetch(url, {
    method,
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')),
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  };
}
