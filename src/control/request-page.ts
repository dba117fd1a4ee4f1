import { counted, seconds } from '../decide/world.ts';
import type { RequestListView } from '../ports/endpoint-service.ts';
import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry } from './endpoint-entry.ts';

/** Requests that go on, and the last ones that ended; with what those wait for that wait. */
export async function requestPage(
  entry: EndpointEntry,
  limit: number,
  { traffic, clock }: Pick<ControlPorts, 'traffic' | 'clock'>,
): Promise<RequestListView> {
  const { id } = entry.endpoint;
  const open = await traffic.openRequests(id, limit);
  const ended = (await traffic.endedRequests(id)).slice(0, Math.max(0, limit - open.length));
  return { requests: [...open, ...ended], waitFor: waitFor(entry, traffic.load(id).waiting, clock.nowMs()) };
}

function waitFor(entry: EndpointEntry, waiting: number, nowMs: number): string {
  if (waiting === 0) return '';
  const records = [...entry.workers.values()].map(({ record }) => record);
  const count = (...states: readonly string[]): number =>
    records.filter(({ state }) => states.includes(state)).length;
  const ready = count('ready');
  const facts = [
    ready > 0
      ? `all ${ready * entry.endpoint.settings.maxConcurrentPerWorker} slots of ${counted(ready, 'ready worker')} are in use`
      : 'no worker is ready',
    count('pending') > 0 ? `${counted(count('pending'), 'worker')} waiting for a device` : '',
    count('pulling', 'starting') > 0
      ? `${counted(count('pulling', 'starting'), 'worker')} starting${expected(entry, nowMs)}`
      : '',
    count('draining', 'stopping') > 0 ? `${counted(count('draining', 'stopping'), 'worker')} leaving` : '',
    entry.notBeforeMs > nowMs ? `the next start is tried in ${seconds(entry.notBeforeMs - nowMs)}` : '',
  ];
  return facts.filter((fact) => fact !== '').join('; ');
}

/** When the first of those that start is expected, where its revision was measured. */
function expected(entry: EndpointEntry, nowMs: number): string {
  const readyAtMs = [...entry.workers.values()].flatMap(({ record }) => {
    const startTimeMs = entry.revisions.get(record.revision)?.startTimeMs ?? null;
    const coming = record.state === 'pulling' || record.state === 'starting';
    return coming && startTimeMs !== null && record.startedAtMs !== null
      ? [record.startedAtMs + startTimeMs]
      : [];
  });
  if (readyAtMs.length === 0) return '';
  return `, the first is expected in ${seconds(Math.max(0, Math.min(...readyAtMs) - nowMs))}`;
}
