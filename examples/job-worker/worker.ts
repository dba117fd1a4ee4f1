// In a project of your own: import { start, type Job } from 'pilotlight/worker';
import { start, type Job } from '../../src/worker/start.ts';

interface Input {
  readonly text?: string;
  /** Sends word by word what otherwise comes at the end. */
  readonly stream?: boolean;
  readonly msPerWord?: number;
}

async function handle(job: Job<Input>): Promise<unknown> {
  const { text, stream = false, msPerWord = 100 } = job.input ?? {};
  if (text === undefined) throw new Error('the input has no "text"');
  const words = text.split(/\s+/).filter((word) => word !== '');
  // A generator's parts reach the client of /stream as they come.
  if (stream) return shouted(words, msPerWord, job.signal);
  const done: string[] = [];
  for await (const word of shouted(words, msPerWord, job.signal)) {
    done.push(word);
    void job.progress({ words: done.length, of: words.length });
  }
  return { text: done.join(' ') };
}

async function* shouted(words: readonly string[], msPerWord: number, signal: AbortSignal) {
  for (const word of words) {
    await pause(msPerWord, signal);
    yield word.toUpperCase();
  }
}

/** Rejects when the job is cancelled, which ends the handler. */
function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, durationMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

console.log(`job-worker: ${process.env['RUNPOD_POD_ID'] ?? 'started by hand'} takes jobs`);
await start<Input>({ handler: handle, concurrency: Number(process.env['CONCURRENCY'] ?? '1') });
console.log('job-worker: ended');
