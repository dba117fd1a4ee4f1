import { HttpConnection } from './load/http-connection.ts';
import { WORK_BODY, WORK_PATH, requestHead, workRequest } from './load/request-text.ts';
import type { OpenSubject, Subject } from './subject.ts';
import { ROUTES } from './upstreams.ts';

/** Answers on every way with the program's answer, and refuses whoever has no key. Throws when it does not. */
export async function checkSubject(subject: Subject, opened: OpenSubject): Promise<void> {
  for (const route of ROUTES) {
    const target = opened.target(route);
    const withKey = await askOnce(target.port, workRequest(target));
    if (withKey.status !== 200 || !withKey.body.includes('answer-1')) {
      throw new Error(
        `${subject.name} answered ${withKey.status} on ${route}: ${withKey.body.slice(0, 300)}`,
      );
    }
    if (!subject.checksKey) continue;
    const headers = { 'content-length': String(WORK_BODY.length) };
    const head = requestHead({ ...target, headers: {} }, { method: 'POST', path: WORK_PATH, headers });
    const { status } = await askOnce(target.port, head + WORK_BODY);
    if (status !== 401)
      throw new Error(`${subject.name} answered ${status} on ${route} to a request without a key`);
  }
}

async function askOnce(port: number, bytes: string): Promise<{ status: number; body: string }> {
  const connection = await HttpConnection.open(port);
  try {
    return await connection.request(bytes);
  } finally {
    connection.close();
  }
}
