import { AppError } from '../base/errors.ts';

/** Field path (`worker_config.max_replicas`, `envs[2].key`) → what is wrong, what was given, what is allowed. */
export type Faults = Readonly<Record<string, string>>;

/** More are neither looked for nor told: an answer stays readable, and its size bounded. */
export const FAULTS_MAX = 100;

const PATH_LENGTH_MAX = 200;
const SHOWN_IN_MESSAGE = 3;

/** Collects the faults of one input; of several at one path it keeps the first. */
export class FaultList {
  readonly #faults = new Map<string, string>();

  add(path: string, text: string): void {
    if (this.full) return;
    const key = path.length > PATH_LENGTH_MAX ? `${path.slice(0, PATH_LENGTH_MAX)}…` : path;
    if (!this.#faults.has(key)) this.#faults.set(key, text);
  }

  get full(): boolean {
    return this.#faults.size >= FAULTS_MAX;
  }

  get empty(): boolean {
    return this.#faults.size === 0;
  }

  /** Whether `path` itself or anything under it is at fault. */
  touches(path: string): boolean {
    for (const key of this.#faults.keys()) {
      if (key === path || key.startsWith(`${path}.`) || key.startsWith(`${path}[`)) return true;
    }
    return false;
  }

  toFaults(): Faults {
    // fromEntries defines properties, so that a field named __proto__ stays a plain key.
    return Object.fromEntries(this.#faults);
  }
}

/** The error that tells all faults of one input. */
export function faultsError(faults: Faults): AppError {
  const entries = Object.entries(faults);
  const shown = entries.slice(0, SHOWN_IN_MESSAGE).map(([path, text]) => `${path} ${text}`);
  const rest = entries.length - shown.length;
  const count = entries.length === 1 ? '1 field is' : `${entries.length} fields are`;
  const more = rest > 0 ? `; and ${rest} more, all in metadata` : '';
  return new AppError('VALIDATOR_PARAM', `${count} not valid: ${shown.join('; ')}${more}.`, {
    metadata: faults,
  });
}
