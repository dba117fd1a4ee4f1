import { AppError } from '../../base/errors.ts';
import type { EngineClient } from './engine-client.ts';
import { hasStatus } from './engine-fault.ts';

/** Images × programs remembered to be fine. */
const KNOWN_MAX = 1_000;
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Looks for a worker's first program in its container before that is started: with an init in front of
 * it the start succeeds, and only an exit code that could be the program's own tells.
 */
export class ProgramCheck {
  readonly #engine: EngineClient;
  readonly #known = new Set<string>();

  constructor(engine: EngineClient) {
    this.#engine = engine;
  }

  /** `mountPoints`: what lies in them is not seen before the start. */
  async check(containerId: string, mountPoints: readonly string[]): Promise<void> {
    const { Image, Config } = await this.#engine.call<{
      readonly Image: string;
      readonly Config: {
        readonly Entrypoint: readonly string[] | null;
        readonly Cmd: readonly string[] | null;
        readonly Env: readonly string[] | null;
        readonly WorkingDir?: string;
      };
    }>({ method: 'GET', path: `/containers/${containerId}/json` });
    const [program = ''] = [...(Config.Entrypoint ?? []), ...(Config.Cmd ?? [])];
    const path =
      Config.Env?.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
    // With its PATH, which the endpoint's variables may change.
    const key = [Image, program, program.includes('/') ? '' : path].join(' ');
    if (program === '' || this.#known.has(key)) return;
    const folders = path.split(':').filter(Boolean);
    const places = program.includes('/')
      ? [program.startsWith('/') ? program : `${Config.WorkingDir ?? ''}/${program}`]
      : folders.map((folder) => `${folder}/${program}`);
    if (places.some((place) => mountPoints.some((point) => place.startsWith(`${point}/`)))) return;
    for (const place of places) {
      if (!(await this.#exists(containerId, place))) continue;
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      this.#known.add(key);
      return;
    }
    const where = program.includes('/') ? '' : ` in ${path}`;
    throw new AppError(
      'ENTRYPOINT_NOT_FOUND',
      `the image has no program "${program}"${where}; entrypoint, or command where the image has no entrypoint, names it`,
    );
  }

  async #exists(containerId: string, path: string): Promise<boolean> {
    try {
      await this.#engine.call({
        method: 'HEAD',
        path: `/containers/${containerId}/archive?path=${encodeURIComponent(path)}`,
      });
      return true;
    } catch (error) {
      if (hasStatus(error, 404)) return false;
      throw error;
    }
  }
}
