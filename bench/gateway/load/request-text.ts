import type { Target } from '../subject.ts';

/** 110 bytes, as small as a question to a model is. */
export const WORK_BODY = JSON.stringify({ model: 'bench', prompt: 'x'.repeat(78) });
export const WORK_PATH = '/v1/completions';

export interface RequestWords {
  readonly method: string;
  /** With the query; the target's prefix goes before it. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The head of a request, as it goes over the wire. */
export function requestHead(target: Target, { method, path, headers = {} }: RequestWords): string {
  const fields = { host: '127.0.0.1', 'content-type': 'application/json', ...target.headers, ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target.prefix}${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** The small request that most measures send. */
export function workRequest(target: Target): string {
  const headers = { 'content-length': String(WORK_BODY.length) };
  return requestHead(target, { method: 'POST', path: WORK_PATH, headers }) + WORK_BODY;
}
