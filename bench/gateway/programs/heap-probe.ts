/** Loaded before our server (`--import`): on SIGUSR2 it collects garbage and writes down what is left. */
import { writeFileSync } from 'node:fs';

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  writeFileSync(process.env['HEAP_PROBE_FILE'] ?? '/dev/null', String(heapUsed + external), { flush: true });
});
