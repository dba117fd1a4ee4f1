import { setImmediate } from 'node:timers/promises';

/**
 * Runs `task` each time when the word at `index` is not 0, which `task` makes it again. Sleeps until
 * another thread notifies; ends when `signal` aborts, after one more notification.
 */
export async function onShared(
  words: Int32Array,
  index: number,
  signal: AbortSignal,
  task: () => void,
): Promise<void> {
  while (!signal.aborted) {
    const wait = Atomics.waitAsync(words, index, 0);
    if (wait.async) await wait.value;
    // Notified again already: all else that this thread has to do has its turn first.
    else await setImmediate();
    if (!signal.aborted) task();
  }
}
