import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/**
 * A temporary folder that every test and everything it starts inherits as TMPDIR. Workers are
 * detached on purpose and outlive a careless test; this name in their environment finds them again.
 */
export class TestFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'pilotlight-test-'));
  readonly #before = process.env['TMPDIR'];

  enter(): void {
    process.env['TMPDIR'] = this.path;
  }

  /** Processes that still run with this folder; empty where there is no /proc to ask. */
  processes(): readonly Leftover[] {
    const mark = `\0TMPDIR=${this.path}\0`;
    return processIds().flatMap((pid) => {
      const environment = readProcess(pid, 'environ');
      if (pid === process.pid || !`\0${environment}`.includes(mark)) return [];
      return [{ pid, command: readProcess(pid, 'cmdline').replaceAll('\0', ' ').trim() }];
    });
  }

  /** Those still there after `patienceMs`: a worker that was just stopped may need a moment. */
  async processesAfter(patienceMs: number): Promise<readonly Leftover[]> {
    const endMs = Date.now() + patienceMs;
    for (;;) {
      const left = this.processes();
      if (left.length === 0 || Date.now() >= endMs) return left;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  leave(): void {
    for (const { pid } of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        // Gone in the meantime, which is what was wanted.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    if (this.#before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = this.#before;
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

function processIds(): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Empty for a process that is gone, is a zombie, or belongs to somebody else. */
function readProcess(pid: number, fact: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${fact}`, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return '';
    throw error;
  }
}
