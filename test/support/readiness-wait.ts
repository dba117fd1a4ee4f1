import assert from 'node:assert/strict';
import { createHttpReadiness } from '../../src/adapters/readiness-http.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import type { StartedWorker } from '../../src/ports/driver.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';

/** Resolves when the worker's main port accepts a connection. */
export async function untilListening({ addresses }: StartedWorker, port = 8000): Promise<void> {
  const address = addresses[port];
  assert.ok(address);
  const target = {
    workerId: 'waited-for' as WorkerId,
    address,
    healthCheck: { path: '', port: 0 },
    takesJobs: false,
  };
  const stop = new AbortController();
  await new Promise<void>((resolve) => {
    createHttpReadiness({ clock: systemClock() }).watch(target, () => resolve(), stop.signal);
  });
  stop.abort();
}
