import { once } from 'node:events';
import { run } from 'node:test';
import { spec as SpecReporter, type TestEvent } from 'node:test/reporters';
import { TestFolder } from './leftovers.ts';

/** What the runner counts; `failed` is missing in its published types. */
interface Counts {
  tests: number;
  suites: number;
  passed: number;
  failed: number;
  cancelled: number;
  skipped: number;
  todo: number;
}

export interface FileRun {
  readonly files: readonly string[];
  /** Files at a time. */
  readonly concurrency: number;
  /** A file that has not ended by then fails. */
  readonly fileLimitMs: number;
  /** All files together; then the rest is cancelled and fails. */
  readonly runLimitMs: number;
}

const COUNT_LINE = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;
const PRELOAD = new URL('./file-limit.ts', import.meta.url).href;
const LEFTOVER_PATIENCE_MS = 5_000;

/**
 * Runs test files in several parts under one report, so that the last lines are the runner's own
 * summary over all of them.
 */
export class TestReport {
  readonly #reporter = new SpecReporter();
  readonly #startedMs = Date.now();
  readonly #total: Counts = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
  /** In CI a test that does not run proves nothing, so it fails the run. */
  readonly #skipsFail: boolean;

  constructor(skipsFail: boolean) {
    this.#skipsFail = skipsFail;
    this.#reporter.pipe(process.stdout, { end: false });
  }

  get ok(): boolean {
    return this.#total.failed === 0 && this.#total.cancelled === 0;
  }

  /** True when every test of this part passed and nothing of it still runs. */
  async run(part: FileRun): Promise<boolean> {
    const folder = new TestFolder();
    folder.enter();
    process.env['PILOTLIGHT_TEST_FILE_LIMIT_MS'] = String(part.fileLimitMs);
    try {
      const counts = await this.#runFiles(part);
      if (this.#skipsFail && counts.skipped + counts.todo > 0) {
        counts.failed += 1;
        this.#say(`✖ ${counts.skipped} skipped and ${counts.todo} todo test(s): in CI every test must run`);
      }
      const left = await folder.processesAfter(LEFTOVER_PATIENCE_MS);
      if (left.length > 0) {
        counts.failed += 1;
        this.#say('✖ these processes were started by a test and never stopped:');
        for (const { pid, command } of left) this.#say(`    ${pid} ${command}`);
      }
      for (const name of Object.keys(this.#total) as (keyof Counts)[]) this.#total[name] += counts[name];
      return counts.failed + counts.cancelled === 0;
    } finally {
      folder.leave();
    }
  }

  /** The runner's summary and the failures of all parts again, as its last words. */
  async end(): Promise<void> {
    const { tests, suites, passed, failed, cancelled, skipped, todo } = this.#total;
    const durationMs = Date.now() - this.#startedMs;
    const lines = [
      `tests ${tests}`,
      `suites ${suites}`,
      `pass ${passed}`,
      `fail ${failed}`,
      `cancelled ${cancelled}`,
      `skipped ${skipped}`,
      `todo ${todo}`,
      `duration_ms ${durationMs}`,
    ];
    for (const message of lines)
      this.#pass({ type: 'test:diagnostic', data: { message, nesting: 0, level: 'info' } });
    const counts = { ...this.#total, topLevel: 0 };
    this.#pass({
      type: 'test:summary',
      data: { counts, duration_ms: durationMs, file: undefined, success: this.ok },
    });
    this.#reporter.end();
    await once(this.#reporter, 'end');
  }

  async #runFiles(part: FileRun): Promise<Counts> {
    const counts: Counts = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
    const stream = run({
      files: part.files,
      concurrency: part.concurrency,
      execArgv: ['--disable-warning=ExperimentalWarning', '--import', PRELOAD],
      signal: AbortSignal.timeout(part.runLimitMs),
    });
    for await (const event of stream as AsyncIterable<TestEvent>) {
      if (event.type === 'test:summary' && event.data.file === undefined) {
        Object.assign(counts, event.data.counts);
        continue;
      }
      const ownCount = event.type === 'test:diagnostic' && COUNT_LINE.test(event.data.message);
      if (!ownCount) this.#pass(event);
    }
    return counts;
  }

  #say(line: string): void {
    this.#pass({ type: 'test:stdout', data: { message: `${line}\n`, file: '' } });
  }

  #pass(event: TestEvent): void {
    this.#reporter.write(event);
  }
}
