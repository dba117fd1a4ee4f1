/**
 * Loaded before every test file. The test runner waits for ever for a file whose event loop never
 * empties: a server left open, a timer that repeats, a child still running. This ends such a file
 * with exit code 1 after PILOTLIGHT_TEST_FILE_LIMIT_MS and says what kept it alive. The timer is
 * unreferenced, so a file that is done is not held back by it.
 */
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const limitMs = Number(process.env['PILOTLIGHT_TEST_FILE_LIMIT_MS'] ?? 120_000);
const file = process.argv[1] ?? '';

// Threads and forked children of a test inherit the flag that loads this; their test answers for them.
if (isMainThread && file.endsWith('.test.ts')) {
  setTimeout(() => {
    const alive = process.getActiveResourcesInfo().filter((name) => name !== 'TTYWrap');
    const text = `${file} did not end within ${limitMs / 1_000} s; still active: ${alive.join(', ') || 'nothing known'}\n`;
    // Straight to the descriptor: a stream would not be flushed before the exit.
    writeSync(2, text);
    process.exit(1);
  }, limitMs).unref();
}
